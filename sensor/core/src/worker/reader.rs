//! The one who reads: it goes from hand to hand, to whichever worker is free.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Control, Mode};
use crate::flow::StreamClock;
use crate::pipeline::{Generation, Work};
use crate::source::{Feed, Filled, InputReport, Loss};

/// A worker waits so long for packets before it looks whether there is other work.
const POLL: Duration = Duration::from_millis(50);
/// A quiet link is told of so often.
const TICK: Duration = Duration::from_millis(100);
/// The kernel is asked so often what it dropped.
const LOSSES: Duration = Duration::from_secs(1);
/// Once it is to stop, what came before is read until nothing more comes for so long after it could have,
const DRAIN_QUIET: Duration = Duration::from_millis(50);
/// but not for longer than this after all of it could have.
const DRAIN: Duration = Duration::from_millis(500);

/// What a reading gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The next chunk of the stream, perhaps without packets: time has passed.
    Chunk,
    /// Nothing so far.
    Nothing,
    /// The input is over.
    Over,
}

/// The input and the state of the stream behind its last chunk.
pub(super) struct Reader {
    feed: Box<dyn Feed>,
    generation: Arc<Generation>,
    clock: StreamClock,
    sequence: u64,
    interfaces: usize,
    is_live: bool,
    read_at: Instant,
    told_at: Instant,
    losses_at: Instant,
    stops_at: Option<Instant>,
}

impl Reader {
    pub(super) fn new(
        feed: Box<dyn Feed>,
        generation: Arc<Generation>,
        mode: Mode,
        control: &Control,
    ) -> Self {
        let now = Instant::now();
        let names = feed.interfaces().to_vec();
        let interfaces = names.len();
        control.set_interfaces(names);
        Self {
            feed,
            generation,
            clock: StreamClock::default(),
            sequence: 0,
            interfaces,
            is_live: matches!(mode, Mode::Live { .. }),
            read_at: now,
            told_at: now,
            losses_at: now,
            stops_at: None,
        }
    }

    /// Reads the next chunk, or waits a moment for one.
    pub(super) fn read(&mut self, work: &mut Work, control: &Control) -> Read {
        let Some(wait) = self.wait(control) else {
            return Read::Over;
        };
        let filled = self.feed.fill(&mut work.chunk, wait);
        control.add_events(self.feed.events());
        match filled {
            Filled::Packets => {}
            Filled::Over => return Read::Over,
            Filled::Quiet if self.stops_at.is_some() => return Read::Over,
            Filled::Quiet => {
                work.chunk.records.clear();
                self.pass();
                if self.told_at.elapsed() < TICK {
                    return Read::Nothing;
                }
            }
        }
        if let Some(other) = control.other_rules(self.generation.number) {
            self.generation = other;
        }
        self.stamp(work, control);
        Read::Chunk
    }

    /// How long to wait for packets; none where the input is to end.
    fn wait(&mut self, control: &Control) -> Option<Duration> {
        if !control.stopped() {
            return Some(POLL);
        }
        if !self.is_live {
            return None;
        }
        let delay = self.feed.delay();
        let until = *self
            .stops_at
            .get_or_insert_with(|| Instant::now() + delay + DRAIN);
        (Instant::now() < until).then_some(delay + DRAIN_QUIET)
    }

    /// Nothing came: time goes on all the same.
    fn pass(&mut self) {
        let now = Instant::now();
        let silent = now.saturating_duration_since(self.read_at);
        self.read_at = now;
        self.clock
            .pass(u64::try_from(silent.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Gives a chunk its place in the stream.
    fn stamp(&mut self, work: &mut Work, control: &Control) {
        work.sequence = self.sequence;
        self.sequence += 1;
        work.generation = Some(Arc::clone(&self.generation));
        let clock = &mut self.clock;
        work.clocks.clear();
        work.clocks.extend(
            work.chunk
                .records
                .iter()
                .map(|record| clock.advance(record.time_ns)),
        );
        work.clock_ns = clock.now_ns();
        work.time_ns = clock.time_ns();
        let names = self.feed.interfaces();
        if names.len() != self.interfaces {
            self.interfaces = names.len();
            control.set_interfaces(names.to_vec());
        }
        control.set_stored_bytes(self.feed.progress().bytes_read);
        if self.is_live {
            self.told_at = Instant::now();
            self.read_at = self.told_at;
        }
    }

    /// What the kernel dropped, asked about once a second, and at the `end` what it still has.
    pub(super) fn losses(&mut self, end: bool) -> Vec<Loss> {
        if end && self.is_live {
            return self.feed.abandoned();
        }
        if !self.is_live || self.losses_at.elapsed() < LOSSES {
            return Vec::new();
        }
        self.losses_at = Instant::now();
        self.feed.losses()
    }

    /// Chunks so far.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The stream's clock.
    pub(super) fn clock_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    pub(super) fn reports(&self) -> Vec<InputReport> {
        self.feed.reports()
    }
}
