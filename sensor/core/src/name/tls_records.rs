//! TLS records: the first handshake message of a stream, put together from the records it is split over.

use std::borrow::Cow;

use super::Progress;
use super::reader::Reader;

/// Longest handshake message that is read; a hello of post-quantum keys has about 2,000 bytes.
pub const MAX_HANDSHAKE_BYTES: usize = 16 * 1024;

/// Longest record that the oldest and most generous version allows (RFC 5246, section 6.2.3).
const MAX_RECORD_BYTES: usize = (1 << 14) + 2048;

/// Most records that one message is put together from: bounds the work done again whenever the stream grows.
const MAX_RECORDS: usize = 1024;

/// Alerts and changes of cipher that may stand before or within the first handshake message.
const MAX_OTHER_RECORDS: usize = 4;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

const MESSAGE_HEADER_BYTES: usize = 4;

/// One record, perhaps with the end of its body still to come.
struct Record<'a> {
    kind: u8,
    length: usize,
    body: &'a [u8],
}

impl Record<'_> {
    fn is_whole(&self) -> bool {
        self.body.len() == self.length
    }
}

/// The first handshake message of `stream` with its header, when it is of the type `wanted`.
///
/// A warning before the message (servers send one for a name they do not know) and a change of
/// cipher spec are passed over. The message is borrowed where one record holds it whole.
pub fn first_message(stream: &[u8], wanted: u8) -> Progress<Cow<'_, [u8]>> {
    let mut reader = Reader::new(stream);
    let mut header = [0; MESSAGE_HEADER_BYTES];
    let mut available = 0;
    let mut other_records = 0;
    for _ in 0..MAX_RECORDS {
        let record = match next_record(&mut reader) {
            Progress::Done(record) => record,
            Progress::More => return Progress::More,
            Progress::No => return Progress::No,
        };
        if record.kind == HANDSHAKE {
            for (place, &byte) in header.iter_mut().skip(available).zip(record.body) {
                *place = byte;
            }
            available += record.body.len();
        } else {
            other_records += 1;
            if other_records > MAX_OTHER_RECORDS {
                return Progress::No;
            }
        }
        if available > 0 && header[0] != wanted {
            return Progress::No;
        }
        if available >= MESSAGE_HEADER_BYTES {
            let [_, high, middle, low] = header;
            let length = MESSAGE_HEADER_BYTES + u32::from_be_bytes([0, high, middle, low]) as usize;
            if length > MAX_HANDSHAKE_BYTES {
                return Progress::No;
            }
            if available >= length {
                return Progress::Done(gather(stream, length));
            }
        }
        if !record.is_whole() {
            return Progress::More;
        }
    }
    Progress::No
}

/// The first `length` bytes of handshake in records that are known to hold them.
fn gather(stream: &[u8], length: usize) -> Cow<'_, [u8]> {
    let mut reader = Reader::new(stream);
    let mut gathered = Vec::new();
    while let Progress::Done(record) = next_record(&mut reader) {
        if record.kind != HANDSHAKE {
            continue;
        }
        if let (true, Some(whole)) = (gathered.is_empty(), record.body.get(..length)) {
            return Cow::Borrowed(whole);
        }
        let missing = length - gathered.len();
        gathered.extend(record.body.iter().take(missing));
        if gathered.len() == length || !record.is_whole() {
            break;
        }
    }
    Cow::Owned(gathered)
}

/// The next record that may stand at the beginning of a connection.
fn next_record<'a>(reader: &mut Reader<'a>) -> Progress<Record<'a>> {
    let rest = reader.rest();
    let may_be =
        |place: usize, test: fn(u8) -> bool| rest.get(place).is_none_or(|&byte| test(byte));
    if !may_be(0, |kind| {
        matches!(kind, CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE)
    }) || !may_be(1, |major| major == 3)
        || !may_be(2, |minor| minor <= 4)
    {
        return Progress::No;
    }
    let Some(&[kind, _, _, high, low]) = reader.take(5).and_then(|header| header.first_chunk())
    else {
        return Progress::More;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let length_fits = match kind {
        CHANGE_CIPHER_SPEC => length == 1,
        ALERT => length == 2,
        _ => length <= MAX_RECORD_BYTES,
    };
    if !length_fits {
        return Progress::No;
    }
    let available = length.min(reader.rest().len());
    match reader.take(available) {
        Some(body) => Progress::Done(Record { kind, length, body }),
        None => Progress::More,
    }
}
