//! PPP, Cisco HDLC and frame relay.

use super::DropReason;
use super::cursor::{Cursor, be16};
use super::ethernet::snap;
use super::walk::Next;

const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
const PPP_MPLS: u16 = 0x0281;
const PPP_MPLS_MULTICAST: u16 = 0x0283;
const ALL_STATIONS_UNNUMBERED: [u8; 2] = [0xff, 0x03];

/// PPP: address and control where they are not left out, then a protocol of one or two bytes.
pub(super) fn ppp(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    if cursor.peek::<2>(0) == Some(&ALL_STATIONS_UNNUMBERED) {
        cursor.skip(2, "ppp")?;
    }
    let [high] = *cursor.take::<1>("ppp")?;
    let protocol = if high & 1 == 1 {
        // Protocol field compression: an odd first byte is the whole number.
        high as u16
    } else {
        let [low] = *cursor.take::<1>("ppp")?;
        u16::from_be_bytes([high, low])
    };
    match protocol {
        PPP_IPV4 => Ok(Next::Ip4),
        PPP_IPV6 => Ok(Next::Ip6),
        PPP_MPLS | PPP_MPLS_MULTICAST => Ok(Next::Mpls),
        other => Err(DropReason::NotIp(other)),
    }
}

/// A serial line: PPP in HDLC framing, or Cisco's HDLC where the address is Cisco's.
pub(super) fn serial(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    match cursor.peek::<1>(0) {
        Some([0x0f | 0x8f]) => cisco_hdlc(cursor),
        _ => Ok(Next::Ppp),
    }
}

/// Cisco HDLC: address, control, ethertype.
pub(super) fn cisco_hdlc(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor.take::<4>("cisco hdlc")?;
    Ok(Next::Type(be16(header, 2)))
}

/// PPP whose address byte was replaced by the direction.
pub(super) fn with_direction(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    cursor.skip(1, "ppp direction")?;
    if cursor.peek::<1>(0) == Some(&[0x03]) {
        cursor.skip(1, "ppp control")?;
    }
    Ok(Next::Ppp)
}

/// Frame relay: an address of two to four bytes, then RFC 2427 or Cisco's ethertype.
pub(super) fn frame_relay(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    const MAX_ADDRESS_BYTES: usize = 4;
    const UNNUMBERED: u8 = 0x03;
    let mut address_bytes = 0;
    loop {
        let [byte] = *cursor.take::<1>("frame relay")?;
        address_bytes += 1;
        if byte & 1 == 1 {
            break;
        }
        if address_bytes == MAX_ADDRESS_BYTES {
            return Err(cursor.invalid("frame relay"));
        }
    }
    if cursor.peek::<1>(0) != Some(&[UNNUMBERED]) {
        let header = cursor.take::<2>("frame relay")?;
        return Ok(Next::Type(be16(header, 0)));
    }
    cursor.skip(1, "frame relay")?;
    network_layer(cursor)
}

/// A network layer protocol identifier, behind a byte of padding or none.
fn network_layer(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    const PADDING: u8 = 0;
    const SNAP: u8 = 0x80;
    const IPV6: u8 = 0x8e;
    const IPV4: u8 = 0xcc;
    if cursor.peek::<1>(0) == Some(&[PADDING]) {
        cursor.skip(1, "frame relay")?;
    }
    match *cursor.take::<1>("frame relay")? {
        [IPV4] => Ok(Next::Ip4),
        [IPV6] => Ok(Next::Ip6),
        [SNAP] => snap(cursor),
        [other] => Err(DropReason::NotIp(other as u16)),
    }
}
