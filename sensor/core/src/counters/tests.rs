//! Counts by interval: nothing lost, whatever the times.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Accounting, Counts, INTERVAL_NS, Interval, MAX_HELD};
use crate::flow::ShardCounters;

/// Times near each other, near the edges of intervals, and at the ends of what a number holds.
fn time_ns() -> impl Strategy<Value = i64> {
    prop_oneof![
        0..5 * INTERVAL_NS,
        -2 * INTERVAL_NS..INTERVAL_NS,
        (-3_i64..3, -1_i64..2).prop_map(|(number, off)| number * INTERVAL_NS + off),
        (0..3 * INTERVAL_NS).prop_map(|back| i64::MAX - back),
        (0..3 * INTERVAL_NS).prop_map(|forth| i64::MIN + forth),
        any::<i64>(),
    ]
}

fn start_of(time_ns: i64) -> i64 {
    let start = i128::from(time_ns).div_euclid(i128::from(INTERVAL_NS)) * i128::from(INTERVAL_NS);
    // Time begins in the middle of an interval; that part belongs to the next.
    i64::try_from(start).unwrap_or(i64::MIN / INTERVAL_NS * INTERVAL_NS)
}

fn sum(rows: &[Interval]) -> Counts {
    let mut sum = Counts::default();
    for row in rows {
        sum.add(&row.counts);
    }
    sum
}

proptest! {
    #[test]
    fn every_frame_is_in_the_row_of_its_time(frames in vec((time_ns(), 0_u16..3, 1_u64..1500), 0..200)) {
        let mut accounting = Accounting::default();
        let mut expected: HashMap<(i64, u16), (u64, u64)> = HashMap::new();
        for &(time_ns, interface, bytes) in &frames {
            let counts = accounting.at(time_ns, interface);
            counts.packets_seen += 1;
            counts.bytes_seen += bytes;
            let row = expected.entry((start_of(time_ns), interface)).or_default();
            row.0 += 1;
            row.1 += bytes;
        }
        let rows = accounting.finish();
        prop_assert!(rows.is_sorted_by_key(|row| (row.start_ns, row.interface)));
        prop_assert_eq!(sum(&rows), accounting.total());
        let found: HashMap<_, _> = rows
            .iter()
            .map(|row| ((row.start_ns, row.interface), (row.counts.packets_seen, row.counts.bytes_seen)))
            .collect();
        prop_assert_eq!(found.len(), rows.len(), "one row each");
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn rows_are_written_when_there_are_many_and_none_is_lost() {
    let mut accounting = Accounting::default();
    let mut written = Vec::new();
    let frames = 3 * MAX_HELD;
    for round in 0..2 {
        for number in (0..).take(frames) {
            let time_ns = number * INTERVAL_NS + round;
            accounting.at(time_ns, 0).packets_seen += 1;
            written.append(accounting.full());
        }
    }
    assert!(written.len() >= 5 * MAX_HELD);
    written.extend(accounting.finish());
    assert_eq!(sum(&written).packets_seen, 2 * frames as u64);
    assert_eq!(accounting.total().packets_seen, 2 * frames as u64);
    assert!(accounting.finish().is_empty());
}

#[test]
fn a_capture_says_nothing_of_the_time_before_and_after_it() {
    let mut accounting = Accounting::default();
    let (from_ns, until_ns) = (INTERVAL_NS + 5, 3 * INTERVAL_NS + 7);
    accounting.begin(from_ns);
    for number in 0..4 {
        accounting.at(number * INTERVAL_NS + 6, 0).packets_seen += 1;
    }
    accounting.close(2 * INTERVAL_NS);
    let mut rows = std::mem::take(accounting.full());
    accounting.end(until_ns);
    rows.extend(accounting.finish());
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row.start_ns, row.length_ns))
        .collect();
    // A packet from before, as an adapter's clock may have it, is counted where it says it belongs.
    let expected = [
        (0, INTERVAL_NS),
        (from_ns, INTERVAL_NS - 5),
        (2 * INTERVAL_NS, INTERVAL_NS),
        (3 * INTERVAL_NS, 7),
    ];
    assert_eq!(found, expected);
    assert_eq!(sum(&rows).packets_seen, 4);
}

#[test]
fn a_clock_that_was_set_back_makes_no_interval_of_no_length() {
    let mut accounting = Accounting::default();
    accounting.begin(INTERVAL_NS + 50);
    accounting.at(INTERVAL_NS + 60, 0).packets_seen += 1;
    accounting.end(INTERVAL_NS + 20);
    let rows = accounting.finish();
    assert_eq!(rows[0].start_ns, INTERVAL_NS + 50);
    assert_eq!(rows[0].length_ns, INTERVAL_NS - 50);
}

#[test]
fn what_a_shard_did_is_the_difference_of_its_counters() {
    let before = ShardCounters {
        flows_created: 5,
        flows_expired: 3,
        flows_evicted: 1,
        packets_duplicate: 7,
        datagrams_evicted: 2,
    };
    let after = ShardCounters {
        flows_created: 15,
        flows_expired: 5,
        flows_evicted: 4,
        packets_duplicate: 7,
        datagrams_evicted: 2,
    };
    let mut counts = Counts {
        flows_created: 1,
        ..Counts::default()
    };
    counts.add_shard(&before, &after);
    let expected = Counts {
        flows_created: 11,
        flows_expired: 2,
        flows_evicted: 3,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}
