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
use super::{Level, Levels};

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
    let Some(ip) = frame
        .get(at..)
        .and_then(|rest| rest.first_chunk::<IP4_HEADER_BYTES>())
    else {
        return false;
    };
    let total = be16(ip, 2) as usize;
    if ip[0] != NO_OPTIONS
        || be16(ip, 6) & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0
        || total < IP4_HEADER_BYTES
    {
        return false;
    }
    let header = Transport {
        protocol: ip[9],
        at: at + IP4_HEADER_BYTES,
        carried: total - IP4_HEADER_BYTES,
    };
    header.read(frame).is_some_and(|transport| {
        levels.push(Level {
            source: mapped(be32(ip, 12)),
            destination: mapped(be32(ip, 16)),
            version: 4,
            protocol: ip[9],
            ttl: ip[8],
            ip_bytes: total as u32,
            header: at as u32,
            ..transport
        })
    })
}

#[inline]
fn ip6(frame: &[u8], at: usize, levels: &mut Levels) -> bool {
    let Some(ip) = frame
        .get(at..)
        .and_then(|rest| rest.first_chunk::<IP6_HEADER_BYTES>())
    else {
        return false;
    };
    let carried = be16(ip, 4) as usize;
    if ip[0] >> 4 != 6 || carried == 0 {
        return false;
    }
    let header = Transport {
        protocol: ip[6],
        at: at + IP6_HEADER_BYTES,
        carried,
    };
    header.read(frame).is_some_and(|transport| {
        levels.push(Level {
            source: be128(ip, 8),
            destination: be128(ip, 24),
            version: 6,
            protocol: ip[6],
            ttl: ip[7],
            ip_bytes: (IP6_HEADER_BYTES + carried) as u32,
            header: at as u32,
            ..transport
        })
    })
}

/// Where a transport header stands and how many bytes the IP packet carries from there.
struct Transport {
    protocol: u8,
    at: usize,
    carried: usize,
}

impl Transport {
    /// The fields of a level that the transport header gives, if it is all there.
    #[inline]
    fn read(&self, frame: &[u8]) -> Option<Level> {
        let bytes = frame.get(self.at..)?;
        match self.protocol {
            TCP => self.tcp(bytes),
            UDP => self.udp(bytes),
            _ => None,
        }
    }

    #[inline]
    fn tcp(&self, bytes: &[u8]) -> Option<Level> {
        let header = bytes.first_chunk::<TCP_HEADER_BYTES>()?;
        let header_bytes = (header[12] >> 4) as usize * 4;
        if header_bytes < TCP_HEADER_BYTES || header_bytes > self.carried.min(bytes.len()) {
            return None;
        }
        Some(Level {
            source_port: be16(header, 0),
            destination_port: be16(header, 2),
            tcp_flags: header[13],
            tcp_sequence: be32(header, 4),
            payload: (self.at + header_bytes) as u32,
            payload_bytes: (self.carried - header_bytes) as u32,
            ..Level::default()
        })
    }

    #[inline]
    fn udp(&self, bytes: &[u8]) -> Option<Level> {
        let header = bytes.first_chunk::<UDP_HEADER_BYTES>()?;
        let (source_port, destination_port) = (be16(header, 0), be16(header, 2));
        if self.carried < UDP_HEADER_BYTES
            || by_port(source_port).is_some()
            || by_port(destination_port).is_some()
        {
            return None;
        }
        Some(Level {
            source_port,
            destination_port,
            payload: (self.at + UDP_HEADER_BYTES) as u32,
            payload_bytes: (datagram_bytes(be16(header, 4), self.carried) - UDP_HEADER_BYTES)
                as u32,
            ..Level::default()
        })
    }
}
