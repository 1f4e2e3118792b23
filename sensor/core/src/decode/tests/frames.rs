//! Builds frames from parts, all around one flow.

use super::super::Level;
use super::super::ip::mapped;

pub(super) const SOURCE: u32 = 0x0a00_0001;
pub(super) const DESTINATION: u32 = 0x0a00_0002;
pub(super) const SOURCE_PORT: u16 = 1000;
pub(super) const DESTINATION_PORT: u16 = 2000;
pub(super) const PAYLOAD: &[u8] = b"payload";
/// Of Teredo, which opens no other.
const SOURCE_6: u128 = 0x2001_0000_0000_0000_0000_0000_0000_0001;
const DESTINATION_6: u128 = 0x2001_0db8_0000_0000_0000_0000_0000_0002;
const SEQUENCE: u32 = 0x0102_0304;
const PUSH_ACKNOWLEDGE: u8 = 0x18;

pub(super) const TYPE_IPV4: u16 = 0x0800;
pub(super) const TYPE_IPV6: u16 = 0x86dd;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// Parts one behind the other.
pub(super) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(super) fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    join(&[
        &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1],
        &kind.to_be_bytes(),
        payload,
    ])
}

pub(super) fn ip4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ip4_fragment(protocol, 0, payload)
}

/// An IPv4 packet with these flags and this offset.
pub(super) fn ip4_fragment(protocol: u8, place: u16, payload: &[u8]) -> Vec<u8> {
    let total = 20 + payload.len() as u16;
    join(&[
        &[0x45, 0],
        &total.to_be_bytes(),
        &[0x12, 0x34],
        &place.to_be_bytes(),
        &[64, protocol, 0, 0],
        &SOURCE.to_be_bytes(),
        &DESTINATION.to_be_bytes(),
        payload,
    ])
}

pub(super) fn ip6(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    join(&[
        &[0x60, 0, 0, 0],
        &length.to_be_bytes(),
        &[next, 64],
        &SOURCE_6.to_be_bytes(),
        &DESTINATION_6.to_be_bytes(),
        payload,
    ])
}

pub(super) fn tcp(payload: &[u8]) -> Vec<u8> {
    join(&[
        &SOURCE_PORT.to_be_bytes(),
        &DESTINATION_PORT.to_be_bytes(),
        &SEQUENCE.to_be_bytes(),
        &[0, 0, 0, 0, 0x50, PUSH_ACKNOWLEDGE, 0, 0, 0, 0, 0, 0],
        payload,
    ])
}

pub(super) fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    join(&[
        &source.to_be_bytes(),
        &destination.to_be_bytes(),
        &length.to_be_bytes(),
        &[0, 0],
        payload,
    ])
}

/// The flow as an IPv4 packet.
pub(super) fn flow4() -> Vec<u8> {
    ip4(TCP, &tcp(PAYLOAD))
}

/// The flow as an IPv6 packet.
pub(super) fn flow6() -> Vec<u8> {
    ip6(TCP, &tcp(PAYLOAD))
}

/// The flow as an Ethernet frame.
pub(super) fn flow_ethernet() -> Vec<u8> {
    ethernet(TYPE_IPV4, &flow4())
}

/// IEEE 802.2 with SNAP around the flow.
pub(super) fn flow_llc() -> Vec<u8> {
    join(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &flow4()])
}

/// That a level is the flow, with all its fields.
pub(super) fn assert_flow(level: &Level, frame: &[u8], name: &str) {
    assert_eq!(level.source_port, SOURCE_PORT, "{name}");
    assert_eq!(level.destination_port, DESTINATION_PORT, "{name}");
    assert_eq!(level.protocol, TCP, "{name}");
    assert_eq!(level.tcp_flags, PUSH_ACKNOWLEDGE, "{name}");
    assert_eq!(level.tcp_sequence, SEQUENCE, "{name}");
    assert_eq!(level.ttl, 64, "{name}");
    assert_eq!(level.payload_bytes as usize, PAYLOAD.len(), "{name}");
    assert_eq!(level.payload_in(frame), PAYLOAD, "{name}");
    let (source, destination) = match level.version {
        4 => (mapped(SOURCE), mapped(DESTINATION)),
        _ => (SOURCE_6, DESTINATION_6),
    };
    assert_eq!(
        (level.source, level.destination),
        (source, destination),
        "{name}"
    );
    assert_eq!(frame[level.header as usize] >> 4, level.version, "{name}");
}
