//! Frames to IP levels: link layers, tunnels, IP, transport. Stateless, allocates nothing.
//!
//! `walk` peels a frame header by header; each header's function moves the `Cursor` behind it and
//! says what comes next. `fast` reads the frames that make up nearly all traffic at fixed offsets
//! and gives exactly what `walk` would.

mod cursor;
mod ethernet;
mod extension;
mod fast;
mod gre;
mod ip;
mod level;
mod link;
mod metadata;
mod mpls;
mod ppp;
mod reason;
mod transport;
mod tunnel;
mod udp_tunnel;
mod walk;
mod wireless;

#[cfg(test)]
mod tests;

pub use level::{Fragment, Level, Levels, MAX_LEVELS};
pub use reason::DropReason;
pub use tunnel::{Tunnel, Tunnels};

/// Fills `levels` (cleared first) with the IP headers of a frame, outermost first.
///
/// `frame` is what was captured, `original` the length on the wire: larger where a snap length cut
/// the frame. `Ok` means one level at least; an inner level that makes no sense is left out and
/// stays payload of the one around it.
///
/// # Errors
/// The reason why the frame has no IP level.
#[inline]
pub fn decode(
    link: u16,
    frame: &[u8],
    original: u32,
    tunnels: Tunnels,
    levels: &mut Levels,
) -> Result<(), DropReason> {
    levels.clear();
    if link == link::ETHERNET && fast::decode(frame, levels) {
        return Ok(());
    }
    walk::walk(link, frame, original, tunnels, levels)
}
