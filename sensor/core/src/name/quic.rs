//! QUIC: the client hello in the Initial packets of a connection, put together over frames, packets and datagrams.

use std::ops::Range;

use super::fragments::{Fragments, Inserted};
use super::ja4::Carrier;
use super::quic_crypto::{InitialKeys, MAX_INITIAL_BYTES, schemes};
use super::quic_header::{
    GOOGLE_Q050, LongKind, LongPacket, MAX_CONNECTION_ID_BYTES, QuicKind, looks_like_quic,
    next_packet,
};
use super::reader::Reader;
use super::tls::{ClientHello, client_hello_message};
use super::{Progress, gquic};

/// Datagrams of one flow that are looked at before it is given up.
pub const MAX_DATAGRAMS: u8 = 64;

/// Packets of one flow that are decrypted, keys tried in vain included.
pub const MAX_DECRYPTIONS: u8 = 64;

/// Keys of one flow that are kept: of the first connection ID, of the one after a Retry, and spares.
const MAX_KEY_SETS: usize = 4;

const PADDING: u64 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const ACK_WITH_ECN: u64 = 0x03;
const CRYPTO: u64 = 0x06;

/// What the client of a QUIC connection said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuicHello {
    /// The hello inside; of Google's own form only the name.
    pub hello: ClientHello,
    /// The version of its packets.
    pub version: u32,
}

/// How a server answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuicAnswer {
    /// The handshake went on.
    Handshake,
    /// The client shall prove its address first.
    Retry,
    /// The client shall come again with another version.
    Negotiation,
}

/// What is kept of a flow from one datagram of its client to the next.
#[derive(Debug, Default)]
pub struct QuicState {
    recognised: bool,
    finished: bool,
    datagrams: u8,
    decryptions: u8,
    /// Keys that have opened a packet, oldest first.
    key_sets: Vec<KeySet>,
    /// Version of the packets that `crypto` came from.
    version: u32,
    crypto: Fragments,
}

/// Keys and the connection ID that they follow from.
#[derive(Debug, Clone, Copy)]
struct KeySet {
    version: u32,
    destination: [u8; MAX_CONNECTION_ID_BYTES],
    destination_length: usize,
    keys: InitialKeys,
}

impl KeySet {
    fn new(packet: &LongPacket, keys: InitialKeys) -> Self {
        let mut destination = [0; MAX_CONNECTION_ID_BYTES];
        for (place, &byte) in destination.iter_mut().zip(packet.destination) {
            *place = byte;
        }
        let destination_length = packet.destination.len();
        Self {
            version: packet.version,
            destination,
            destination_length,
            keys,
        }
    }

    fn belongs_to(&self, packet: &LongPacket) -> bool {
        self.version == packet.version
            && self.destination.get(..self.destination_length) == Some(packet.destination)
    }
}

/// Reads the next datagram of a flow's client.
///
/// A datagram that is no QUIC, in a flow that was none so far, answers `No`. After `Done` the state is spent;
/// `No` after `More` means that this is QUIC whose hello cannot be read. Both stay `No` from then on.
pub fn client_datagram(state: &mut QuicState, datagram: &[u8]) -> Progress<QuicHello> {
    if state.finished {
        return Progress::No;
    }
    let progress = state.read(datagram);
    state.datagrams += 1;
    let spent = state.datagrams >= MAX_DATAGRAMS || state.decryptions >= MAX_DECRYPTIONS;
    let progress = if spent && progress == Progress::More {
        Progress::No
    } else {
        progress
    };
    if spent || state.recognised && progress != Progress::More {
        state.finished = true;
        state.crypto.clear();
        state.key_sets = Vec::new();
    }
    progress
}

/// How the server answered in this datagram, if it is such an answer.
pub fn server_answer(datagram: &[u8]) -> Option<QuicAnswer> {
    if looks_like_quic(datagram)? == QuicKind::Negotiation {
        return Some(QuicAnswer::Negotiation);
    }
    let (packet, _) = next_packet(datagram)?;
    match packet.kind {
        LongKind::Initial | LongKind::Handshake => Some(QuicAnswer::Handshake),
        LongKind::Retry => Some(QuicAnswer::Retry),
        LongKind::ZeroRtt => None,
    }
}

impl QuicState {
    /// Bytes of memory beyond the struct itself.
    pub fn heap_bytes(&self) -> usize {
        self.crypto.heap_bytes() + self.key_sets.capacity() * size_of::<KeySet>()
    }

    fn read(&mut self, datagram: &[u8]) -> Progress<QuicHello> {
        match looks_like_quic(datagram) {
            Some(QuicKind::Google(version)) => return self.read_google(version, datagram),
            Some(_) => self.recognised = true,
            None => {}
        }
        let mut rest = datagram;
        while let Some((packet, after)) = next_packet(rest) {
            if packet.kind == LongKind::Initial {
                match self.read_initial(&packet) {
                    Progress::More => {}
                    progress => return progress,
                }
            }
            rest = after;
        }
        if self.recognised {
            Progress::More
        } else {
            Progress::No
        }
    }

