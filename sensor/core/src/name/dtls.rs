//! The client hello of DTLS 1.0, 1.2 and 1.3, put together over fragments and datagrams.
//!
//! ```text
//! struct {                                      RFC 6347, sections 4.1 and 4.2.2
//!     ContentType type;                         22
//!     ProtocolVersion version;                  fe ff or fe fd
//!     uint16 epoch;                             0 until there are keys
//!     uint48 sequence_number;
//!     uint16 length;
//!     Handshake fragments:
//!         HandshakeType msg_type;
//!         uint24 length;                        of the whole message
//!         uint16 message_seq;
//!         uint24 fragment_offset;
//!         uint24 fragment_length;
//! } DTLSPlaintext;
//! ```

use super::Progress;
use super::fragments::{Fragments, Inserted};
use super::ja4::Carrier;
use super::reader::Reader;
use super::tls::{ClientHello, client_hello_message};
use super::tls_records::MAX_HANDSHAKE_BYTES;

/// Datagrams of one flow that are looked at before it is given up.
pub const MAX_DATAGRAMS: u8 = 32;

/// Records of one datagram that are looked at.
const MAX_RECORDS: usize = 16;

/// Fragments of one record that are looked at.
const MAX_FRAGMENTS: usize = 16;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;

const DTLS_1_0: u16 = 0xfeff;
const DTLS_1_2: u16 = 0xfefd;

const SEQUENCE_NUMBER_BYTES: usize = 6;

/// What is kept of a flow from one datagram of its client to the next.
#[derive(Debug, Default)]
pub struct DtlsState {
    finished: bool,
    recognised: bool,
    datagrams: u8,
    /// Number and length of the message that `body` belongs to.
    message: Option<(u16, usize)>,
    body: Fragments,
}

/// A piece of a handshake message.
struct Fragment<'a> {
    kind: u8,
    length: usize,
    message: u16,
    offset: u32,
    data: &'a [u8],
}

/// Reads the next datagram of a flow's client. The answers are those of `quic::client_datagram`.
///
/// The first hello counts, whether the server then asks for another with its cookie or not.
pub fn client_datagram(state: &mut DtlsState, datagram: &[u8]) -> Progress<ClientHello> {
    if state.finished {
        return Progress::No;
    }
    let progress = state.read(datagram);
    state.datagrams += 1;
    let spent = state.datagrams >= MAX_DATAGRAMS;
    if spent || state.recognised && progress != Progress::More {
        state.finished = true;
        state.body.clear();
    }
    if spent && progress == Progress::More {
        Progress::No
    } else {
        progress
    }
}

/// Whether this datagram is a server's answer to a hello: its own hello, or a request to come again.
pub fn is_server_answer(datagram: &[u8]) -> bool {
    next_record(&mut Reader::new(datagram))
        .and_then(|record| next_fragment(&mut Reader::new(record)))
        .is_some_and(|fragment| matches!(fragment.kind, SERVER_HELLO | HELLO_VERIFY_REQUEST))
}

impl DtlsState {
    /// Bytes of memory beyond the struct itself.
    pub fn heap_bytes(&self) -> usize {
        self.body.heap_bytes()
    }

    fn read(&mut self, datagram: &[u8]) -> Progress<ClientHello> {
        let mut records = Reader::new(datagram);
        for record in std::iter::from_fn(|| next_record(&mut records)).take(MAX_RECORDS) {
            let mut fragments = Reader::new(record);
            for fragment in std::iter::from_fn(|| next_fragment(&mut fragments)).take(MAX_FRAGMENTS)
            {
                if fragment.kind != CLIENT_HELLO {
                    continue;
                }
                self.recognised = true;
                match self.take(&fragment) {
                    Progress::More => {}
                    progress => return progress,
                }
            }
        }
        if self.recognised {
            Progress::More
        } else {
            Progress::No
        }
    }

    fn take(&mut self, fragment: &Fragment) -> Progress<ClientHello> {
        let message = Some((fragment.message, fragment.length));
        let offset = u64::from(fragment.offset);
        let begins_anew = self.message != message
            || self.body.insert(offset, fragment.data) == Inserted::Conflict;
        if begins_anew {
            self.message = message;
            self.body.clear();
            self.body.insert(offset, fragment.data);
        }
        if self.body.contiguous().len() < fragment.length {
            return Progress::More;
        }
        // The message as it stands in TLS, without numbers of fragments.
        let mut whole = vec![CLIENT_HELLO];
        whole.extend(
            fragment
                .length
                .to_be_bytes()
                .iter()
                .skip(size_of::<usize>() - 3),
        );
        whole.extend(self.body.contiguous());
        client_hello_message(&whole, Carrier::Dtls)
    }
}

/// The body of the next handshake record that is not encrypted; other records are passed over.
fn next_record<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    for _ in 0..MAX_RECORDS {
        let kind = reader.u8()?;
        let version = reader.u16()?;
        if !(20..=26).contains(&kind) || !matches!(version, DTLS_1_0 | DTLS_1_2) {
            return None;
        }
        let epoch = reader.u16()?;
        reader.take(SEQUENCE_NUMBER_BYTES)?;
        let body = reader.vector16()?;
        if kind == HANDSHAKE && epoch == 0 {
            return Some(body);
        }
    }
    None
}

fn next_fragment<'a>(reader: &mut Reader<'a>) -> Option<Fragment<'a>> {
    let kind = reader.u8()?;
    let length = reader.u24()? as usize;
    let message = reader.u16()?;
    let offset = reader.u24()?;
    let fragment_length = reader.u24()? as usize;
    let data = reader.take(fragment_length)?;
    let fits = length <= MAX_HANDSHAKE_BYTES && offset as usize + fragment_length <= length;
    fits.then_some(Fragment {
        kind,
        length,
        message,
        offset,
        data,
    })
}

#[cfg(test)]
#[path = "dtls_tests.rs"]
mod tests;
