//! A filled block of a ring taken apart, as `TPACKET_V3` lays it out, all in the machine's byte order:
//!
//! ```text
//! block   version u32, private offset u32, status u32, packets u32, first packet u32, length u32,
//!         sequence u64, opened at seconds u32 and nanoseconds u32, last packet the same
//! packet  next u32, seconds u32, nanoseconds u32, captured u32, original u32, status u32,
//!         link header u16, network header u16, hash u32, VLAN tag u32, VLAN protocol u16, 10 bytes unused
//! ```
//! The kernel is trusted to be well-meaning, but not to be right: an offset that leads out of the block ends
//! the block, which is counted.

use super::{MAX_PACKET_BYTES, Record};

const BLOCK_HEADER_BYTES: usize = 48;
const PACKET_HEADER_BYTES: usize = 48;

/// The packet came with a VLAN tag that the adapter or the kernel took out.
const VLAN_VALID: u32 = 1 << 4;
/// The protocol of that tag is known.
const VLAN_PROTOCOL_VALID: u32 = 1 << 6;
/// The time is the adapter's.
const ADAPTER_TIME: u32 = 1 << 31;

const VLAN_PROTOCOL: u16 = 0x8100;
const VLAN_TAG_BYTES: usize = 4;
/// Ethernet's two addresses, which stand before the tag.
const ADDRESSES_BYTES: usize = 12;
const ETHERNET: u16 = 1;
/// What every kernel takes from behind a tag: IPv4, ARP, IPv6.
const HANDLED: [u16; 3] = [0x0800, 0x0806, 0x86dd];

const SECOND: i64 = 1_000_000_000;

/// What all packets of a ring have in common.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Link type as in <https://www.tcpdump.org/linktypes.html>.
    pub link: u16,
    /// Index into `Feed::interfaces`.
    pub interface: u16,
    /// Most bytes of a packet that are looked at.
    pub snap_bytes: u32,
    /// A longer frame was never on the wire: it was merged of several.
    pub longest_frame_bytes: u32,
}

/// What a block held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Packets found.
    pub packets: u64,
    /// Those of them that were merged of several frames.
    pub frames_merged: u64,
    /// Those of them that the kernel says it dropped, having seen them captured.
    pub frames_unhandled: u64,
    /// Those of them that have the adapter's time.
    pub adapter_times: u64,
    /// The block was left before its end.
    pub damaged: bool,
}

/// Packets of a block by what its header says.
pub fn packets_in(block: &[u8]) -> u64 {
    let (words, _) = block.as_chunks::<4>();
    words.get(3).map_or(0, |packets| u64::from(word(*packets)))
}

/// Finds the packets of a block, with offsets in it; puts VLAN tags back where they stood on the wire.
pub fn walk_block(block: &mut [u8], origin: Origin, records: &mut Vec<Record>) -> Walked {
    let mut walked = Walked::default();
    let Some(header) = block.first_chunk::<BLOCK_HEADER_BYTES>() else {
        walked.damaged = true;
        return walked;
    };
    let ([_, _, _, packets, first, _, _, _, seconds, nanoseconds, ..], _) = header.as_chunks::<4>()
    else {
        return walked;
    };
    let packets = word(*packets);
    let mut at = word(*first) as usize;
    let mut time_ns = time(*seconds, *nanoseconds);
    for number in 0..packets {
        let Some((packet, next)) = packet(block, at, time_ns, origin) else {
            walked.damaged = true;
            break;
        };
        time_ns = packet.record.time_ns;
        walked.packets += 1;
        walked.frames_merged += u64::from(packet.record.original > origin.longest_frame_bytes);
        walked.frames_unhandled += u64::from(packet.unhandled);
        walked.adapter_times += u64::from(packet.adapter_time);
        records.push(packet.record);
        if number + 1 == packets {
            break;
        }
        // Whatever the kernel does, each packet lies behind the one before.
        if next < PACKET_HEADER_BYTES {
            walked.damaged = true;
            break;
        }
        at += next;
    }
    walked
}

