//! Link types (LINKTYPE numbers) to what stands first in their frames.

use super::DropReason;
use super::cursor::{Cursor, be16};
use super::walk::Next;
use super::{ethernet, metadata, ppp, wireless};

pub(super) const ETHERNET: u16 = 1;
const MPACKET_PREAMBLE_BYTES: usize = 8;

/// What a frame of this link type starts with.
pub(super) fn link(number: u16, cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    match number {
        0 | 108 => metadata::loopback(cursor),
        ETHERNET => Ok(Next::Ethernet),
        7 => arcnet(0, cursor),
        8 => slip(cursor),
        9 => Ok(Next::Ppp),
        10 => behind(13, "fddi", Next::Llc, cursor),
        11 => Ok(Next::Llc),
        12 | 14 | 101 => Ok(Next::Ip),
        50 => ppp::serial(cursor),
        51 => ethernet::pppoe(cursor),
        104 => ppp::cisco_hdlc(cursor),
        105 => Ok(Next::Wireless { padded: false }),
        107 => ppp::frame_relay(cursor),
        109 => metadata::encapsulating(cursor),
        113 => cooked(cursor),
        117 => metadata::packet_filter_log(cursor),
        119 => wireless::prism(cursor),
        122 => behind(16, "ip over fibre channel", Next::Llc, cursor),
        123 => sun_atm(cursor),
        127 => wireless::radiotap(cursor),
        129 => arcnet(2, cursor),
        163 => wireless::avs(cursor),
        166 | 204 => ppp::with_direction(cursor),
        192 => metadata::per_packet_information(cursor),
        228 => Ok(Next::Ip4),
        229 => Ok(Next::Ip6),
        239 => metadata::netfilter_log(cursor),
        242 => infiniband(cursor),
        274 => behind(MPACKET_PREAMBLE_BYTES, "mpacket", Next::Ethernet, cursor),
        276 => cooked_2(cursor),
        other => Err(DropReason::UnsupportedLink(other)),
    }
}

/// A link header of fixed length that says nothing of use.
fn behind(
    bytes: usize,
    layer: &'static str,
    next: Next,
    cursor: &mut Cursor<'_>,
) -> Result<Next, DropReason> {
    cursor.skip(bytes, layer)?;
    Ok(next)
}

/// SLIP: direction, then the compressed header or what stands for it.
fn slip(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    const RECEIVED: u8 = 0;
    const SENT: u8 = 1;
    let [direction, ..] = *cursor.take::<16>("slip")?;
    match direction {
        RECEIVED | SENT => Ok(Next::Ip),
        other => Err(DropReason::NotIp(other as u16)),
    }
}

/// Linux cooked capture: packet type, device type, address, protocol.
fn cooked(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor.take::<16>("linux cooked")?;
    Ok(cooked_protocol(be16(header, 14)))
}

/// Linux cooked capture, version 2: the protocol stands first.
fn cooked_2(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor.take::<20>("linux cooked 2")?;
    Ok(cooked_protocol(be16(header, 0)))
}

/// Ethertypes; of Linux's own small numbers one is IEEE 802.2, the others carry no IP.
fn cooked_protocol(number: u16) -> Next {
    const LLC: u16 = 0x0004;
    if number == LLC {
        Next::Llc
    } else {
        Next::Type(number)
    }
}

/// ARCNET: source, destination, on Linux an offset of two bytes, type; RFC 1201 adds three bytes.
fn arcnet(offset_bytes: usize, cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    const IPV4_RFC_1051: u8 = 240;
    const IPV4: u8 = 212;
    const IPV6: u8 = 196;
    cursor.skip(2 + offset_bytes, "arcnet")?;
    let [kind] = *cursor.take::<1>("arcnet")?;
    match kind {
        IPV4_RFC_1051 => Ok(Next::Ip4),
        IPV4 | IPV6 => {
            let [split_flag, ..] = *cursor.take::<3>("arcnet")?;
            // Anything but zero is a piece of a packet split over several frames.
            match (split_flag, kind) {
                (0, IPV4) => Ok(Next::Ip4),
                (0, _) => Ok(Next::Ip6),
                _ => Err(DropReason::NotIp(kind as u16)),
            }
        }
        other => Err(DropReason::NotIp(other as u16)),
    }
}

/// Sun's ATM header: the low half of the first byte tells what the cell stream carries.
fn sun_atm(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    const LLC: u8 = 2;
    let [kind, ..] = *cursor.take::<4>("sun atm")?;
    if kind & 0x0f == LLC {
        Ok(Next::Llc)
    } else {
        Err(DropReason::NotIp(kind as u16))
    }
}

/// IP over InfiniBand: routing header, ethertype, two bytes unused.
fn infiniband(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor.take::<44>("ip over infiniband")?;
    Ok(Next::Type(be16(header, 40)))
}
