//! What decoding gives: the IP levels of a frame.

use super::Tunnel;

/// Most IP headers looked at in one frame; deeper ones are payload of the last.
pub const MAX_LEVELS: usize = 8;

/// Where a level stands in a fragmented datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fragment {
    /// A whole datagram.
    #[default]
    Whole,
    /// The first fragment: it has the ports.
    First,
    /// A later one: its ports stand in the first.
    Later,
}

/// One IP header of a frame with the transport header behind it.
///
/// Addresses are IPv6 or IPv4 mapped (`::ffff:a.b.c.d`), `version` tells which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Source address.
    pub source: u128,
    /// Destination address.
    pub destination: u128,
    /// Source port; the type of ICMP and ICMPv6; 0 where there is none.
    pub source_port: u16,
    /// Destination port; the code of ICMP and ICMPv6; 0 where there is none.
    pub destination_port: u16,
    /// 4 or 6.
    pub version: u8,
    /// Protocol of the payload, behind IPv6 extension headers and AH.
    pub protocol: u8,
    /// Flags of TCP, else 0.
    pub tcp_flags: u8,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// What this header is wrapped in.
    pub tunnel: Tunnel,
    /// Whether this is a fragment.
    pub fragment: Fragment,
    /// IP identification of a fragment, else 0.
    pub fragment_id: u32,
    /// Sequence number of TCP, else 0.
    pub tcp_sequence: u32,
    /// Length of the IP packet by its headers, captured or not.
    pub ip_bytes: u32,
    /// Offset of the IP header in the frame.
    pub header: u32,
    /// Offset of the transport payload in the frame; at most the frame's captured length.
    pub payload: u32,
    /// Length of the transport payload by the headers, captured or not.
    pub payload_bytes: u32,
}

impl Level {
    /// The transport payload as far as it was captured, without what pads the frame.
    #[inline]
    pub fn payload_in<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        let behind = frame.get(self.payload as usize..).unwrap_or_default();
        behind.get(..self.payload_bytes as usize).unwrap_or(behind)
    }
}

/// The IP levels of one frame, outermost first.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    list: [Level; MAX_LEVELS],
    count: usize,
}

impl Levels {
    /// Forgets the previous frame.
    #[inline]
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds a level; false where the frame nests too deep.
    #[inline]
    pub fn push(&mut self, level: Level) -> bool {
        match self.list.get_mut(self.count) {
            Some(place) => {
                *place = level;
                self.count += 1;
                true
            }
            None => false,
        }
    }

    /// The levels, outermost first.
    #[inline]
    pub fn as_slice(&self) -> &[Level] {
        &self.list[..self.count.min(MAX_LEVELS)]
    }
}
