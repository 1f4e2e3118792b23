//! The newer capture format: sections of blocks, each section with its own byte order and
//! interfaces, each interface with its own link type and clock.
//!
//! ```text
//! block      type u32, length u32, body, the length again; a multiple of four bytes
//! section    order magic u32, major u16, minor u16, section length u64, options
//! interface  link u16, reserved u16, snap length u32, options
//! enhanced   interface u32, time high u32, time low u32, captured u32, original u32, packet
//! obsolete   interface u16, drops u16, time high, time low, captured, original, packet
//! simple     original u32, packet; of the first interface, without a time
//! ```

use super::input::{Pass, Sink, word};
use super::pcap::too_long;
use super::pcapng_interface::Interface;
use super::{MAX_INTERFACES, MAX_PACKET_BYTES, Record};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// The byte order magic of a section whose order is big-endian.
const BIG_ENDIAN_MAGIC: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];
const LITTLE_ENDIAN_MAGIC: [u8; 4] = [0x4d, 0x3c, 0x2b, 0x1a];

/// Type and length before the body.
const BLOCK_HEADER_BYTES: usize = 8;
/// The length after it.
const BLOCK_TRAILER_BYTES: usize = 4;
const MIN_BLOCK_BYTES: usize = BLOCK_HEADER_BYTES + BLOCK_TRAILER_BYTES;
/// Before the packet in an enhanced or obsolete packet block's body.
const PACKET_HEADER_BYTES: usize = 20;
/// The same in a simple packet block.
const SIMPLE_HEADER_BYTES: usize = 4;
/// Longest block that is read; longer ones of other types are passed over.
const MAX_BLOCK_BYTES: usize = MAX_PACKET_BYTES + (1 << 16);

/// Reads one file of this format.
#[derive(Debug)]
pub(super) struct Parser {
    label: String,
    big_endian: bool,
    /// Of the section being read.
    interfaces: Vec<Interface>,
    /// Given to packets without a time.
    last_time_ns: i64,
    /// What is still to come of a block passed over.
    owed_bytes: u64,
}

/// A packet block taken apart.
struct Packet {
    interface: usize,
    ticks: Option<u64>,
    captured: u32,
    original: u32,
    /// Where the packet lies in the data.
    offset: usize,
    /// Bytes of the block from there on.
    room: usize,
}

impl Parser {
    /// Whether a file that begins so is of this format.
    pub(super) fn recognises(magic: [u8; 4]) -> bool {
        u32::from_le_bytes(magic) == SECTION
    }