    fn read_google(&mut self, version: u32, datagram: &[u8]) -> Progress<QuicHello> {
        self.recognised = true;
        let hello = gquic::header(datagram).and_then(|(_, payload)| gquic::hello(payload));
        match hello {
            Some(hello) => Progress::Done(google_hello(hello, version)),
            None => Progress::More,
        }
    }

    fn read_initial(&mut self, packet: &LongPacket) -> Progress<QuicHello> {
        let mut buffer = [0; MAX_INITIAL_BYTES];
        let Some(frames) = self
            .open(packet, &mut buffer)
            .and_then(|place| buffer.get(place))
        else {
            return Progress::More;
        };
        if packet.version == GOOGLE_Q050 {
            return match gquic::hello(frames) {
                Some(hello) => Progress::Done(google_hello(hello, packet.version)),
                None => Progress::More,
            };
        }
        if self.version != packet.version {
            // After a negotiation the client begins anew.
            self.version = packet.version;
            self.crypto.clear();
        }
        self.take_frames(frames);
        if self.crypto.contiguous().is_empty() {
            return Progress::More;
        }
        client_hello_message(self.crypto.contiguous(), Carrier::Quic).map(|hello| QuicHello {
            hello,
            version: packet.version,
        })
    }

    /// Decrypts with the keys that fit: those of the same connection ID, those the flow began with (a client
    /// keeps them when the server gives it another ID), those that follow from the packet's own ID
    /// (after a Retry, and of clients that scatter their hello over several IDs).
    fn open(
        &mut self,
        packet: &LongPacket,
        buffer: &mut [u8; MAX_INITIAL_BYTES],
    ) -> Option<Range<usize>> {
        if self.decryptions >= MAX_DECRYPTIONS {
            return None;
        }
        let same_version = || {
            self.key_sets
                .iter()
                .filter(|set| set.version == packet.version)
        };
        let own = same_version().filter(|set| set.belongs_to(packet));
        let others = same_version().filter(|set| !set.belongs_to(packet));
        for set in own.chain(others) {
            self.decryptions = self.decryptions.saturating_add(1);
            if let Some(place) = set.keys.open(packet, buffer) {
                return Some(place);
            }
        }
        for scheme in schemes(packet.version) {
            self.decryptions = self.decryptions.saturating_add(1);
            let keys = InitialKeys::of_client(scheme, packet.destination);
            if let Some(place) = keys.open(packet, buffer) {
                self.keep(KeySet::new(packet, keys));
                return Some(place);
            }
        }
        None
    }

    fn keep(&mut self, set: KeySet) {
        if self.key_sets.len() >= MAX_KEY_SETS {
            self.key_sets.remove(0);
        }
        self.key_sets.push(set);
    }

    /// Takes the CRYPTO frames; a frame that has no place in an Initial ends the packet.
    fn take_frames(&mut self, frames: &[u8]) {
        let mut reader = Reader::new(frames);
        while let Some(kind) = reader.varint() {
            let read = match kind {
                PADDING | PING => Some(()),
                ACK | ACK_WITH_ECN => skip_acknowledgement(&mut reader, kind == ACK_WITH_ECN),
                CRYPTO => self.take_crypto(&mut reader),
                _ => None,
            };
            if read.is_none() {
                return;
            }
        }
    }

    fn take_crypto(&mut self, reader: &mut Reader) -> Option<()> {
        let offset = reader.varint()?;
        let length = usize::try_from(reader.varint()?).ok()?;
        let data = reader.take(length)?;
        if self.crypto.insert(offset, data) == Inserted::Conflict {
            // Another connection on the same ports: its hello counts from here on.
            self.crypto.clear();
            self.crypto.insert(offset, data);
        }
        Some(())
    }
}

/// Reads over an ACK frame after its type (RFC 9000, section 19.3).
fn skip_acknowledgement(reader: &mut Reader, with_ecn: bool) -> Option<()> {
    let (_largest, _delay) = (reader.varint()?, reader.varint()?);
    let range_count = reader.varint()?;
    let _first_range = reader.varint()?;
    let more = range_count
        .checked_mul(2)?
        .checked_add(if with_ecn { 3 } else { 0 })?;
    for _ in 0..more {
        reader.varint()?;
    }
    Some(())
}

fn google_hello(hello: gquic::GoogleHello, version: u32) -> QuicHello {
    QuicHello {
        hello: ClientHello {
            sni: hello.sni,
            ..ClientHello::default()
        },
        version,
    }
}

#[cfg(test)]
#[path = "quic_tests.rs"]
mod tests;
