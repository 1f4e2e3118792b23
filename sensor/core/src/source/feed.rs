//! What the workers need of wherever packets come from.

use std::time::Duration;

use super::{Chunk, InputReport, Progress, Source};

/// What a fill came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// The chunk holds packets, one at least.
    Packets,
    /// None came in the time given; more may come.
    Quiet,
    /// There are no more, now and later.
    Over,
}

/// Packets that the kernel had to drop on an interface since it was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Index into `Feed::interfaces`.
    pub interface: u16,
    /// Packets for which the ring had no room.
    pub packets_dropped_kernel: u64,
}

/// What happened to an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It went down or away: nothing comes from it until it is opened again.
    Down {
        /// Index into `Feed::interfaces`.
        interface: u16,
    },
    /// It was opened again, as somebody asked for.
    Reopened {
        /// Index into `Feed::interfaces`.
        interface: u16,
    },
    /// It could not be opened again; ask once more when that has changed.
    NotReopened {
        /// Index into `Feed::interfaces`.
        interface: u16,
        /// Why, and what to do.
        reason: String,
    },
}

/// A stream of chunks: files, or live interfaces.
pub trait Feed: Send {
    /// Replaces the chunk's contents with the next packets, waiting for them no longer than `wait`. Files wait
    /// as long as it takes.
    fn fill(&mut self, chunk: &mut Chunk, wait: Duration) -> Filled;

    /// Names for `Record::interface`; more may come with later packets, none changes.
    fn interfaces(&self) -> &[String];

    /// What the kernel dropped since this was last called; nothing of files.
    fn losses(&mut self) -> Vec<Loss> {
        Vec::new()
    }

    /// The same, and with it whatever was received and has not been read: nothing more will be.
    fn abandoned(&mut self) -> Vec<Loss> {
        self.losses()
    }

    /// What has come is handed over after so long at most; files keep nothing back.
    fn delay(&self) -> Duration {
        Duration::ZERO
    }

    /// What happened to interfaces since this was last called; nothing to files.
    fn events(&mut self) -> Vec<Event> {
        Vec::new()
    }

    /// What was read of each file so far, in the order given; nothing of interfaces.
    fn reports(&self) -> Vec<InputReport> {
        Vec::new()
    }

    /// How far reading of files has come.
    fn progress(&self) -> Progress {
        Progress::default()
    }
}

impl Feed for Source {
    fn fill(&mut self, chunk: &mut Chunk, _: Duration) -> Filled {
        if Source::fill(self, chunk) {
            Filled::Packets
        } else {
            Filled::Over
        }
    }

    fn interfaces(&self) -> &[String] {
        Source::interfaces(self)
    }

    fn reports(&self) -> Vec<InputReport> {
        Source::reports(self)
    }

    fn progress(&self) -> Progress {
        Source::progress(self)
    }
}
