//! Frames to IP levels: link layers, tunnels, IP, transport. Stateless, allocates nothing.

use thiserror::Error;

/// Most IP headers looked at in one frame; deeper ones are payload of the last.
pub const MAX_LEVELS: usize = 8;

/// What an IP level is wrapped in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tunnel {
    /// The outermost IP header.
    #[default]
    None = 0,
    /// IPv4 or IPv6 in IPv4 or IPv6, except IPv6 in IPv4.
    Ipip,
    /// IPv6 in IPv4 (protocol 41).
    SixInFour,
    /// GRE, Ethernet bridging included.
    Gre,
    /// ERSPAN I, II, III.
    Erspan,
    /// VXLAN.
    Vxlan,
    /// VXLAN-GPE.
    VxlanGpe,
    /// GENEVE.
    Geneve,
    /// GTP-U.
    Gtp,
    /// Teredo.
    Teredo,
    /// L2TP over UDP.
    L2tp,
}

impl Tunnel {
    /// Every tunnel, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Ipip,
        Self::SixInFour,
        Self::Gre,
        Self::Erspan,
        Self::Vxlan,
        Self::VxlanGpe,
        Self::Geneve,
        Self::Gtp,
        Self::Teredo,
        Self::L2tp,
    ];

    /// The word used in settings and in the `tunnel` column; `None` for no tunnel.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Ipip => Some("ipip"),
            Self::SixInFour => Some("6in4"),
            Self::Gre => Some("gre"),
            Self::Erspan => Some("erspan"),
            Self::Vxlan => Some("vxlan"),
            Self::VxlanGpe => Some("vxlan-gpe"),
            Self::Geneve => Some("geneve"),
            Self::Gtp => Some("gtp"),
            Self::Teredo => Some("teredo"),
            Self::L2tp => Some("l2tp"),
        }
    }
}

/// The tunnels that are opened; the others stay payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnels(u16);

impl Default for Tunnels {
    fn default() -> Self {
        Self(u16::MAX)
    }
}

impl Tunnels {
    /// Opens no tunnel.
    pub const NONE: Self = Self(0);

    /// Opens this one besides.
    #[must_use]
    pub const fn with(self, tunnel: Tunnel) -> Self {
        Self(self.0 | 1 << tunnel as u16)
    }

    /// Whether this tunnel is opened.
    #[inline]
    pub const fn opens(self, tunnel: Tunnel) -> bool {
        self.0 & (1 << tunnel as u16) != 0
    }
}

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

/// Why a frame has no IP level. `Malformed` says what was needed where.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DropReason {
    /// A link type this program does not read.
    #[error("link type {0} is not supported")]
    UnsupportedLink(u16),
    /// No IP in the frame (ARP, LLDP, ...).
    #[error("no IP packet (ethertype or protocol {0:#06x})")]
    NotIp(u16),
    /// A header is cut off or contradicts itself.
    #[error("{layer}: {needed} bytes needed at offset {offset}, {had} there")]
    Malformed {
        /// Which header.
        layer: &'static str,
        /// Offset of that header in the frame.
        offset: u32,
        /// Bytes it needs.
        needed: u32,
        /// Bytes there are.
        had: u32,
    },
}
