//! Whole replays with sinks in memory: the same for any number of workers, and an end to every one.

mod capture;
mod feed;
mod live;
mod queue;
mod swap;

use std::sync::{Arc, Mutex, PoisonError};

use super::{Control, Mode, RunError, Sink, Summary, run};
use crate::batch::Labels;
use crate::classify::Note;
use crate::counters::{Counts, Interval};
use crate::flow::Flow;
use crate::flow::tests::build::Row;
use crate::hosts::HostRow;
use crate::name::dns_table::DnsRow;
use crate::pipeline::tests::settings;

use capture::{Capture, conversations, years};

/// What all sinks of a run got.
#[derive(Default)]
struct Collected {
    rows: Vec<Row>,
    hosts: Vec<HostRow>,
    intervals: Vec<Interval>,
}

/// What a sink does besides collecting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    Takes,
    Refuses,
    Panics,
}

#[derive(Clone)]
struct Memory {
    collected: Arc<Mutex<Collected>>,
    habit: Habit,
}

impl Memory {
    fn collect(&self, add: impl FnOnce(&mut Collected)) -> bool {
        assert!(self.habit != Habit::Panics, "as the test wants");
        add(&mut self
            .collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner));
        self.habit == Habit::Takes
    }
}

impl Sink for Memory {
    fn dns(&mut self, _: &[DnsRow], _: &Labels) -> bool {
        self.habit == Habit::Takes
    }

    fn flows(&mut self, records: &[Flow], _: &[Note], _: &Labels) -> bool {
        self.collect(|collected| collected.rows.extend(records.iter().map(Row::of)))
    }

    fn hosts(&mut self, rows: &[HostRow], _: &Labels) -> bool {
        self.collect(|collected| collected.hosts.extend_from_slice(rows))
    }

    fn accounting(&mut self, rows: &[Interval], interfaces: &[String], _: &Labels) -> bool {
        assert!(
            rows.iter()
                .all(|row| usize::from(row.interface) < interfaces.len())
        );
        self.collect(|collected| collected.intervals.extend_from_slice(rows))
    }
}

/// Replays a capture with as many workers as habits.
fn replay(
    capture: &Capture,
    habits: &[Habit],
    control: &Control,
) -> (Result<Summary, RunError>, Collected) {
    let collected = Arc::new(Mutex::new(Collected::default()));
    let sinks = habits
        .iter()
        .map(|&habit| {
            let collected = Arc::clone(&collected);
            Box::new(Memory { collected, habit }) as Box<dyn Sink>
        })
        .collect();
    let outcome = run(
        capture.open(),
        &settings(habits.len()),
        sinks,
        control,
        Mode::Replay,
    );
    let collected = std::mem::take(&mut *collected.lock().unwrap_or_else(PoisonError::into_inner));
    (outcome, collected)
}

/// Holds the sums of a run against each other.
fn check(counts: &Counts, collected: &Collected, control: &Control) {
    let mut sum = Counts::default();
    for interval in &collected.intervals {
        sum.add(&interval.counts);
    }
    assert_eq!(&sum, counts);
    let fates = counts.packets_matched + counts.packets_unmatched + counts.packets_malformed;
    assert_eq!(counts.packets_seen, fates);
    assert_eq!(counts.packets_seen, control.packets());
    assert_eq!(counts.bytes_seen, control.bytes());
    let rows = &collected.rows;
    let in_flows: u64 = rows.iter().map(|row| row.packets.0 + row.packets.1).sum();
    assert_eq!(in_flows, counts.packets_matched);
    assert_eq!(
        counts.flows_created,
        counts.flows_expired + counts.flows_evicted
    );
    let ended = rows.iter().filter(|row| row.reason != "active").count();
    assert_eq!(counts.flows_created, ended as u64);
}

#[test]
fn rows_do_not_depend_on_the_number_of_workers() {
    let capture = Capture::new("workers.pcap", conversations(20_000));
    let mut alone: Option<Vec<Row>> = None;
    let mut hosts_alone: Option<Vec<HostRow>> = None;
    for workers in 1..=4 {
        let control = Control::default();
        let (outcome, mut collected) = replay(&capture, &vec![Habit::Takes; workers], &control);
        let summary = outcome.expect("a run");
        assert_eq!(summary.counts.packets_seen, 20_000);
        assert_eq!(summary.inputs[0].packets, 20_000);
        check(&summary.counts, &collected, &control);
        collected.rows.sort();
        let alone = alone.get_or_insert_with(|| collected.rows.clone());
        assert!(alone.len() > 2000);
        assert!(*alone == collected.rows, "{workers} workers");
        collected
            .hosts
            .sort_by_key(|row| (row.block.index(), row.inside));
        assert!(collected.hosts.len() > 300);
        let hosts_alone = hosts_alone.get_or_insert_with(|| collected.hosts.clone());
        assert!(*hosts_alone == collected.hosts, "{workers} workers");
    }
}

#[test]
fn stopped_before_it_began_reads_nothing() {
    let capture = Capture::new("stopped.pcap", conversations(5000));
    for workers in 1..=3 {
        let control = Control::default();
        control.stop();
        let (outcome, collected) = replay(&capture, &vec![Habit::Takes; workers], &control);
        let counts = outcome.expect("a run").counts;
        assert_eq!(counts, Counts::default());
        check(&counts, &collected, &control);
    }
}

#[test]
fn stopped_on_the_way_counts_what_was_read() {
    let capture = Capture::new("stop.pcap", conversations(20_000));
    for workers in 1..=3 {
        let control = Control::default();
        let (outcome, collected) = std::thread::scope(|scope| {
            scope.spawn(|| {
                while control.packets() == 0 {
                    std::thread::yield_now();
                }
                control.stop();
            });
            replay(&capture, &vec![Habit::Takes; workers], &control)
        });
        check(&outcome.expect("a run").counts, &collected, &control);
    }
}

#[test]
fn a_sink_that_wants_no_more_ends_the_run() {
    let capture = Capture::new("refused.pcap", years());
    for habits in [
        vec![Habit::Refuses],
        vec![Habit::Takes, Habit::Refuses],
        vec![Habit::Refuses; 4],
    ] {
        let control = Control::default();
        let (outcome, collected) = replay(&capture, &habits, &control);
        let counts = outcome.expect("a run").counts;
        assert!(control.stopped());
        assert!(counts.packets_seen > 0 && counts.packets_seen < 30_000);
        check(&counts, &collected, &control);
    }
}

#[test]
fn a_sink_that_panics_is_an_error_and_not_the_end_of_time() {
    let capture = Capture::new("panics.pcap", years());
    for habits in [
        vec![Habit::Panics],
        vec![Habit::Takes, Habit::Panics],
        vec![Habit::Panics, Habit::Takes, Habit::Takes],
        vec![Habit::Panics; 4],
    ] {
        let (outcome, _) = replay(&capture, &habits, &Control::default());
        assert!(matches!(outcome, Err(RunError::WorkerFailed)));
    }
}

#[test]
fn an_absurd_number_of_flows_is_refused_or_granted() {
    let capture = Capture::new("absurd.pcap", conversations(10));
    let mut settings = settings(1);
    settings.limits.max_flows = usize::MAX;
    let collected = Arc::new(Mutex::new(Collected::default()));
    let sink = Memory {
        collected,
        habit: Habit::Takes,
    };
    let outcome = run(
        capture.open(),
        &settings,
        vec![Box::new(sink)],
        &Control::default(),
        Mode::Replay,
    );
    assert!(matches!(outcome, Ok(_) | Err(RunError::Memory(_))));
}
