//! Runs as on a wire: quiet links, stops, questions, losses.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::capture::{Capture, conversations};
use super::feed::{Keep, Step, play, portions};
use crate::counters::{Counts, INTERVAL_NS};
use crate::pipeline::tests::settings;
use crate::worker::{Control, Dropped, Mode, RunError, Sink, run};

/// Longer than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn forever() -> Step {
    Step::Until(Box::new(|| false))
}

/// Waits for something to become true.
fn wait_for(so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < until, "it never came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn rows_are_those_of_a_replay_for_any_number_of_workers() {
    let capture = Capture::new("live.pcap", conversations(20_000));
    let replayed = Keep::default();
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(replayed.clone())];
    let summary = run(
        capture.open(),
        &settings(1),
        sinks,
        &Control::default(),
        Mode::Replay,
    );
    let counts = summary.expect("a run").counts;
    let mut expected = std::mem::take(&mut replayed.got().rows);
    expected.sort();
    for workers in [1, 2, 4] {
        let keep = Keep::default();
        let steps = portions(conversations(20_000).collect());
        let summary = play(steps, &settings(workers), &keep, &Control::default());
        let live = summary.expect("a run").counts;
        let mut got = keep.got();
        got.check(&live);
        got.rows.sort();
        assert!(got.rows == expected, "{workers} workers");
        assert_eq!(live, counts);
    }
}

#[test]
fn a_quiet_link_can_be_stopped_and_gives_everything() {
    for workers in [1, 2, 4] {
        let control = Control::default();
        let keep = Keep::default();
        let mut steps = portions(conversations(3000).collect());
        steps.push(forever());
        let summary = std::thread::scope(|scope| {
            scope.spawn(|| {
                wait_for(|| control.packets() == 3000);
                control.stop();
            });
            play(steps, &settings(workers), &keep, &control)
        });
        let counts = summary.expect("a run").counts;
        assert_eq!(counts.packets_seen, 3000);
        keep.got().check(&counts);
    }
}

#[test]
fn rows_do_not_wait_for_a_full_batch() {
    let control = Control::default();
    let keep = Keep::default();
    // Beyond second 100 another block is valid, so that flows are cut.
    let mut steps = portions(conversations(8000).collect());
    steps.push(forever());
    let early = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            wait_for(|| control.packets() == 8000 && !keep.got().rows.is_empty());
            wait_for(|| !keep.got().intervals.is_empty());
            let early = keep.got().rows.len();
            control.stop();
            early
        });
        play(steps, &settings(2), &keep, &control).expect("a run");
        watcher.join().expect("a number")
    });
    assert!(early > 0 && early < keep.got().rows.len());
}

#[test]
fn whoever_asks_hears_what_was_counted() {
    for workers in [1, 3] {
        let control = Control::default();
        let keep = Keep::default();
        let mut steps = portions(conversations(3000).collect());
        steps.push(forever());
        let counts = std::thread::scope(|scope| {
            scope.spawn(|| {
                wait_for(|| control.packets() == 3000);
                wait_for(|| control.snapshot(PATIENCE).counts().packets_seen == 3000);
                let began = Instant::now();
                let snapshot = control.snapshot(PATIENCE);
                assert!(began.elapsed() < Duration::from_millis(500));
                assert_eq!(snapshot.interfaces.len(), 2);
                assert!(snapshot.active_flows > 100);
                control.stop();
            });
            play(steps, &settings(workers), &keep, &control)
        });
        let counts = counts.expect("a run").counts;
        // Also afterwards.
        let snapshot = control.snapshot(Duration::ZERO);
        assert_eq!((snapshot.counts(), snapshot.active_flows), (counts, 0));
    }
}

#[test]
fn what_was_lost_is_counted_whoever_lost_it() {
    let control = Arc::new(Control::default());
    let keep = Keep::default();
    keep.got().dropped = Dropped {
        rows: 5,
        packets: 50,
    };
    let teller = Arc::clone(&control);
    let tell = move || {
        let told = Counts {
            packets_seen: 100,
            bytes_seen: 6000,
            packets_unmatched: 100,
            packets_prefiltered: 100,
            packets_dropped_interface: 3,
            ..Counts::default()
        };
        assert!(teller.account(1, told));
    };
    let steps = vec![
        Step::Frames(conversations(100).collect()),
        Step::Lost(7),
        Step::Do(Box::new(tell)),
    ];
    let summary = play(steps, &settings(2), &keep, &control);
    let counts = summary.expect("a run").counts;
    let got = keep.got();
    got.check(&counts);
    assert_eq!(
        (counts.packets_seen, counts.packets_prefiltered),
        (200, 100)
    );
    assert_eq!(counts.packets_dropped_kernel, 7);
    assert_eq!(counts.packets_dropped_interface, 3);
    let store = (counts.rows_dropped_store, counts.packets_dropped_store);
    assert_eq!(store, (5, 50));
    assert!(!control.account(1, Counts::default()), "it is over");
}

#[test]
fn every_interval_has_a_row_for_every_interface() {
    let keep = Keep::default();
    play(vec![], &settings(2), &keep, &Control::default()).expect("a run");
    let got = keep.got();
    let starts = got.intervals.iter().map(|row| row.start_ns / INTERVAL_NS);
    // A minute may end meanwhile.
    let interfaces: BTreeSet<u16> = got.intervals.iter().map(|row| row.interface).collect();
    assert_eq!(interfaces, BTreeSet::from([0, 1]));
    assert!(starts.min().is_some_and(|minutes| minutes > 20_000_000));
}

#[test]
fn a_worker_that_dies_ends_the_run() {
    for workers in [1, 2, 4] {
        let keep = Keep {
            panics: true,
            ..Keep::default()
        };
        let mut steps = portions(conversations(8000).collect());
        steps.push(forever());
        let outcome = play(steps, &settings(workers), &keep, &Control::default());
        assert!(matches!(outcome, Err(RunError::WorkerFailed)));
    }
}
