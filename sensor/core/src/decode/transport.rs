//! Transport headers: ports, flags, and where the payload begins.

use super::cursor::{Cursor, be16, be32};
use super::{Fragment, Level};

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
const DCCP: u8 = 33;
const ICMP6: u8 = 58;
const SCTP: u8 = 132;
const UDP_LITE: u8 = 136;

pub(super) const TCP_HEADER_BYTES: usize = 20;
pub(super) const UDP_HEADER_BYTES: usize = 8;
const DCCP_HEADER_BYTES: usize = 12;
const ICMP_HEADER_BYTES: usize = 8;
const SCTP_HEADER_BYTES: usize = 12;

/// Reads the transport header at the cursor, as far as it was captured, and passes it.
pub(super) fn transport(level: &mut Level, cursor: &mut Cursor<'_>) {
    let end = level.header as usize + level.ip_bytes as usize;
    let mut carried = end.saturating_sub(cursor.offset());
    let header_bytes = match level.protocol {
        _ if level.fragment == Fragment::Later => 0,
        TCP => tcp(level, cursor),
        UDP => {
            carried = udp_bytes(cursor, carried);
            ports(UDP_HEADER_BYTES, level, cursor)
        }
        UDP_LITE => ports(UDP_HEADER_BYTES, level, cursor),
        SCTP => ports(SCTP_HEADER_BYTES, level, cursor),
        DCCP => dccp(level, cursor),
        ICMP | ICMP6 => icmp(level, cursor),
        _ => 0,
    };
    // Only captured bytes are passed, so the payload's offset stays inside the frame.
    let passed = header_bytes.min(cursor.captured());
    level.payload_bytes = carried.saturating_sub(header_bytes) as u32;
    level.payload = (cursor.offset() + passed) as u32;
    if cursor.skip(passed, "transport").is_ok() {
        cursor.limit(level.payload_bytes as usize);
    }
}

/// A packet whose transport header was not reached.
pub(super) fn unread(level: &mut Level, cursor: &Cursor<'_>) {
    level.payload = (cursor.offset() + cursor.captured()) as u32;
    level.payload_bytes = 0;
}

fn ports(header_bytes: usize, level: &mut Level, cursor: &Cursor<'_>) -> usize {
    if let Some(ports) = cursor.peek::<4>(0) {
        level.source_port = be16(ports, 0);
        level.destination_port = be16(ports, 2);
    }
    header_bytes
}

fn tcp(level: &mut Level, cursor: &Cursor<'_>) -> usize {
    ports(TCP_HEADER_BYTES, level, cursor);
    if let Some(sequence) = cursor.peek::<4>(4) {
        level.tcp_sequence = be32(sequence, 0);
    }
    let Some([offset, flags]) = cursor.peek::<2>(12) else {
        return TCP_HEADER_BYTES;
    };
    level.tcp_flags = *flags;
    let header_bytes = (offset >> 4) as usize * 4;
    if header_bytes < TCP_HEADER_BYTES {
        // The header contradicts itself: no byte behind it is known to be payload.
        return usize::MAX;
    }
    header_bytes
}

/// UDP has a length of its own, which may leave out a trailer.
fn udp_bytes(cursor: &Cursor<'_>, carried: usize) -> usize {
    cursor
        .peek::<2>(4)
        .map_or(carried, |length| datagram_bytes(be16(length, 0), carried))
}

/// Length of a UDP datagram: what it says unless that is impossible (0: a jumbogram or offload).
#[inline]
pub(super) fn datagram_bytes(length: u16, carried: usize) -> usize {
    let length = length as usize;
    if length < UDP_HEADER_BYTES {
        carried
    } else {
        length.min(carried)
    }
}

fn dccp(level: &mut Level, cursor: &Cursor<'_>) -> usize {
    ports(DCCP_HEADER_BYTES, level, cursor);
    cursor
        .peek::<1>(4)
        .map_or(DCCP_HEADER_BYTES, |[words]| *words as usize * 4)
}

/// Type and code stand for the ports.
fn icmp(level: &mut Level, cursor: &Cursor<'_>) -> usize {
    if let Some([kind, code]) = cursor.peek::<2>(0) {
        level.source_port = *kind as u16;
        level.destination_port = *code as u16;
    }
    ICMP_HEADER_BYTES
}
