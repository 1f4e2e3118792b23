//! The classic capture format: a file header, then packets behind headers of fixed size.
//!
//! ```text
//! file    magic u32, major u16, minor u16, zone i32, accuracy u32, snap length u32, link u32
//! packet  seconds u32, fraction u32, captured u32, original u32
//!         modified format only: interface u32, protocol u16, direction u8, padding u8
//! ```
//! Seconds are unsigned, as in the format's specification. Versions are not looked at: the
//! layout has been the same in every version still written.

use super::input::{Pass, Sink, word};
use super::{MAX_PACKET_BYTES, Record};

/// The magic and all that follows it.
const FILE_HEADER_BYTES: usize = 24;
/// Before each packet.
const RECORD_HEADER_BYTES: usize = 16;
/// The same in the modified format.
const MODIFIED_HEADER_BYTES: usize = 24;

/// Nanoseconds a unit of the fraction stands for.
const MICROSECOND: i64 = 1_000;
const NANOSECOND: i64 = 1;
const SECOND: i64 = 1_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Microseconds,
    Nanoseconds,
    Modified,
}

/// Reads one file of this format.
#[derive(Debug)]
pub(super) struct Parser {
    big_endian: bool,
    layout: Layout,
    label: String,
    /// Link type and interface, once the file header is read.
    origin: Option<(u16, u16)>,
}

impl Parser {
    /// A parser if the magic is one of this format's.
    pub(super) fn recognise(magic: [u8; 4], label: &str) -> Option<Self> {
        let layout = |magic| match magic {
            0xa1b2_c3d4 => Some(Layout::Microseconds),
            0xa1b2_3c4d => Some(Layout::Nanoseconds),
            0xa1b2_cd34 => Some(Layout::Modified),
            _ => None,
        };
        let little = layout(u32::from_le_bytes(magic));
        let layout = little.or_else(|| layout(u32::from_be_bytes(magic)))?;
        Some(Self {
            big_endian: little.is_none(),
            layout,
            label: label.to_owned(),
            origin: None,
        })
    }

    /// Takes every whole packet of `data`.
    pub(super) fn pass(&mut self, data: &[u8], sink: &mut Sink<'_>) -> Pass {
        let mut start = 0;
        let (link, interface) = if let Some(origin) = self.origin {
            origin
        } else {
            let Some(header) = data.first_chunk::<FILE_HEADER_BYTES>() else {
                return Pass {
                    consumed: 0,
                    damage: None,
                };
            };
            start = FILE_HEADER_BYTES;
            let origin = (self.link(*header), sink.interfaces.number(&self.label));
            self.origin = Some(origin);
            origin
        };
        let model = Record {
            link,
            interface,
            ..Record::default()
        };
        let records = &mut *sink.records;
        match (self.layout, self.big_endian) {
            (Layout::Microseconds, false) => {
                packets::<false, MICROSECOND, RECORD_HEADER_BYTES>(data, start, model, records)
            }
            (Layout::Microseconds, true) => {
                packets::<true, MICROSECOND, RECORD_HEADER_BYTES>(data, start, model, records)
            }
            (Layout::Nanoseconds, false) => {
                packets::<false, NANOSECOND, RECORD_HEADER_BYTES>(data, start, model, records)
            }
            (Layout::Nanoseconds, true) => {
                packets::<true, NANOSECOND, RECORD_HEADER_BYTES>(data, start, model, records)
            }
            (Layout::Modified, false) => {
                packets::<false, MICROSECOND, MODIFIED_HEADER_BYTES>(data, start, model, records)
            }
            (Layout::Modified, true) => {
                packets::<true, MICROSECOND, MODIFIED_HEADER_BYTES>(data, start, model, records)
            }
        }
    }

    /// The lower half of the last field; the upper half tells of frame check sequences.
    fn link(&self, header: [u8; FILE_HEADER_BYTES]) -> u16 {
        let [.., a, b, c, d] = header;
        let field = [a, b, c, d];
        let field = if self.big_endian {
            word::<true>(field)
        } else {
            word::<false>(field)
        };
        field as u16
    }
}

/// The floor of the whole product: one turn a packet, nothing decided but where the packet ends.
#[inline]
fn packets<const BIG_ENDIAN: bool, const FRACTION_NS: i64, const HEADER_BYTES: usize>(
    data: &[u8],
    start: usize,
    model: Record,
    records: &mut Vec<Record>,
) -> Pass {
    let mut consumed = start;
    while let Some(header) = data
        .get(consumed..)
        .and_then(|rest| rest.first_chunk::<HEADER_BYTES>())
    {
        let ([seconds, fraction, captured, original, ..], _) = header.as_chunks::<4>() else {
            break;
        };
        let captured = word::<BIG_ENDIAN>(*captured);
        if captured as usize > MAX_PACKET_BYTES {
            return Pass {
                consumed,
                damage: Some(too_long(captured)),
            };
        }
        let offset = consumed + HEADER_BYTES;
        let end = offset + captured as usize;
        if end > data.len() {
            break;
        }
        let seconds = i64::from(word::<BIG_ENDIAN>(*seconds));
        let fraction = i64::from(word::<BIG_ENDIAN>(*fraction));
        records.push(Record {
            // At most 4.3e18 and 4.3e12: no overflow, even of a fraction above a second.
            time_ns: seconds * SECOND + fraction * FRACTION_NS,
            offset: offset as u32,
            captured,
            original: word::<BIG_ENDIAN>(*original).max(captured),
            ..model
        });
        consumed = end;
    }
    Pass {
        consumed,
        damage: None,
    }
}

/// What is wrong with a record that claims more bytes than any packet has.
#[cold]
pub(super) fn too_long(captured: u32) -> String {
    format!("a packet of {captured} bytes, more than the {MAX_PACKET_BYTES} allowed")
}
