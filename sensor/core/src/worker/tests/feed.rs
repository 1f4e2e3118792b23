//! A feed that does what a test has written down, and a sink that keeps the words of rows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::batch::Labels;
use crate::classify::Note;
use crate::counters::{Counts, Interval};
use crate::flow::Flow;
use crate::flow::tests::build::Row;
use crate::hosts::HostRow;
use crate::name::dns_table::DnsRow;
use crate::pipeline::Settings;
use crate::source::{Chunk, Feed, Filled, Loss, Record};
use crate::watch::BlockRef;
use crate::worker::{Control, Dropped, Mode, RunError, Sink, Summary, run};

const ETHERNET: u16 = 1;

/// Often enough for a test.
pub(super) const LIVE: Mode = Mode::Live {
    flush: Duration::from_millis(20),
    begun_ns: i64::MIN,
};

/// Something that happens on the wire.
pub(super) enum Step {
    /// These come, at milliseconds since 1970.
    Frames(Vec<(u64, Vec<u8>)>),
    /// Somebody does something.
    Do(Box<dyn FnOnce() + Send>),
    /// Nothing comes until this is so.
    Until(Box<dyn Fn() -> bool + Send>),
    /// The kernel has dropped so many.
    Lost(u64),
}

/// Steps, then the end.
pub(super) struct Script {
    steps: VecDeque<Step>,
    lost: u64,
    names: Vec<String>,
}

impl Script {
    pub(super) fn new(steps: Vec<Step>) -> Self {
        Self {
            steps: steps.into(),
            lost: 0,
            names: vec!["tap0".to_owned(), "tap1".to_owned()],
        }
    }
}

impl Feed for Script {
    fn fill(&mut self, chunk: &mut Chunk, wait: Duration) -> Filled {
        let until = Instant::now() + wait.min(Duration::from_millis(2));
        chunk.records.clear();
        chunk.data.clear();
        loop {
            match self.steps.pop_front() {
                None => return Filled::Over,
                Some(Step::Lost(lost)) => self.lost += lost,
                Some(Step::Do(action)) => action(),
                Some(Step::Until(so)) => {
                    if !so() {
                        self.steps.push_front(Step::Until(so));
                        std::thread::sleep(until.saturating_duration_since(Instant::now()));
                        return Filled::Quiet;
                    }
                }
                Some(Step::Frames(frames)) => {
                    for (milliseconds, frame) in frames {
                        chunk.records.push(Record {
                            time_ns: milliseconds as i64 * 1_000_000,
                            offset: chunk.data.len() as u32,
                            captured: frame.len() as u32,
                            original: frame.len() as u32,
                            link: ETHERNET,
                            interface: u16::from(milliseconds % 3 == 0),
                        });
                        chunk.data.extend(frame);
                    }
                    return Filled::Packets;
                }
            }
        }
    }

    fn interfaces(&self) -> &[String] {
        &self.names
    }

    fn losses(&mut self) -> Vec<Loss> {
        let packets_dropped_kernel = std::mem::take(&mut self.lost);
        vec![Loss {
            interface: 1,
            packets_dropped_kernel,
        }]
    }
}

/// Frames in portions. Silence between them would pass by the wall clock, which knows nothing of their times.
pub(super) fn portions(frames: Vec<(u64, Vec<u8>)>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut frames = frames.into_iter();
    let mut size = 1;
    loop {
        let portion: Vec<_> = frames.by_ref().take(size).collect();
        if portion.is_empty() {
            return steps;
        }
        steps.push(Step::Frames(portion));
        size = size * 7 % 500 + 1;
    }
}

/// First and last packet, flows, times to live.
pub(super) type Evidence = (i64, i64, u64, BTreeSet<u8>);

/// What all sinks got.
#[derive(Default)]
pub(super) struct Got {
    /// Flow records with the names of their inside and outside block.
    pub(super) rows: Vec<(Row, Option<String>, Option<String>)>,
    pub(super) dns: Vec<(DnsRow, Option<String>)>,
    pub(super) hosts: Vec<(HostRow, Option<String>)>,
    pub(super) intervals: Vec<Interval>,
    pub(super) dropped: Dropped,
}

impl Got {
    pub(super) fn packets(&self) -> u64 {
        let packets = self.rows.iter().map(|(row, ..)| row.packets);
        packets.map(|(out, back)| out + back).sum()
    }

    /// Evidence of hosts as a reader merges it.
    pub(super) fn merged_hosts(&self) -> BTreeMap<(String, u128), Evidence> {
        let mut all = BTreeMap::new();
        for (row, block) in &self.hosts {
            let key = (block.clone().unwrap_or_default(), row.inside);
            let facts = all
                .entry(key)
                .or_insert((i64::MAX, i64::MIN, 0, BTreeSet::new()));
            facts.0 = row.first_ns.min(facts.0);
            facts.1 = row.last_ns.max(facts.1);
            facts.2 += row.flows;
            facts.3.extend(row.ttls.iter().copied());
        }
        all
    }

    /// Holds the sums of a run against each other.
    pub(super) fn check(&self, counts: &Counts) {
        let mut sum = Counts::default();
        for interval in &self.intervals {
            sum.add(&interval.counts);
        }
        assert_eq!(&sum, counts);
        let fates = counts.packets_matched + counts.packets_unmatched + counts.packets_malformed;
        assert_eq!(counts.packets_seen, fates);
        assert_eq!(self.packets(), counts.packets_matched);
        let ended = counts.flows_expired + counts.flows_evicted;
        assert_eq!(counts.flows_created, ended);
    }
}

/// A sink in memory; all workers share one.
#[derive(Clone, Default)]
pub(super) struct Keep {
    pub(super) got: Arc<Mutex<Got>>,
    pub(super) panics: bool,
}

impl Keep {
    pub(super) fn got(&self) -> MutexGuard<'_, Got> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn word(labels: &Labels, block: BlockRef) -> Option<String> {
    labels.blocks.get(block.index()? as usize).cloned()
}

impl Sink for Keep {
    fn flows(&mut self, records: &[Flow], _: &[Note], labels: &Labels) -> bool {
        assert!(!self.panics, "as the test wants");
        let rows = records.iter().map(|flow| {
            let (inside, outside) = flow.blocks();
            (Row::of(flow), word(labels, inside), word(labels, outside))
        });
        self.got().rows.extend(rows);
        true
    }

    fn dns(&mut self, rows: &[DnsRow], labels: &Labels) -> bool {
        let rows = rows
            .iter()
            .map(|row| (row.clone(), word(labels, row.block)));
        self.got().dns.extend(rows);
        true
    }

    fn hosts(&mut self, rows: &[HostRow], labels: &Labels) -> bool {
        let rows = rows
            .iter()
            .map(|row| (row.clone(), word(labels, row.block)));
        self.got().hosts.extend(rows);
        true
    }

    fn accounting(&mut self, rows: &[Interval], interfaces: &[String], _: &Labels) -> bool {
        assert!(
            rows.iter()
                .all(|row| usize::from(row.interface) < interfaces.len())
        );
        self.got().intervals.extend_from_slice(rows);
        true
    }

    fn dropped(&mut self) -> Dropped {
        std::mem::take(&mut self.got().dropped)
    }
}

/// Runs a script with so many workers.
pub(super) fn play(
    steps: Vec<Step>,
    settings: &Settings,
    keep: &Keep,
    control: &Control,
) -> Result<Summary, RunError> {
    let sinks = (0..settings.workers)
        .map(|_| Box::new(keep.clone()) as Box<dyn Sink>)
        .collect();
    run(Script::new(steps), settings, sinks, control, LIVE)
}
