//! Why a frame gives nothing.

use thiserror::Error;

/// Why a frame has no IP level.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DropReason {
    /// A link type this program does not read.
    #[error("link type {0} is not supported")]
    UnsupportedLink(u16),
    /// No IP in the frame (ARP, LLDP, ...).
    #[error("no IP packet (ethertype or protocol {0:#06x})")]
    NotIp(u16),
    /// A header is cut off, by the sender or by the capture.
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
    /// A header contradicts itself or the one before it, or never ends.
    #[error("{layer}: the header at offset {offset} contradicts itself")]
    Invalid {
        /// Which header.
        layer: &'static str,
        /// Offset of that header in the frame.
        offset: u32,
    },
}

impl DropReason {
    /// Whether the frame is broken, rather than of a kind that carries no IP or is not read.
    pub const fn is_malformed(self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::Invalid { .. })
    }
}
