//! IPv4 and IPv6 headers.

use super::cursor::{Cursor, be16, be32, be128};
use super::extension;
use super::transport;
use super::walk::Next;
use super::{DropReason, Fragment, Level};

pub(super) const IP4_HEADER_BYTES: usize = 20;
pub(super) const IP6_HEADER_BYTES: usize = 40;
/// Flags and offset of IPv4: more fragments follow, offset in units of eight bytes.
pub(super) const MORE_FRAGMENTS: u16 = 0x2000;
pub(super) const FRAGMENT_OFFSET: u16 = 0x1fff;
/// The prefix `::ffff:0:0/96`.
const IP4_MAPPED: u128 = 0xffff_0000_0000;

/// An IPv4 address as an IPv6 address (`::ffff:a.b.c.d`).
#[inline]
pub(super) fn mapped(address: u32) -> u128 {
    IP4_MAPPED | u128::from(address)
}

/// Which IP header stands here.
pub(super) fn version(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let [first] = *cursor
        .peek::<1>(0)
        .ok_or_else(|| cursor.malformed("ip", IP4_HEADER_BYTES))?;
    match first >> 4 {
        4 => Ok(Next::Ip4),
        6 => Ok(Next::Ip6),
        _ => Err(DropReason::NotIp(first as u16)),
    }
}

/// An IPv4 header and what is behind it up to the transport payload.
pub(super) fn ip4(cursor: &mut Cursor<'_>) -> Result<Level, DropReason> {
    let header = cursor
        .peek::<IP4_HEADER_BYTES>(0)
        .ok_or_else(|| cursor.malformed("ipv4", IP4_HEADER_BYTES))?;
    let header_bytes = (header[0] & 0x0f) as usize * 4;
    if header[0] >> 4 != 4 || header_bytes < IP4_HEADER_BYTES {
        return Err(cursor.invalid("ipv4"));
    }
    let total = be16(header, 2) as usize;
    // Segmentation offload leaves 0; so does a packet larger than the field can tell.
    let ip_bytes = if total < header_bytes {
        cursor.remaining()
    } else {
        total
    };
    let mut level = Level {
        source: mapped(be32(header, 12)),
        destination: mapped(be32(header, 16)),
        version: 4,
        protocol: header[9],
        ttl: header[8],
        ip_bytes: ip_bytes as u32,
        header: cursor.offset() as u32,
        ..Level::default()
    };
    let place = be16(header, 6);
    if place & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0 {
        level.fragment_id = be16(header, 4) as u32;
        level.fragment = if place & FRAGMENT_OFFSET == 0 {
            Fragment::First
        } else {
            Fragment::Later
        };
    }
    finish(header_bytes, &mut level, cursor);
    Ok(level)
}

/// An IPv6 header and what is behind it up to the transport payload.
pub(super) fn ip6(cursor: &mut Cursor<'_>) -> Result<Level, DropReason> {
    let header = cursor
        .peek::<IP6_HEADER_BYTES>(0)
        .ok_or_else(|| cursor.malformed("ipv6", IP6_HEADER_BYTES))?;
    if header[0] >> 4 != 6 {
        return Err(cursor.invalid("ipv6"));
    }
    let mut level = Level {
        source: be128(header, 8),
        destination: be128(header, 24),
        version: 6,
        protocol: header[6],
        ttl: header[7],
        ip_bytes: extension::ip6_bytes(header, cursor) as u32,
        header: cursor.offset() as u32,
        ..Level::default()
    };
    finish(IP6_HEADER_BYTES, &mut level, cursor);
    Ok(level)
}

/// Bounds the packet by its own length, then reads what follows its header. What the capture cut
/// stays zero: the packet counts with what is known.
fn finish(header_bytes: usize, level: &mut Level, cursor: &mut Cursor<'_>) {
    cursor.limit(level.ip_bytes as usize);
    let whole = cursor.skip(header_bytes, "ip options").is_ok() && extension::pass(level, cursor);
    if level.fragment == Fragment::First {
        cursor.set_fragmented();
    }
    if whole {
        transport::transport(level, cursor);
    } else {
        transport::unread(level, cursor);
    }
}
