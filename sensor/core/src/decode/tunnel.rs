//! The tunnels, their words, and what an IP packet carries.

use super::cursor::Cursor;
use super::transport::UDP;
use super::walk::Next;
use super::{Fragment, Level, gre, udp_tunnel};

const IP4_IN_IP: u8 = 4;
const IP6_IN_IP: u8 = 41;
const GRE: u8 = 47;

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

    /// Whether only a port number hints at this tunnel.
    pub(super) const fn is_over_udp(self) -> bool {
        matches!(
            self,
            Self::Vxlan | Self::VxlanGpe | Self::Geneve | Self::Gtp | Self::Teredo | Self::L2tp
        )
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

/// The tunnel whose header stands at the cursor, behind `level`, and what it carries; `None` where
/// there is none, or it is not to be opened, or it does not make sense.
pub(super) fn inside(
    level: &Level,
    cursor: &mut Cursor<'_>,
    tunnels: Tunnels,
) -> Option<(Tunnel, Next)> {
    if level.fragment == Fragment::Later {
        return None;
    }
    let (tunnel, next) = match level.protocol {
        IP4_IN_IP => (Tunnel::Ipip, Next::Ip4),
        IP6_IN_IP if level.version == 4 => (Tunnel::SixInFour, Next::Ip6),
        IP6_IN_IP => (Tunnel::Ipip, Next::Ip6),
        GRE => gre::gre(cursor)?,
        UDP => udp_tunnel::open(level, cursor)?,
        _ => return None,
    };
    tunnels.opens(tunnel).then_some((tunnel, next))
}
