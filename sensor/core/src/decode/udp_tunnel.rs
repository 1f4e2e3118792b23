//! Tunnels over UDP. A port is a hint only: each header has to be valid in every bit it fixes.

use super::cursor::{Cursor, be16, be128};
use super::ethernet::next_protocol;
use super::ip::IP6_HEADER_BYTES;
use super::walk::Next;
use super::{Level, Tunnel};

/// Most extension headers of one GTP packet.
const MAX_GTP_EXTENSIONS: usize = 8;

/// The tunnel that usually uses this port.
#[inline]
pub(super) fn by_port(port: u16) -> Option<Tunnel> {
    match port {
        1701 => Some(Tunnel::L2tp),
        2152 => Some(Tunnel::Gtp),
        3544 => Some(Tunnel::Teredo),
        4789 | 8472 => Some(Tunnel::Vxlan),
        4790 => Some(Tunnel::VxlanGpe),
        6081 => Some(Tunnel::Geneve),
        _ => None,
    }
}

/// The tunnel whose header begins the payload of a datagram.
pub(super) fn open(level: &Level, cursor: &mut Cursor<'_>) -> Option<(Tunnel, Next)> {
    let tunnel = by_port(level.destination_port).or_else(|| by_port(level.source_port))?;
    let next = match tunnel {
        Tunnel::L2tp => l2tp(cursor),
        Tunnel::Gtp => gtp(cursor),
        Tunnel::Teredo => teredo(cursor),
        Tunnel::Vxlan => vxlan(cursor),
        Tunnel::VxlanGpe => vxlan_gpe(cursor),
        Tunnel::Geneve => geneve(cursor),
        _ => None,
    }?;
    Some((tunnel, next))
}

/// VXLAN (RFC 7348): the flag of a valid network identifier, or that and group policy.
fn vxlan(cursor: &mut Cursor<'_>) -> Option<Next> {
    const VALID: u8 = 0x08;
    const GROUP_POLICY: u8 = 0x80;
    match *cursor.take::<8>("vxlan").ok()? {
        [VALID, 0, 0, 0, ..] => Some(Next::Ethernet),
        [flags, ..] if flags == VALID | GROUP_POLICY => Some(Next::Ethernet),
        _ => None,
    }
}

/// VXLAN-GPE: version 0, a valid network identifier, a next protocol.
fn vxlan_gpe(cursor: &mut Cursor<'_>) -> Option<Next> {
    const VALID_WITH_PROTOCOL: u8 = 0x0c;
    const BROADCAST_OR_OAM: u8 = 0x03;
    match *cursor.take::<8>("vxlan-gpe").ok()? {
        [flags, 0, 0, protocol, ..] if flags & !BROADCAST_OR_OAM == VALID_WITH_PROTOCOL => {
            next_protocol(protocol)
        }
        _ => None,
    }
}

/// GENEVE (RFC 8926): version 0, options in words, an ethertype.
fn geneve(cursor: &mut Cursor<'_>) -> Option<Next> {
    const RESERVED_FLAGS: u8 = 0x3f;
    let header = cursor.take::<8>("geneve").ok()?;
    if header[0] >> 6 != 0 || header[1] & RESERVED_FLAGS != 0 || header[7] != 0 {
        return None;
    }
    cursor
        .skip((header[0] & 0x3f) as usize * 4, "geneve options")
        .ok()?;
    Some(Next::Type(be16(header, 2)))
}

/// GTP-U version 1: user data, with optional fields and extension headers.
fn gtp(cursor: &mut Cursor<'_>) -> Option<Next> {
    const VERSION_1_GTP: u8 = 0x30;
    const RESERVED: u8 = 0x08;
    const EXTENSION: u8 = 0x04;
    const ANY_OPTION: u8 = 0x07;
    const USER_DATA: u8 = 255;
    let header = cursor.take::<8>("gtp").ok()?;
    let [flags, kind, ..] = *header;
    let length = be16(header, 2) as usize;
    if flags & (0xf0 | RESERVED) != VERSION_1_GTP || kind != USER_DATA || !cursor.admits(length) {
        return None;
    }
    cursor.limit(length);
    if flags & ANY_OPTION != 0 {
        let [.., mut extension] = *cursor.take::<4>("gtp options").ok()?;
        if flags & EXTENSION == 0 {
            extension = 0;
        }
        let mut count = 0;
        while extension != 0 {
            count += 1;
            let [words] = *cursor.peek::<1>(0)?;
            let bytes = words as usize * 4;
            if bytes == 0 || count > MAX_GTP_EXTENSIONS {
                return None;
            }
            [extension] = *cursor.peek::<1>(bytes - 1)?;
            cursor.skip(bytes, "gtp extension").ok()?;
        }
    }
    Some(Next::Ip)
}

/// Teredo (RFC 4380): authentication and origin indications before an IPv6 packet. Nothing else
/// marks it, so the addresses have to be Teredo's.
fn teredo(cursor: &mut Cursor<'_>) -> Option<Next> {
    const ORIGIN: [u8; 2] = [0, 0];
    const AUTHENTICATION: [u8; 2] = [0, 1];
    const AUTHENTICATION_FIXED_BYTES: usize = 13;
    const ORIGIN_BYTES: usize = 8;
    if cursor.peek::<2>(0)? == &AUTHENTICATION {
        let [_, _, identifier_bytes, value_bytes] = *cursor.peek::<4>(0)?;
        let bytes = AUTHENTICATION_FIXED_BYTES + identifier_bytes as usize + value_bytes as usize;
        cursor.skip(bytes, "teredo authentication").ok()?;
    }
    if cursor.peek::<2>(0)? == &ORIGIN {
        cursor.skip(ORIGIN_BYTES, "teredo origin").ok()?;
    }
    let header = cursor.peek::<IP6_HEADER_BYTES>(0)?;
    let (source, destination) = (be128(header, 8), be128(header, 24));
    (is_teredo_address(source) || is_teredo_address(destination) || is_link_local(source))
        .then_some(Next::Ip6)
}

/// Teredo's prefix `2001::/32`, or `3ffe:831f::/32`, which it had before it was standardised.
fn is_teredo_address(address: u128) -> bool {
    matches!(address >> 96, 0x2001_0000 | 0x3ffe_831f)
}

/// `fe80::/10`: a client and its server still agreeing on an address.
fn is_link_local(address: u128) -> bool {
    address >> 118 == 0xfe80 >> 6
}

/// L2TP version 2: data messages carry PPP.
fn l2tp(cursor: &mut Cursor<'_>) -> Option<Next> {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    const RESERVED: u16 = 0x34f0;
    const VERSION: u16 = 0x000f;
    let flags = be16(cursor.take::<2>("l2tp").ok()?, 0);
    if flags & (CONTROL | RESERVED) != 0 || flags & VERSION != 2 {
        return None;
    }
    if flags & LENGTH != 0 {
        let length = be16(cursor.take::<2>("l2tp").ok()?, 0) as usize;
        let behind = length.checked_sub(4)?;
        if !cursor.admits(behind) {
            return None;
        }
        cursor.limit(behind);
    }
    cursor.skip(4, "l2tp session").ok()?;
    if flags & SEQUENCE != 0 {
        cursor.skip(4, "l2tp sequence").ok()?;
    }
    if flags & OFFSET != 0 {
        let offset = be16(cursor.take::<2>("l2tp").ok()?, 0) as usize;
        cursor.skip(offset, "l2tp offset").ok()?;
    }
    Some(Next::Ppp)
}
