//! Where chunks come from: files, or interfaces.

use std::time::Duration;

use super::{Chunk, InputReport, Source};

/// What came of asking for packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// The chunk holds some.
    Packets,
    /// None came in the time given.
    Quiet,
    /// There will be no more.
    Over,
}

/// Packets that came to an interface and were lost before they could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Number of the interface.
    pub interface: u16,
    /// Packets for which the kernel had no room.
    pub packets_dropped_kernel: u64,
}

/// A stream of chunks.
pub trait Feed: Send {
    /// Replaces the chunk's contents with the next packets, for which it waits about so long at most.
    fn fill(&mut self, chunk: &mut Chunk, wait: Duration) -> Filled;
    /// Names for `Record::interface`; more may come with later packets, none changes.
    fn interfaces(&self) -> Vec<String>;
    /// What was lost since this was last asked.
    fn losses(&mut self) -> Vec<Loss>;
    /// What was read of each input so far.
    fn reports(&self) -> Vec<InputReport>;
    /// Bytes of the input read so far, as stored; none where packets come off a wire.
    fn stored_bytes(&self) -> u64 {
        0
    }
}

/// Files are never quiet: whoever asks waits for their bytes.
impl Feed for Source {
    fn fill(&mut self, chunk: &mut Chunk, _: Duration) -> Filled {
        if Self::fill(self, chunk) {
            Filled::Packets
        } else {
            Filled::Over
        }
    }

    fn interfaces(&self) -> Vec<String> {
        Self::interfaces(self).to_vec()
    }

    fn losses(&mut self) -> Vec<Loss> {
        Vec::new()
    }

    fn reports(&self) -> Vec<InputReport> {
        Self::reports(self)
    }

    fn stored_bytes(&self) -> u64 {
        self.progress().bytes_read
    }
}
