//! No more flows than there is room for.

use super::super::{FlowLimits, Shard};
use super::build::{LIMITS, Row, SECOND, Stream, UDP, host, level, replay};
use crate::decode::Level;
use crate::source::Bytes;

/// Few places, and nothing ends by itself.
const CROWDED: FlowLimits = FlowLimits {
    idle_ns: 1_000_000 * SECOND,
    active_ns: 1_000_000 * SECOND,
    max_flows: 64,
    ..LIMITS
};

fn flow(port: u16) -> Level {
    level(UDP, (host(1), port), (host(200), 53))
}

#[test]
fn the_longest_idle_go_first() {
    let mut stream = Stream::default();
    let mut shard = Shard::new(CROWDED, ()).expect("room");
    let mut send = |shard: &mut Shard<()>, second: i64, port| {
        shard.take(
            &[stream.packet(second * SECOND, &flow(port))],
            Bytes::default(),
        );
    };
    for port in 0..64 {
        send(&mut shard, i64::from(port), port);
    }
    // The two oldest speak again; the next ones make room, one for each that comes.
    send(&mut shard, 100, 0);
    send(&mut shard, 100, 1);
    assert!(shard.records().is_empty());
    send(&mut shard, 101, 1000);
    send(&mut shard, 102, 1001);
    let mut evicted: Vec<Row> = shard.records().iter().map(Row::of).collect();
    evicted.sort();
    let ports: Vec<u16> = evicted.iter().map(|row| row.inside.1).collect();
    assert_eq!(ports, [2, 3]);
    assert!(evicted.iter().all(|row| row.reason == "evicted"));
    assert_eq!(shard.live_flows(), 64);
    assert_eq!(shard.counters().flows_evicted, 2);
}

#[test]
fn nothing_is_lost_whatever_the_room() {
    for max_flows in [0, 1, 2, 15, 16, 17, 64, 1000] {
        let limits = FlowLimits {
            max_flows,
            ..CROWDED
        };
        let mut stream = Stream::default();
        let packets: Vec<_> = (0..2000_u16)
            .map(|number| {
                let port = number.wrapping_mul(7919) % 150;
                stream.packet(i64::from(number) * SECOND / 100, &flow(port))
            })
            .collect();
        let (rows, counters) = replay(limits, &packets, &[(100, true)]);
        let sum: u64 = rows.iter().map(|row| row.packets.0).sum();
        assert_eq!(sum, 2000);
        assert_eq!(counters.flows_created, rows.len() as u64);
        assert_eq!(
            counters.flows_expired + counters.flows_evicted,
            counters.flows_created
        );
        assert_eq!(counters.flows_evicted == 0, max_flows >= 150);
    }
}

#[test]
fn a_tuple_seen_again_after_eviction_is_a_new_flow() {
    let limits = FlowLimits {
        max_flows: 1,
        ..CROWDED
    };
    let mut stream = Stream::default();
    let packets =
        [(0, 1), (1, 2), (2, 1)].map(|(second, port)| stream.packet(second * SECOND, &flow(port)));
    let (rows, _) = replay(limits, &packets, &[(1, true)]);
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.inside.1, row.first_ns / SECOND, row.record, row.reason))
        .collect();
    assert_eq!(
        seen,
        [(1, 0, 0, "evicted"), (1, 2, 0, "end"), (2, 1, 0, "evicted")]
    );
}

#[test]
fn a_flood_drives_out_itself() {
    let mut stream = Stream::default();
    let mut shard = Shard::new(CROWDED, ()).expect("room");
    let mut take = |second: i64, level: &Level| {
        let packet = stream.packet(second * SECOND, level);
        shard.take(&[packet], Bytes::default());
        shard.records().len()
    };
    // One was answered, one has said a lot; both are silent from then on.
    take(0, &flow(1));
    take(0, &level(UDP, (host(200), 53), (host(1), 1)));
    for _ in 0..8 {
        take(0, &flow(2));
    }
    for port in 0..10_000 {
        take(1 + i64::from(port), &flow(100 + port));
    }
    let evicted = shard.records().iter().map(Row::of);
    let ports: Vec<u16> = evicted.map(|row| row.inside.1).collect();
    assert_eq!(ports.len(), 10_000 - 62);
    assert!(!ports.contains(&1) && !ports.contains(&2));
    assert!(ports.is_sorted(), "the longest idle go first");
}
