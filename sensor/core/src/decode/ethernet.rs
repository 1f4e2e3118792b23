//! Ethernet and what ethertypes announce: tags, backbone headers, IEEE 802.2.

use super::DropReason;
use super::cursor::{Cursor, be16};
use super::walk::Next;

pub(super) const TYPE_IPV4: u16 = 0x0800;
pub(super) const TYPE_IPV6: u16 = 0x86dd;
pub(super) const TYPE_VLAN: u16 = 0x8100;
pub(super) const TYPE_TRANSPARENT_ETHERNET: u16 = 0x6558;
pub(super) const TYPE_MPLS: u16 = 0x8847;
pub(super) const TYPE_NSH: u16 = 0x894f;
const TYPE_MPLS_UPSTREAM: u16 = 0x8848;
const TYPE_VLAN_SERVICE: u16 = 0x88a8;
const TYPE_VLAN_OLD: [u16; 3] = [0x9100, 0x9200, 0x9300];
const TYPE_VN_TAG: u16 = 0x8926;
const TYPE_BACKBONE: u16 = 0x88e7;
const TYPE_PPPOE_SESSION: u16 = 0x8864;
const TYPE_FABRIC_PATH: u16 = 0x8903;
const TYPE_TRILL: u16 = 0x22f3;
const TYPE_JUMBO_LLC: u16 = 0x8870;
/// Up to here the type field is the length of an IEEE 802.3 frame.
const MAX_802_3_LENGTH: u16 = 1500;
const NSH_BASE_BYTES: usize = 8;

/// An Ethernet header: two addresses and a type.
pub(super) fn ethernet(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor.take::<14>("ethernet")?;
    Ok(type_or_length(be16(header, 12), cursor))
}

/// What the type field of Ethernet or of a tag announces: small numbers are the length of an IEEE
/// 802.3 frame.
fn type_or_length(number: u16, cursor: &mut Cursor<'_>) -> Next {
    if number > MAX_802_3_LENGTH {
        return Next::Type(number);
    }
    cursor.limit(number as usize);
    Next::Llc
}

/// Whether a number is one of those that this module follows towards IP, or ARP.
pub(super) fn is_known_type(number: u16) -> bool {
    const TYPE_ARP: u16 = 0x0806;
    matches!(
        number,
        TYPE_IPV4
            | TYPE_IPV6
            | TYPE_VLAN
            | TYPE_VLAN_SERVICE
            | TYPE_MPLS
            | TYPE_MPLS_UPSTREAM
            | TYPE_PPPOE_SESSION
            | TYPE_ARP
    )
}

/// What an ethertype announced.
pub(super) fn ethertype(number: u16, cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    match number {
        TYPE_IPV4 => Ok(Next::Ip4),
        TYPE_IPV6 => Ok(Next::Ip6),
        TYPE_VLAN | TYPE_VLAN_SERVICE => tag("vlan", cursor),
        _ if TYPE_VLAN_OLD.contains(&number) => tag("vlan", cursor),
        TYPE_MPLS | TYPE_MPLS_UPSTREAM => Ok(Next::Mpls),
        TYPE_VN_TAG => {
            let header = cursor.take::<6>("vn-tag")?;
            Ok(type_or_length(be16(header, 4), cursor))
        }
        TYPE_BACKBONE => {
            cursor.skip(4, "backbone service tag")?;
            Ok(Next::Ethernet)
        }
        TYPE_PPPOE_SESSION => pppoe(cursor),
        TYPE_FABRIC_PATH => {
            cursor.skip(2, "fabricpath")?;
            Ok(Next::Ethernet)
        }
        TYPE_TRILL => trill(cursor),
        TYPE_NSH => nsh(cursor),
        TYPE_TRANSPARENT_ETHERNET => Ok(Next::Ethernet),
        TYPE_JUMBO_LLC => Ok(Next::Llc),
        other => Err(DropReason::NotIp(other)),
    }
}

/// A tag of two bytes and the type behind it.
fn tag(layer: &'static str, cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor.take::<4>(layer)?;
    Ok(type_or_length(be16(header, 2), cursor))
}

/// PPPoE of a session: version and type 1, code 0, session, length.
pub(super) fn pppoe(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor.take::<6>("pppoe")?;
    if be16(header, 0) != 0x1100 {
        return Err(DropReason::NotIp(TYPE_PPPOE_SESSION));
    }
    cursor.limit(be16(header, 4) as usize);
    Ok(Next::Ppp)
}

/// TRILL: flags with the length of the options in words, egress, ingress, options, Ethernet.
fn trill(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor.take::<6>("trill")?;
    let option_words = (be16(header, 0) >> 6 & 0x1f) as usize;
    cursor.skip(option_words * 4, "trill options")?;
    Ok(Next::Ethernet)
}

/// Network service header: the length in words counts the base header.
fn nsh(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor
        .peek::<NSH_BASE_BYTES>(0)
        .ok_or_else(|| cursor.malformed("nsh", 8))?;
    let bytes = (be16(header, 0) & 0x3f) as usize * 4;
    if bytes < NSH_BASE_BYTES {
        return Err(cursor.invalid("nsh"));
    }
    cursor.skip(bytes, "nsh")?;
    next_protocol(header[3]).ok_or(DropReason::NotIp(TYPE_NSH))
}

/// The next protocol numbers that NSH and VXLAN-GPE share.
pub(super) fn next_protocol(number: u8) -> Option<Next> {
    match number {
        1 => Some(Next::Ip4),
        2 => Some(Next::Ip6),
        3 => Some(Next::Ethernet),
        4 => Some(Next::Type(TYPE_NSH)),
        5 => Some(Next::Mpls),
        _ => None,
    }
}

/// IEEE 802.2: IP by its own service access point or, more often, by SNAP.
pub(super) fn llc(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    const SNAP: u8 = 0xaa;
    const IP: u8 = 0x06;
    const UNNUMBERED: u8 = 0x03;
    match *cursor.take::<3>("llc")? {
        [SNAP, SNAP, UNNUMBERED] => snap(cursor),
        [IP, IP, UNNUMBERED] => Ok(Next::Ip4),
        [destination, source, _] => {
            Err(DropReason::NotIp(u16::from_be_bytes([destination, source])))
        }
    }
}

/// SNAP: an organisation and a number, which is an ethertype for these two.
pub(super) fn snap(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let header = cursor.take::<5>("snap")?;
    let number = be16(header, 3);
    match *header {
        [0, 0, 0 | 0xf8, ..] => Ok(Next::Type(number)),
        _ => Err(DropReason::NotIp(number)),
    }
}
