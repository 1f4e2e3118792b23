//! IEEE 802.11 data frames and the capture headers before them.

use super::DropReason;
use super::cursor::{Cursor, be32};
use super::walk::Next;

const FRAME_TYPE: u8 = 0x0c;
const FRAME_TYPE_DATA: u8 = 0x08;
const SUBTYPE_NO_DATA: u8 = 0x40;
const SUBTYPE_QOS: u8 = 0x80;
const FLAG_TO_DISTRIBUTION: u8 = 0x01;
const FLAG_FROM_DISTRIBUTION: u8 = 0x02;
const FLAG_PROTECTED: u8 = 0x40;
const FLAG_ORDER: u8 = 0x80;
const QOS_AGGREGATE: u8 = 0x80;

/// An IEEE 802.11 header. Of an aggregate (A-MSDU) the first packet counts.
pub(super) fn wireless(padded: bool, cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let [kind, flags] = *cursor
        .peek::<2>(0)
        .ok_or_else(|| cursor.malformed("802.11", 2))?;
    let not_ip = DropReason::NotIp(u16::from_be_bytes([kind, flags]));
    if kind & FRAME_TYPE != FRAME_TYPE_DATA
        || kind & SUBTYPE_NO_DATA != 0
        || flags & FLAG_PROTECTED != 0
    {
        return Err(not_ip);
    }
    let mut header_bytes = 24;
    if flags & (FLAG_TO_DISTRIBUTION | FLAG_FROM_DISTRIBUTION)
        == FLAG_TO_DISTRIBUTION | FLAG_FROM_DISTRIBUTION
    {
        header_bytes += 6;
    }
    let mut aggregate = false;
    if kind & SUBTYPE_QOS != 0 {
        let [qos] = cursor
            .peek(header_bytes)
            .ok_or_else(|| cursor.malformed("802.11", 26))?;
        aggregate = qos & QOS_AGGREGATE != 0;
        header_bytes += 2;
        if flags & FLAG_ORDER != 0 {
            header_bytes += 4;
        }
    }
    if padded {
        header_bytes = header_bytes.next_multiple_of(4);
    }
    cursor.skip(header_bytes, "802.11")?;
    if aggregate {
        let header = cursor.take::<14>("802.11 aggregate")?;
        cursor.limit(u16::from_be_bytes([header[12], header[13]]) as usize);
    }
    Ok(Next::Llc)
}

/// Radiotap: its length is in it; the flags tell whether the 802.11 header is padded.
pub(super) fn radiotap(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    const FLAG_PADDED: u8 = 0x20;
    let header = cursor
        .peek::<8>(0)
        .ok_or_else(|| cursor.malformed("radiotap", 8))?;
    let bytes = u16::from_le_bytes([header[2], header[3]]) as usize;
    if bytes < header.len() {
        return Err(cursor.invalid("radiotap"));
    }
    let padded = radiotap_flags(cursor).is_some_and(|flags| flags & FLAG_PADDED != 0);
    cursor.skip(bytes, "radiotap")?;
    Ok(Next::Wireless { padded })
}

/// The flags field: behind the bitmaps and, where there is one, a time stamp aligned to its size.
fn radiotap_flags(cursor: &Cursor<'_>) -> Option<u8> {
    const MAX_BITMAPS: usize = 8;
    const PRESENT_TIME: u32 = 1;
    const PRESENT_FLAGS: u32 = 2;
    const PRESENT_MORE: u32 = 1 << 31;
    let bitmap = |index: usize| {
        cursor
            .peek::<4>(4 + index * 4)
            .map(|four| u32::from_le_bytes(*four))
    };
    let present = bitmap(0)?;
    if present & PRESENT_FLAGS == 0 {
        return None;
    }
    let last = (0..MAX_BITMAPS)
        .find(|&index| bitmap(index).is_some_and(|word| word & PRESENT_MORE == 0))?;
    let mut at = 8 + last * 4;
    if present & PRESENT_TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    cursor.peek::<1>(at).map(|[flags]| *flags)
}

/// Prism monitor header, or AVS in its place.
pub(super) fn prism(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    const PRISM_BYTES: usize = 144;
    if cursor
        .peek::<4>(0)
        .is_some_and(|magic| be32(magic, 0) >> 12 == 0x8_0211)
    {
        return avs(cursor);
    }
    cursor.skip(PRISM_BYTES, "prism")?;
    Ok(Next::Wireless { padded: false })
}

/// AVS capture header: version, length.
pub(super) fn avs(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor
        .peek::<8>(0)
        .ok_or_else(|| cursor.malformed("avs", 8))?;
    let bytes = be32(header, 4) as usize;
    if bytes < header.len() {
        return Err(cursor.invalid("avs"));
    }
    cursor.skip(bytes, "avs")?;
    Ok(Next::Wireless { padded: false })
}
