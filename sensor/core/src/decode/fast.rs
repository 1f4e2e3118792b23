//! The frames that nearly all traffic is made of, read at fixed offsets.
//!
//! Ethernet with one VLAN tag or none, IPv4 without options or IPv6 without extension headers, TCP
//! or UDP, no fragment, no tunnel's port, whole headers. Anything else is left to `walk`, which
//! would give the same here, only slower: a property test compares the two.

use super::cursor::{be16, be32, be128};
use super::ethernet::{TYPE_IPV4, TYPE_IPV6, TYPE_VLAN};
use super::ip::{FRAGMENT_OFFSET, IP4_HEADER_BYTES, IP6_HEADER_BYTES, MORE_FRAGMENTS, mapped};
use super::transport::{TCP, TCP_HEADER_BYTES, UDP, UDP_HEADER_BYTES, datagram_bytes};
use super::udp_tunnel::by_port;
use super::{Fragment, Level, Levels, Tunnel};

/// Reads a frame of Ethernet into `levels`, which are empty. False, with nothing written, where the
/// frame is not of the kind this function reads.
#[inline]
pub(super) fn decode(frame: &[u8], levels: &mut Levels) -> bool {
    let Some(link) = frame.first_chunk::<18>() else {
        return false;
    };
    let (kind, at) = match be16(link, 12) {
        TYPE_VLAN => (be16(link, 16), 18),
        kind => (kind, 14),
    };
    match kind {
        TYPE_IPV4 => ip4(frame, at, levels),
        TYPE_IPV6 => ip6(frame, at, levels),
        _ => false,
    }
}

#[inline]
fn ip4(frame: &[u8], at: usize, levels: &mut Levels) -> bool {
    const NO_OPTIONS: u8 = 0x45;
    let rest = frame.get(at..).unwrap_or_default();
    let Some((ip, behind)) = rest.split_first_chunk::<IP4_HEADER_BYTES>() else {
        return false;
    };
    let total = be16(ip, 2) as usize;
    if ip[0] != NO_OPTIONS
        || be16(ip, 6) & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0
        || total < IP4_HEADER_BYTES
    {
        return false;
    }
    let Some(segment) = segment(ip[9], behind, total - IP4_HEADER_BYTES) else {
        return false;
    };
    let packet = Packet {
        source: mapped(be32(ip, 12)),
        destination: mapped(be32(ip, 16)),
        version: 4,
        protocol: ip[9],
        ttl: ip[8],
        at,
        header_bytes: IP4_HEADER_BYTES,
        ip_bytes: total,
    };
    packet.push(&segment, levels)
}

#[inline]
fn ip6(frame: &[u8], at: usize, levels: &mut Levels) -> bool {
    let rest = frame.get(at..).unwrap_or_default();
    let Some((ip, behind)) = rest.split_first_chunk::<IP6_HEADER_BYTES>() else {
        return false;
    };
    let carried = be16(ip, 4) as usize;
    if ip[0] >> 4 != 6 || carried == 0 {
        return false;
    }
    let Some(segment) = segment(ip[6], behind, carried) else {
        return false;
    };
    let packet = Packet {
        source: be128(ip, 8),
        destination: be128(ip, 24),
        version: 6,
        protocol: ip[6],
        ttl: ip[7],
        at,
        header_bytes: IP6_HEADER_BYTES,
        ip_bytes: IP6_HEADER_BYTES + carried,
    };
    packet.push(&segment, levels)
}

/// What an IP header says.
struct Packet {
    source: u128,
    destination: u128,
    version: u8,
    protocol: u8,
    ttl: u8,
    /// Offset of the header in the frame.
    at: usize,
    header_bytes: usize,
    ip_bytes: usize,
}

/// What a transport header says.
struct Segment {
    source_port: u16,
    destination_port: u16,
    tcp_flags: u8,
    tcp_sequence: u32,
    header_bytes: usize,
    /// Length with the header.
    bytes: usize,
}

impl Packet {
    /// Writes the level.
    #[inline]
    fn push(&self, segment: &Segment, levels: &mut Levels) -> bool {
        levels.push(Level {
            source: self.source,
            destination: self.destination,
            source_port: segment.source_port,
            destination_port: segment.destination_port,
            version: self.version,
            protocol: self.protocol,
            tcp_flags: segment.tcp_flags,
            ttl: self.ttl,
            tunnel: Tunnel::None,
            fragment: Fragment::Whole,
            fragment_id: 0,
            tcp_sequence: segment.tcp_sequence,
            ip_bytes: self.ip_bytes as u32,
            header: self.at as u32,
            payload: (self.at + self.header_bytes + segment.header_bytes) as u32,
            payload_bytes: (segment.bytes - segment.header_bytes) as u32,
        })
    }
}

/// The transport header at the start of `bytes`, if all of it is there; the IP packet carries
/// `carried` bytes from there.
#[inline]
fn segment(protocol: u8, bytes: &[u8], carried: usize) -> Option<Segment> {
    match protocol {
        TCP => tcp(bytes, carried),
        UDP => udp(bytes, carried),
        _ => None,
    }
}

#[inline]
fn tcp(bytes: &[u8], carried: usize) -> Option<Segment> {
    let header = bytes.first_chunk::<TCP_HEADER_BYTES>()?;
    let header_bytes = (header[12] >> 4) as usize * 4;
    if header_bytes < TCP_HEADER_BYTES || header_bytes > carried.min(bytes.len()) {
        return None;
    }
    Some(Segment {
        source_port: be16(header, 0),
        destination_port: be16(header, 2),
        tcp_flags: header[13],
        tcp_sequence: be32(header, 4),
        header_bytes,
        bytes: carried,
    })
}

#[inline]
fn udp(bytes: &[u8], carried: usize) -> Option<Segment> {
    let header = bytes.first_chunk::<UDP_HEADER_BYTES>()?;
    let (source_port, destination_port) = (be16(header, 0), be16(header, 2));
    if carried < UDP_HEADER_BYTES
        || by_port(source_port).is_some()
        || by_port(destination_port).is_some()
    {
        return None;
    }
    Some(Segment {
        source_port,
        destination_port,
        tcp_flags: 0,
        tcp_sequence: 0,
        header_bytes: UDP_HEADER_BYTES,
        bytes: datagram_bytes(be16(header, 4), carried),
    })
}
