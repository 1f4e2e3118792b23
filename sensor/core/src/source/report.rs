//! What became of each input.

use thiserror::Error;

/// An input that cannot be replayed at all; nothing has been read from the others.
#[derive(Debug, Error)]
#[error("{path}: {reason}")]
pub struct SourceError {
    /// The path as given.
    pub path: String,
    /// What is wrong with it and what to do.
    pub reason: String,
}

/// What was read of one input so far.
#[derive(Clone, Debug, Default)]
pub struct InputReport {
    /// The path as given, `-` for standard input.
    pub path: String,
    /// `pcap`, `pcapng`, with `.gz`, `.zst` or `.xz` behind it where compressed.
    pub format: String,
    /// Whole packets read.
    pub packets: u64,
    /// Cut short mid-packet: what was lost and at which offset. Not a failure.
    pub warning: Option<String>,
    /// Damaged: reading stopped at this offset for this reason. A failure.
    pub error: Option<String>,
}
