//! Peels a frame header by header.

use super::cursor::Cursor;
use super::{DropReason, Level, Levels, Tunnel, Tunnels};
use super::{ethernet, ip, link, mpls, ppp, tunnel, wireless};

/// Most headers of all kinds looked at in one frame.
const MAX_HEADERS: usize = 64;

/// What stands at the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A frame of this link type.
    Link(u16),
    /// An Ethernet header.
    Ethernet,
    /// What this ethertype announced.
    Type(u16),
    /// An IEEE 802.2 header.
    Llc,
    /// An MPLS label stack.
    Mpls,
    /// A PPP header.
    Ppp,
    /// An IEEE 802.11 header; padded to four bytes where the flag says so.
    Wireless {
        /// Whether the header is padded.
        padded: bool,
    },
    /// An IP header, its version told by its first half byte.
    Ip,
    /// An IPv4 header.
    Ip4,
    /// An IPv6 header.
    Ip6,
}

/// Fills `levels`, which are empty, with the IP headers of a frame.
pub(super) fn walk(
    link: u16,
    frame: &[u8],
    original: u32,
    tunnels: Tunnels,
    levels: &mut Levels,
) -> Result<(), DropReason> {
    let mut cursor = Cursor::new(frame, original);
    match descend(Next::Link(link), &mut cursor, tunnels, levels) {
        Err(reason) if levels.as_slice().is_empty() => Err(reason),
        _ => Ok(()),
    }
}

fn descend(
    start: Next,
    cursor: &mut Cursor<'_>,
    tunnels: Tunnels,
    levels: &mut Levels,
) -> Result<(), DropReason> {
    let mut next = start;
    let mut wrapped = Tunnel::None;
    for _ in 0..MAX_HEADERS {
        next = match next {
            Next::Link(number) => link::link(number, cursor)?,
            Next::Ethernet => ethernet::ethernet(cursor)?,
            Next::Type(number) => ethernet::ethertype(number, cursor)?,
            Next::Llc => ethernet::llc(cursor)?,
            Next::Mpls => mpls::mpls(cursor)?,
            Next::Ppp => ppp::ppp(cursor)?,
            Next::Wireless { padded } => wireless::wireless(padded, cursor)?,
            Next::Ip => ip::version(cursor)?,
            Next::Ip4 | Next::Ip6 => {
                let around = *cursor;
                let mut level = if next == Next::Ip4 {
                    ip::ip4(cursor)?
                } else {
                    ip::ip6(cursor)?
                };
                level.tunnel = wrapped;
                if !is_plausible(&level, around) || !levels.push(level) {
                    return Ok(());
                }
                match tunnel::inside(&level, cursor, tunnels) {
                    Some((kind, inner)) => {
                        wrapped = kind;
                        inner
                    }
                    None => return Ok(()),
                }
            }
        };
    }
    Err(cursor.invalid("nested headers"))
}

/// Whether an IP packet may be what a UDP tunnel carries: a port number proves nothing, so the
/// packet has to fit into the datagram.
fn is_plausible(level: &Level, around: Cursor<'_>) -> bool {
    !level.tunnel.is_over_udp() || around.admits(level.ip_bytes as usize)
}
