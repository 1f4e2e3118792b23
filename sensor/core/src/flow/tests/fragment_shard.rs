//! Fragments inside a shard: all are counted, and records do not depend on how packets are handed over.

use proptest::collection::vec;
use proptest::prelude::*;

use super::build::{
    ESP, LIMITS, SECOND, Stream, UDP, fragment, host, level, packets, replay, rows,
};
use super::shard::{cuts, step_ns};
use crate::decode::{Fragment, Level};

/// Fragments and whole packets of few flows, some of them without ports by nature.
fn packet() -> impl Strategy<Value = (i64, Level)> {
    let kind = prop_oneof![
        1 => Just(Fragment::Whole),
        1 => Just(Fragment::First),
        2 => Just(Fragment::Later),
    ];
    let times = prop_oneof![step_ns(), 0..12 * SECOND];
    (times, any::<bool>(), any::<bool>(), 0_u32..3, kind).prop_map(
        |(step_ns, goes_out, has_ports, id, kind)| {
            let mut ends = [(host(1), 1000), (host(200), 2000)];
            if !has_ports {
                ends = ends.map(|(address, _)| (address, 0));
            }
            if !goes_out {
                ends.reverse();
            }
            let protocol = if has_ports { UDP } else { ESP };
            (
                step_ns,
                fragment(level(protocol, ends[0], ends[1]), kind, id),
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn records_do_not_depend_on_portions_and_sweeps(steps in vec(packet(), 0..150), cuts in cuts()) {
        let mut stream = Stream::default();
        let mut time_ns = 0_i64;
        let packets: Vec<_> = steps
            .iter()
            .map(|(step_ns, level)| {
                time_ns = time_ns.saturating_add(*step_ns);
                stream.packet(time_ns, level)
            })
            .collect();
        let (each, counters) = replay(LIMITS, &packets, &[(1, true)]);
        let (at_once, _) = replay(LIMITS, &packets, &[(usize::MAX, false)]);
        let (by_chance, _) = replay(LIMITS, &packets, &cuts);
        prop_assert_eq!(&each, &at_once);
        prop_assert_eq!(&each, &by_chance);
        let counted: u64 = each.iter().map(|row| row.packets.0 + row.packets.1).sum();
        prop_assert_eq!(counted, packets.len() as u64);
        prop_assert_eq!(counters.flows_created, counters.flows_expired);
    }
}

#[test]
fn a_datagram_is_one_flow_in_any_order() {
    let whole = level(UDP, (host(1), 1000), (host(200), 2000));
    let (first, later) = (
        fragment(whole, Fragment::First, 5),
        fragment(whole, Fragment::Later, 5),
    );
    for order in [
        [first, later, later],
        [later, first, later],
        [later, later, first],
    ] {
        let rows = rows(&packets(&order.map(|level| (0, level))));
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].packets, rows[0].bytes), ((3, 0), (300, 0)));
        assert_eq!((rows[0].inside.1, rows[0].outside.1), (1000, 2000));
    }
}

#[test]
fn without_a_first_fragment_ports_are_zero_and_times_its_own() {
    let whole = level(UDP, (host(1), 1000), (host(200), 2000));
    let later = fragment(whole, Fragment::Later, 5);
    let rows = rows(&packets(&[(0, whole), (1, later), (40, whole)]));
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.inside.1, row.outside.1, row.start_ns / SECOND))
        .collect();
    assert_eq!(seen, [(0, 0, 1), (1000, 2000, 0), (1000, 2000, 40)]);
}