struct Packet {
    record: Record,
    adapter_time: bool,
    /// There was a tag, and behind it a protocol that the kernel has no use for. It has forgotten by then that
    /// a capture took the packet, and counts it with those that it dropped.
    unhandled: bool,
}

/// The packet whose header is here, and how far on the next one's is.
#[inline]
fn packet(
    block: &mut [u8],
    at: usize,
    time_before_ns: i64,
    origin: Origin,
) -> Option<(Packet, usize)> {
    let header = *block.get(at..)?.first_chunk::<PACKET_HEADER_BYTES>()?;
    let (words, _) = header.as_chunks::<4>();
    let [
        next,
        seconds,
        nanoseconds,
        captured,
        original,
        status,
        headers,
        _,
        tag,
        kind,
        ..,
    ] = *words
    else {
        return None;
    };
    let [link_header, _] = halves(headers);
    if usize::from(link_header) < PACKET_HEADER_BYTES {
        return None;
    }
    let mut offset = at + usize::from(link_header);
    let mut captured = word(captured);
    block.get(offset..offset + captured as usize)?;
    let mut original = word(original).max(captured);
    let status = word(status);
    let mut unhandled = false;
    if status & VLAN_VALID != 0 && origin.link == ETHERNET {
        unhandled = block
            .get(offset + ADDRESSES_BYTES..)
            .and_then(|rest| rest.first_chunk())
            .is_some_and(|kind| !HANDLED.contains(&u16::from_be_bytes(*kind)));
        let known = status & VLAN_PROTOCOL_VALID != 0;
        let [kind, _] = halves(kind);
        let kind = if known { kind } else { VLAN_PROTOCOL };
        if restore_tag(block, offset, captured, kind, word(tag) as u16).is_some() {
            offset -= VLAN_TAG_BYTES;
            captured += VLAN_TAG_BYTES as u32;
        }
        original = original.saturating_add(VLAN_TAG_BYTES as u32);
    }
    let record = Record {
        // A packet without a time is as old as the one before.
        time_ns: if word(seconds) == 0 {
            time_before_ns
        } else {
            time(seconds, nanoseconds)
        },
        offset: offset as u32,
        captured: captured.min(origin.snap_bytes).min(MAX_PACKET_BYTES as u32),
        original,
        link: origin.link,
        interface: origin.interface,
    };
    let adapter_time = status & ADAPTER_TIME != 0;
    let packet = Packet {
        record,
        adapter_time,
        unhandled,
    };
    Some((packet, word(next) as usize))
}

/// Moves Ethernet's addresses down into the room before the frame, and writes the tag behind them.
fn restore_tag(
    block: &mut [u8],
    offset: usize,
    captured: u32,
    protocol: u16,
    tag: u16,
) -> Option<()> {
    if (captured as usize) < ADDRESSES_BYTES {
        return None;
    }
    let from = offset.checked_sub(VLAN_TAG_BYTES)?;
    let room = block.get_mut(from..offset + ADDRESSES_BYTES)?;
    room.copy_within(VLAN_TAG_BYTES.., 0);
    let place = room.get_mut(ADDRESSES_BYTES..)?;
    let [a, b] = protocol.to_be_bytes();
    let [c, d] = tag.to_be_bytes();
    place.copy_from_slice(&[a, b, c, d]);
    Some(())
}

#[inline]
fn word(bytes: [u8; 4]) -> u32 {
    u32::from_ne_bytes(bytes)
}

#[inline]
fn halves([a, b, c, d]: [u8; 4]) -> [u16; 2] {
    [u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d])]
}

#[inline]
fn time(seconds: [u8; 4], nanoseconds: [u8; 4]) -> i64 {
    i64::from(word(seconds)) * SECOND + i64::from(word(nanoseconds))
}

#[cfg(test)]
#[path = "ring_block_tests.rs"]
mod tests;
