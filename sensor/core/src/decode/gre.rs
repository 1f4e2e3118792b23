//! GRE and ERSPAN, which lives in it.

use super::Tunnel;
use super::cursor::{Cursor, be16};
use super::walk::Next;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const TYPE_PPP: u16 = 0x880b;
const TYPE_ERSPAN: u16 = 0x88be;
const TYPE_ERSPAN_3: u16 = 0x22eb;
/// Access points of one maker send IEEE 802.11 frames under these.
const TYPES_WIRELESS: std::ops::RangeInclusive<u16> = 0x8200..=0x8230;

/// A GRE header (RFC 2784, 2890; version 1: RFC 2637).
pub(super) fn gre(cursor: &mut Cursor<'_>) -> Option<(Tunnel, Next)> {
    let header = cursor.take::<4>("gre").ok()?;
    let (flags, kind) = (be16(header, 0), be16(header, 2));
    if flags & ROUTING != 0 {
        return None;
    }
    let mut options = flags & (CHECKSUM | KEY | SEQUENCE);
    match (flags & VERSION, kind) {
        (0, _) => {}
        (1, TYPE_PPP) if flags & (CHECKSUM | KEY) == KEY => options |= flags & ACKNOWLEDGEMENT,
        _ => return None,
    }
    cursor
        .skip(options.count_ones() as usize * 4, "gre options")
        .ok()?;
    match kind {
        TYPE_PPP => Some((Tunnel::Gre, Next::Ppp)),
        TYPE_ERSPAN if flags & SEQUENCE == 0 => Some((Tunnel::Erspan, Next::Ethernet)),
        TYPE_ERSPAN | TYPE_ERSPAN_3 => erspan(cursor),
        _ if TYPES_WIRELESS.contains(&kind) => {
            Some((Tunnel::Gre, Next::Wireless { padded: false }))
        }
        _ => Some((Tunnel::Gre, Next::Type(kind))),
    }
}

/// ERSPAN with a header: its version is that of the format less one.
fn erspan(cursor: &mut Cursor<'_>) -> Option<(Tunnel, Next)> {
    const TYPE_2_BYTES: usize = 8;
    const TYPE_3_BYTES: usize = 12;
    const TYPE_3_SUBHEADER_BYTES: usize = 8;
    const HAS_SUBHEADER: u8 = 1;
    let [first] = cursor.peek::<1>(0)?;
    let header_bytes = match first >> 4 {
        1 => TYPE_2_BYTES,
        2 => match cursor.peek::<TYPE_3_BYTES>(0)?[TYPE_3_BYTES - 1] & HAS_SUBHEADER {
            0 => TYPE_3_BYTES,
            _ => TYPE_3_BYTES + TYPE_3_SUBHEADER_BYTES,
        },
        _ => return None,
    };
    cursor.skip(header_bytes, "erspan").ok()?;
    Some((Tunnel::Erspan, Next::Ethernet))
}