    /// A parser whose interfaces are named after the file.
    pub(super) fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            big_endian: false,
            interfaces: Vec::new(),
            last_time_ns: 0,
            owed_bytes: 0,
        }
    }

    pub(super) const fn owed_bytes(&self) -> u64 {
        self.owed_bytes
    }

    /// Takes every whole block of `data`.
    pub(super) fn pass(&mut self, data: &[u8], sink: &mut Sink<'_>) -> Pass {
        let mut consumed = 0;
        let damage = loop {
            let before = consumed;
            let outcome = self.section(data, &mut consumed).and_then(|()| {
                if self.big_endian {
                    self.blocks::<true>(data, &mut consumed, sink)
                } else {
                    self.blocks::<false>(data, &mut consumed, sink)
                }
            });
            if let Err(damage) = outcome {
                break Some(damage);
            }
            if consumed == before {
                break None;
            }
        };
        Pass { consumed, damage }
    }

    /// Begins a new section if one begins here. Its type reads the same in both orders.
    fn section(&mut self, data: &[u8], consumed: &mut usize) -> Result<(), String> {
        if self.owed_bytes > 0 {
            return Ok(());
        }
        let rest = data.get(*consumed..).unwrap_or_default();
        let ([kind, _, magic, ..], _) = rest.as_chunks::<4>() else {
            return Ok(());
        };
        if u32::from_le_bytes(*kind) != SECTION {
            return Ok(());
        }
        let block = match *magic {
            BIG_ENDIAN_MAGIC => whole_block::<true>(rest)?,
            LITTLE_ENDIAN_MAGIC => whole_block::<false>(rest)?,
            [a, b, c, d] => {
                return Err(format!(
                    "a section of byte order {a:02x}{b:02x}{c:02x}{d:02x}"
                ));
            }
        };
        if let Some(block) = block {
            self.big_endian = *magic == BIG_ENDIAN_MAGIC;
            self.interfaces.clear();
            *consumed += block.len();
        }
        Ok(())
    }

    /// Reads blocks up to the next section or the last whole block.
    fn blocks<const BIG_ENDIAN: bool>(
        &mut self,
        data: &[u8],
        consumed: &mut usize,
        sink: &mut Sink<'_>,
    ) -> Result<(), String> {
        loop {
            if self.owed_bytes > 0 {
                let held = data.len() - *consumed;
                let passed = held.min(usize::try_from(self.owed_bytes).unwrap_or(held));
                *consumed += passed;
                self.owed_bytes -= passed as u64;
            }
            let rest = data.get(*consumed..).unwrap_or_default();
            let ([kind, length, ..], _) = rest.as_chunks::<4>() else {
                return Ok(());
            };
            let kind = word::<BIG_ENDIAN>(*kind);
            if !matches!(
                kind,
                INTERFACE | OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET
            ) {
                if kind == SECTION {
                    return Ok(());
                }
                self.owed_bytes = block_bytes(word::<BIG_ENDIAN>(*length))? as u64;
                continue;
            }
            let Some(block) = whole_block::<BIG_ENDIAN>(rest)? else {
                return Ok(());
            };
            let body = block.get(BLOCK_HEADER_BYTES..block.len() - BLOCK_TRAILER_BYTES);
            let body = body.unwrap_or_default();
            if kind == INTERFACE {
                self.interface::<BIG_ENDIAN>(body)?;
            } else {
                let start = *consumed + BLOCK_HEADER_BYTES;
                let packet = self.packet::<BIG_ENDIAN>(kind, body, start);
                let packet = packet.ok_or_else(|| "a packet block without a header".to_owned())?;
                self.take(&packet, sink)?;
            }
            *consumed += block.len();
        }
    }

    fn interface<const BIG_ENDIAN: bool>(&mut self, body: &[u8]) -> Result<(), String> {
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(format!(
                "more than {MAX_INTERFACES} interfaces in a section"
            ));
        }
        let interface = Interface::read::<BIG_ENDIAN>(body);
        self.interfaces
            .push(interface.ok_or_else(|| "an interface without a header".to_owned())?);
        Ok(())
    }

    /// Takes a packet block apart; `start` is where its body lies in the data.
    #[inline]
    fn packet<const BIG_ENDIAN: bool>(
        &self,
        kind: u32,
        body: &[u8],
        start: usize,
    ) -> Option<Packet> {
        let (words, _) = body.as_chunks::<4>();
        if kind == SIMPLE_PACKET {
            let original = word::<BIG_ENDIAN>(*words.first()?);
            let room = body.len() - SIMPLE_HEADER_BYTES;
            let snap_bytes = self
                .interfaces
                .first()
                .map_or(u32::MAX, Interface::snap_bytes);
            return Some(Packet {
                interface: 0,
                ticks: None,
                captured: original.min(snap_bytes).min(room as u32),
                original,
                offset: start + SIMPLE_HEADER_BYTES,
                room,
            });
        }
        let [interface, high, low, captured, original, ..] = words else {
            return None;
        };
        let number = if kind == ENHANCED_PACKET {
            word::<BIG_ENDIAN>(*interface)
        } else {
            let [a, b, ..] = *interface;
            u32::from(if BIG_ENDIAN {
                u16::from_be_bytes([a, b])
            } else {
                u16::from_le_bytes([a, b])
            })
        };
        let (high, low) = (word::<BIG_ENDIAN>(*high), word::<BIG_ENDIAN>(*low));
        Some(Packet {
            interface: number as usize,
            ticks: Some(u64::from(high) << 32 | u64::from(low)),
            captured: word::<BIG_ENDIAN>(*captured),
            original: word::<BIG_ENDIAN>(*original),
            offset: start + PACKET_HEADER_BYTES,
            room: body.len() - PACKET_HEADER_BYTES,
        })
    }

    #[inline]
    fn take(&mut self, packet: &Packet, sink: &mut Sink<'_>) -> Result<(), String> {
        let alone = self.interfaces.len() == 1;
        let Some(interface) = self.interfaces.get_mut(packet.interface) else {
            return Err(format!(
                "a packet of interface {}, not described",
                packet.interface
            ));
        };
        if packet.captured as usize > MAX_PACKET_BYTES {
            return Err(too_long(packet.captured));
        }
        if packet.captured as usize > packet.room {
            let (captured, room) = (packet.captured, packet.room);
            return Err(format!(
                "a packet of {captured} bytes in a block with room for {room}"
            ));
        }
        if let Some(ticks) = packet.ticks {
            self.last_time_ns = interface.time_ns(ticks);
        }
        let number = interface.number(|name| {
            sink.interfaces.number(&if alone {
                self.label.clone()
            } else if name.is_empty() {
                format!("{}:{}", self.label, packet.interface)
            } else {
                format!("{}:{name}", self.label)
            })
        });
        sink.records.push(Record {
            time_ns: self.last_time_ns,
            offset: packet.offset as u32,
            captured: packet.captured,
            original: packet.original.max(packet.captured),
            link: interface.link(),
            interface: number,
        });
        Ok(())
    }
}

/// A block length that makes sense.
#[inline]
fn block_bytes(length: u32) -> Result<usize, String> {
    let bytes = length as usize;
    if bytes < MIN_BLOCK_BYTES || !bytes.is_multiple_of(4) {
        return Err(format!("a block of {length} bytes"));
    }
    Ok(bytes)
}

/// The block that begins here, or nothing yet if its end has not been read.
#[inline]
fn whole_block<const BIG_ENDIAN: bool>(rest: &[u8]) -> Result<Option<&[u8]>, String> {
    let ([_, length, ..], _) = rest.as_chunks::<4>() else {
        return Ok(None);
    };
    let length = word::<BIG_ENDIAN>(*length);
    let bytes = block_bytes(length)?;
    if bytes > MAX_BLOCK_BYTES {
        return Err(format!(
            "a block of {bytes} bytes, more than the {MAX_BLOCK_BYTES} allowed"
        ));
    }
    let Some(block) = rest.get(..bytes) else {
        return Ok(None);
    };
    match block.last_chunk::<BLOCK_TRAILER_BYTES>() {
        Some(trailer) if word::<BIG_ENDIAN>(*trailer) == length => Ok(Some(block)),
        _ => Err(format!(
            "a block of {bytes} bytes whose end gives another length"
        )),
    }
}
