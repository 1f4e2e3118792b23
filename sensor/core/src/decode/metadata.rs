//! Link types that put a capture system's own header before the packet.

use super::DropReason;
use super::cursor::{Cursor, be32};
use super::walk::Next;

/// Address families: IPv4 is 2 everywhere, IPv6 differs by system.
fn family(number: u32) -> Option<Next> {
    match number {
        2 => Some(Next::Ip4),
        10 | 24 | 28 | 30 => Some(Next::Ip6),
        _ => None,
    }
}

/// BSD loopback: an address family in the byte order of the machine that captured.
pub(super) fn loopback(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let number = be32(cursor.take::<4>("loopback")?, 0);
    family(number)
        .or_else(|| family(number.swap_bytes()))
        .ok_or(DropReason::NotIp(number as u16))
}

/// OpenBSD encapsulating device: family, security parameters, flags.
pub(super) fn encapsulating(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let next = loopback(cursor)?;
    cursor.skip(8, "enc")?;
    Ok(next)
}

/// BSD packet filter log: its length, padded to four bytes, and the address family.
pub(super) fn packet_filter_log(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let [bytes, kind] = *cursor
        .peek::<2>(0)
        .ok_or_else(|| cursor.malformed("pflog", 2))?;
    let next = family(kind as u32).ok_or(DropReason::NotIp(kind as u16))?;
    cursor.skip((bytes as usize).next_multiple_of(4), "pflog")?;
    Ok(next)
}

/// Linux netfilter log: attributes, one of which is the packet.
pub(super) fn netfilter_log(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    const MAX_ATTRIBUTES: usize = 64;
    const ATTRIBUTE_HEADER_BYTES: usize = 4;
    const PAYLOAD: u16 = 9;
    let [kind, version, ..] = *cursor.take::<4>("nflog")?;
    if version != 0 {
        return Err(DropReason::NotIp(version as u16));
    }
    let next = family(kind as u32).ok_or(DropReason::NotIp(kind as u16))?;
    for _ in 0..MAX_ATTRIBUTES {
        let [a, b, c, d] = *cursor.take::<ATTRIBUTE_HEADER_BYTES>("nflog attribute")?;
        // Machine byte order: attribute numbers are small, so the zero byte of the type tells.
        let (bytes, number) = if d == 0 {
            (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))
        } else {
            (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
        };
        let Some(value_bytes) = (bytes as usize).checked_sub(ATTRIBUTE_HEADER_BYTES) else {
            return Err(cursor.invalid("nflog attribute"));
        };
        if number == PAYLOAD {
            cursor.limit(value_bytes);
            return Ok(next);
        }
        cursor.skip(value_bytes.next_multiple_of(4), "nflog attribute")?;
    }
    Err(cursor.invalid("nflog"))
}

/// Per-packet information: its length and the link type behind it, low byte first.
pub(super) fn per_packet_information(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor
        .peek::<8>(0)
        .ok_or_else(|| cursor.malformed("ppi", 8))?;
    let bytes = u16::from_le_bytes([header[2], header[3]]) as usize;
    let link = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    if bytes < header.len() {
        return Err(cursor.invalid("ppi"));
    }
    cursor.skip(bytes, "ppi")?;
    Ok(Next::Link(u16::try_from(link).unwrap_or(u16::MAX)))
}
