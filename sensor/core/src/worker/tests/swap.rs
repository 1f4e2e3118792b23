//! Other rules in the middle of a stream.

use std::sync::Arc;

use super::capture::conversations;
use super::feed::{Got, Keep, Step, play, portions};
use crate::batch::Labels;
use crate::counters::Counts;
use crate::pipeline::Settings;
use crate::pipeline::tests::settings;
use crate::watch::{Prefix, Watch};
use crate::worker::Control;

/// Blocks in 10.0.0.0/24 by the last byte of their address and the length of their prefix.
fn rules(blocks: &[(&str, u128, u8)]) -> (Arc<Watch>, Arc<Labels>) {
    let prefixes: Vec<Prefix> = (0..)
        .zip(blocks)
        .map(|(block, &(_, last, length))| Prefix {
            address: 0xffff_0a00_0000 | last,
            length: 96 + length,
            block,
            valid_from_ns: i64::MIN,
            valid_until_ns: i64::MAX,
        })
        .collect();
    let labels = Labels {
        blocks: blocks.iter().map(|(name, ..)| (*name).to_owned()).collect(),
        ..Labels::default()
    };
    let watch = Watch::new(&prefixes).expect("a plan");
    (Arc::new(watch), Arc::new(labels))
}

fn with(workers: usize, blocks: &[(&str, u128, u8)]) -> Settings {
    let (watch, labels) = rules(blocks);
    Settings {
        watch,
        labels,
        ..settings(workers)
    }
}

const BEFORE: [(&str, u128, u8); 3] = [("kept", 0, 26), ("gone", 64, 26), ("renamed", 128, 26)];
const AFTER: [(&str, u128, u8); 4] = [
    ("begun", 192, 26),
    ("other", 128, 26),
    ("kept", 0, 26),
    ("within", 32, 27),
];
const FRAMES: u32 = 12_000;

/// Replays conversations with so many changes to and fro, at the same places of the stream.
fn swapped(workers: usize, changes: usize) -> (Got, Counts) {
    let control = Arc::new(Control::default());
    let frames: Vec<_> = conversations(FRAMES).collect();
    let mut steps = Vec::new();
    for (number, part) in frames.chunks(frames.len() / (changes + 1)).enumerate() {
        if number > 0 {
            let control = Arc::clone(&control);
            let (watch, labels) = if number % 2 == 0 {
                rules(&BEFORE)
            } else {
                rules(&AFTER)
            };
            steps.push(Step::Do(Box::new(move || {
                control.swap(watch, labels, Arc::default());
            })));
        }
        steps.extend(portions(part.to_vec()));
    }
    let keep = Keep::default();
    let summary = play(steps, &with(workers, &BEFORE), &keep, &control);
    let counts = summary.expect("a run").counts;
    let mut got = std::mem::take(&mut *keep.got());
    got.check(&counts);
    got.rows.sort();
    (got, counts)
}

#[test]
fn rows_do_not_depend_on_the_number_of_workers() {
    for changes in [1, 5, 100] {
        let (alone, counts) = swapped(1, changes);
        assert_eq!(counts.packets_seen, u64::from(FRAMES));
        for workers in [2, 4] {
            let (together, sum) = swapped(workers, changes);
            assert!(alone.rows == together.rows, "{workers} workers");
            let hosts = alone.merged_hosts();
            assert!(hosts == together.merged_hosts(), "{workers} workers");
            assert!(!hosts.is_empty());
            assert_eq!(counts, sum);
        }
    }
}

#[test]
fn a_block_of_the_same_name_keeps_its_flows_and_others_are_cut() {
    let (got, _) = swapped(1, 1);
    let (all, _) = swapped(1, 0);
    let of = |got: &Got, name: &str| -> Vec<_> {
        let rows = got.rows.iter();
        rows.filter(|(_, block, _)| block.as_deref() == Some(name))
            .map(|(row, ..)| {
                let mut row = row.clone();
                // The same block under another number.
                row.blocks = (None, None);
                row
            })
            .collect()
    };
    let below_32 = |rows: Vec<crate::flow::tests::build::Row>| {
        let rows = rows.into_iter();
        rows.filter(|row| row.inside.0 & 0xff < 32)
            .collect::<Vec<_>>()
    };
    let kept = below_32(of(&got, "kept"));
    assert!(kept.len() > 100);
    assert_eq!(kept, below_32(of(&all, "kept")));
    assert!(of(&got, "renamed").iter().any(|row| row.reason == "end"));
    for (name, first) in [("begun", 192), ("other", 128), ("within", 32)] {
        let rows = of(&got, name);
        assert!(!rows.is_empty());
        assert!(rows.iter().all(|row| row.inside.0 & 0xff >= first));
    }
    let ends = of(&got, "gone");
    let half_ns = i64::from(FRAMES / 2) * 20 * 1_000_000;
    assert!(ends.iter().all(|row| row.end_ns < half_ns));
}
