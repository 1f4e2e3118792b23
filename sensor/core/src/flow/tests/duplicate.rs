//! Packets delivered twice.

use super::super::duplicate::Duplicates;
use super::super::{FlowLimits, Packet};
use super::build::{LIMITS, SECOND, UDP, host, level, packet, replay};

const MILLISECOND: i64 = SECOND / 1000;

#[test]
fn the_window_is_inclusive_and_holds_both_ways() {
    let mut duplicates = Duplicates::new(10 * MILLISECOND);
    assert!(!duplicates.seen(7, 0));
    assert!(duplicates.seen(7, 10 * MILLISECOND));
    assert!(!duplicates.seen(7, 20 * MILLISECOND + 1), "too late");
    assert!(duplicates.seen(7, 11 * MILLISECOND), "out of order");
    assert!(!duplicates.seen(8, 11 * MILLISECOND), "other bytes");
}

#[test]
fn times_at_the_ends_are_no_trouble() {
    let mut duplicates = Duplicates::new(i64::MAX);
    assert!(!duplicates.seen(7, i64::MIN));
    assert!(!duplicates.seen(7, i64::MAX));
    assert!(duplicates.seen(7, i64::MAX - 1));
}

/// The same bytes at these milliseconds.
fn same_bytes(milliseconds: &[i64]) -> Vec<Packet> {
    let one = packet(&level(UDP, (host(1), 10), (host(200), 20)));
    milliseconds
        .iter()
        .map(|time| Packet {
            time_ns: time * MILLISECOND,
            ..one
        })
        .collect()
}

#[test]
fn duplicates_are_counted_and_by_default_kept() {
    let (rows, counters) = replay(LIMITS, &same_bytes(&[0, 5, 30, 31]), &[(4, true)]);
    assert_eq!(counters.packets_duplicate, 2);
    assert_eq!(rows[0].packets, (4, 0));
}

#[test]
fn duplicates_are_dropped_by_setting() {
    let limits = FlowLimits {
        drop_duplicates: true,
        ..LIMITS
    };
    let (rows, counters) = replay(limits, &same_bytes(&[0, 5, 30, 31]), &[(4, true)]);
    assert_eq!(counters.packets_duplicate, 2);
    assert_eq!(rows[0].packets, (2, 0));
    assert_eq!(rows[0].end_ns, 30 * MILLISECOND);
}

#[test]
fn fingerprints_tell_bytes_and_lengths_apart() {
    let print = |bytes: &[u8]| {
        let mut one = packet(&level(UDP, (host(1), 10), (host(200), 20)));
        one.set_fingerprint(bytes);
        one.fingerprint
    };
    let mut long = vec![0; 1500];
    let first = print(&long);
    assert_eq!(first, print(&vec![0; 1500]));
    assert_ne!(first, print(&vec![0; 1499]));
    // The headers in front and what stands at the end.
    for place in [0, 10, 15, 16, 40, 95, 1468, 1484, 1499] {
        long[place] = 1;
        assert_ne!(first, print(&long), "byte {place}");
        long[place] = 0;
    }
    for length in 0..=128 {
        let zeros = vec![0; length];
        for place in 0..length {
            let mut other = zeros.clone();
            other[place] = 1;
            assert_ne!(print(&zeros), print(&other), "byte {place} of {length}");
        }
    }
}
