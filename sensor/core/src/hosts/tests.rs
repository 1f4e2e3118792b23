//! Rows of hosts against what the packets themselves say.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Day, HostLimits, HostRow, Hosts, WRITE_EVERY_NS};
use crate::decode::{Fragment, Level};
use crate::flow::tests::build::{
    ACK, FIN, LIMITS, RST, SECOND, SYN, Stream, TCP, UDP, fragment, host, level, replay,
};
use crate::flow::{Flow, Mark, Observer, Packet, Shard};
use crate::source::Bytes;
use crate::watch::BlockRef;

const ICMP: u8 = 1;
const MIDNIGHT: i64 = 17_303 * 86_400 * SECOND;
const OUTSIDE: u128 = 0xffff_0808_08c8;

/// Everything that can be told from packets alone: day, block, version and address; then first, last, flows.
type Key = (i32, Option<u32>, u8, u128);
type Facts = (i64, i64, u64, BTreeSet<u8>);

fn key(row: &HostRow) -> Key {
    (row.day, row.block.index(), row.version, row.inside)
}

/// Rows as a reader merges them.
fn merged(rows: &[HostRow]) -> BTreeMap<Key, Facts> {
    let mut all: BTreeMap<Key, Facts> = BTreeMap::new();
    for row in rows {
        assert!(row.ttls.is_sorted() && !row.ttls.is_empty());
        let facts = all.entry(key(row)).or_insert_with(nothing);
        facts.0 = facts.0.min(row.first_ns);
        facts.1 = facts.1.max(row.last_ns);
        facts.2 += row.flows;
        facts.3.extend(&row.ttls);
    }
    all
}

fn nothing() -> Facts {
    (i64::MAX, i64::MIN, 0, BTreeSet::new())
}

/// The same from the packets, with the flows as the table of flows has them.
fn told_by_packets(packets: &[Packet]) -> BTreeMap<Key, Facts> {
    let mut all: BTreeMap<Key, Facts> = BTreeMap::new();
    for packet in packets {
        let (block, inside, sent) = match (packet.low_block, packet.high_block) {
            (low, BlockRef::NONE) => (low, packet.key.low(), packet.forward),
            (BlockRef::NONE, high) => (high, packet.key.high(), !packet.forward),
            _ => continue,
        };
        let day = Day::of(packet.time_ns).number();
        let version = packet.key.version();
        let facts = all
            .entry((day, block.index(), version, inside))
            .or_insert_with(nothing);
        facts.0 = facts.0.min(packet.time_ns);
        facts.1 = facts.1.max(packet.time_ns);
        if sent {
            facts.3.insert(packet.ttl);
        }
    }
    let (flows, _) = replay(LIMITS, packets, &[(usize::MAX, true)]);
    for row in flows
        .iter()
        .filter(|row| row.record == 0 && row.blocks.1.is_none())
    {
        let day = Day::of(row.start_ns).number();
        // Which version it was does not stand in a row: the tests have one for each address.
        let version = version_of(row.inside.0);
        if let Some(facts) = all.get_mut(&(day, row.blocks.0, version, row.inside.0)) {
            facts.2 += 1;
        }
    }
    all.retain(|_, facts| !facts.3.is_empty());
    all
}

const fn version_of(inside: u128) -> u8 {
    if inside.is_multiple_of(2) { 6 } else { 4 }
}

/// Nobody looks at payload; evidence is gathered.
struct Gathering(Hosts);

impl Observer for Gathering {
    fn begin(&mut self, _: &Flow, _: &Packet, _: &[u8]) -> Mark {
        Mark::NONE
    }

    fn look(&mut self, _: &Flow, _: &Packet, _: &[u8]) -> Mark {
        Mark::NONE
    }

    fn about_to_count(&mut self, flow: &Flow, packet: &Packet) {
        self.0.about_to_count(flow, packet);
    }

    fn note(&mut self, flow: &Flow, _: bool) -> Mark {
        self.0.record(flow, None);
        Mark::NONE
    }
}

/// The rows of so many shards, swept and flushed every few packets; each flush an hour later if `hourly`.
fn gather(
    packets: &[Packet],
    shards: usize,
    limits: HostLimits,
    flush: Option<bool>,
) -> Vec<HostRow> {
    let mut rows = Vec::new();
    for number in 0..shards {
        let gathering = Gathering(Hosts::new(limits));
        let mut shard = Shard::new(LIMITS, gathering).expect("room");
        let mut clock_ns = 0;
        for (piece, packets) in packets.chunks(5 + 3 * shards).enumerate() {
            let placed = packets
                .iter()
                .filter(|packet| packet.placement() as usize % shards == number);
            shard.take(&placed.copied().collect::<Vec<_>>(), Bytes::default());
            clock_ns = packets.last().map_or(clock_ns, |packet| packet.clock_ns);
            shard.expire(clock_ns);
            let hours = piece as u64 * WRITE_EVERY_NS;
            let hosts = &mut shard.observer().0;
            hosts.expire(if flush == Some(true) { hours } else { clock_ns });
            if flush.is_some() {
                hosts.flush();
            }
        }
        while shard.finish(clock_ns, 7) {}
        shard.observer().0.close();
        rows.extend(shard.observer().0.take_rows(0));
    }
    rows.sort_by_key(key);
    rows
}

/// Who sends to whom; what; seconds since the one before, and how far its own clock is off; time to live.
type Sent = ((usize, usize, u16, u16, bool), (u8, u8), (i64, i64), u8);

/// Packets of few hosts about midnight, some of them long before or after the others.
fn packets(only_out: bool) -> impl Strategy<Value = Vec<Packet>> {
    let ends = (0..4_usize, 0..4_usize, 0..3_u16, 0..2_u16, any::<bool>());
    let kind = (
        0..4_u8,
        prop::sample::select(vec![SYN, ACK, FIN | ACK, RST]),
    );
    let time = (0..9_i64, -40..40_i64);
    vec(
        (
            ends,
            kind,
            time,
            prop::sample::select(vec![64_u8, 64, 64, 63, 0, 255]),
        ),
        1..120,
    )
    .prop_map(move |sent| {
        let mut stream = Stream::default();
        let mut now_ns = MIDNIGHT - 60 * SECOND;
        let packet = |((from, to, port, other, back), (kind, flags), (step, jump), ttl): Sent| {
            let insides = [host(1), host(2), host(10), host(11)];
            let inside: u128 = insides[from];
            // The last two are another inside host, of the same version.
            let outside = match to {
                2 if !only_out => insides[(from + 2) % 4],
                _ => OUTSIDE + to as u128,
            };
            let (mut source, mut destination) = ((inside, 1000 + port), (outside, 80 + other));
            if back && !only_out {
                (source, destination) = (destination, source);
            }
            now_ns += step * SECOND;
            // One in many has a time of its own.
            let time_ns = if jump > 35 {
                now_ns - jump * 3600 * SECOND
            } else {
                now_ns + jump * SECOND / 8
            };
            let base = match kind {
                0 => level(TCP, source, destination),
                1 => level(ICMP, (source.0, 8), (destination.0, 0)),
                2 => fragment(
                    level(UDP, source, destination),
                    Fragment::Later,
                    port.into(),
                ),
                _ => level(UDP, source, destination),
            };
            let level = Level {
                ttl,
                tcp_flags: if kind == 0 { flags } else { 0 },
                version: version_of(inside),
                ..base
            };
            stream.packet(time_ns, &level)
        };
        sent.into_iter().map(packet).collect()
    })
}

proptest! {
    #[test]
    fn rows_say_what_the_packets_say_for_any_number_of_shards(packets in packets(false)) {
        let expected = told_by_packets(&packets);
        let alone = gather(&packets, 1, HostLimits::default(), None);
        prop_assert_eq!(alone.len(), expected.len());
        prop_assert_eq!(&merged(&alone), &expected);
        for shards in 2..5 {
            prop_assert_eq!(&gather(&packets, shards, HostLimits::default(), None), &alone);
        }
    }

    #[test]
    fn rows_written_on_the_way_merge(packets in packets(true), hourly in any::<bool>()) {
        let expected = told_by_packets(&packets);
        let rows = gather(&packets, 1, HostLimits::default(), Some(hourly));
        prop_assert!(rows.len() >= expected.len());
        prop_assert_eq!(merged(&rows), expected);
    }

    #[test]
    fn rows_written_for_lack_of_room_merge(packets in packets(true), max_hosts in 1..4_usize) {
        let limits = HostLimits { max_hosts, ..HostLimits::default() };
        let mut rows = merged(&gather(&packets, 1, limits, None));
        let mut expected = told_by_packets(&packets);
        // Of a record over midnight whose first day is already written, the flow has no row to be counted in.
        for (key, facts) in &mut expected {
            prop_assert!(rows.get(key).is_some_and(|row| row.2 <= facts.2));
            facts.2 = 0;
        }
        for row in rows.values_mut() {
            row.2 = 0;
        }
        prop_assert_eq!(rows, expected);
    }
}

/// Packets at these seconds about midnight, each out or back, with a time to live.
fn talk(sent: &[(i64, bool, u8)]) -> Vec<Packet> {
    let mut stream = Stream::default();
    let ends = ((host(1), 1000), (OUTSIDE, 443));
    let packet = |&(second, out, ttl): &(i64, bool, u8)| {
        let (from, to) = if out { ends } else { (ends.1, ends.0) };
        let level = Level {
            ttl,
            ..level(UDP, from, to)
        };
        stream.packet(MIDNIGHT + second * SECOND, &level)
    };
    sent.iter().map(packet).collect()
}

#[test]
fn a_record_over_midnight_is_split_where_the_day_ends() {
    let packets = talk(&[
        (-4, true, 64),
        (-1, false, 50),
        (1, true, 63),
        (3, true, 64),
        (2, false, 50),
    ]);
    let rows = gather(&packets, 1, HostLimits::default(), None);
    let day = |row: &HostRow| {
        let seconds = [row.first_ns, row.last_ns].map(|time_ns| (time_ns - MIDNIGHT) / SECOND);
        (row.day, seconds, row.flows, row.ttls.clone())
    };
    assert_eq!(
        rows.iter().map(day).collect::<Vec<_>>(),
        [
            (17_302, [-4, -1], 1, vec![64]),
            (17_303, [1, 3], 0, vec![63, 64])
        ]
    );
}

#[test]
fn who_sends_nothing_is_no_host() {
    let rows = gather(
        &talk(&[(1, false, 64), (2, false, 64)]),
        1,
        HostLimits::default(),
        None,
    );
    assert_eq!(rows, []);
}

#[test]
fn a_scan_does_not_drive_out_the_hosts() {
    let mut stream = Stream::default();
    let mut packets = talk(&[(0, true, 64)]);
    for number in 2..9 {
        let level = level(UDP, (OUTSIDE, 53), (host(number), 53));
        packets.push(stream.packet(MIDNIGHT + SECOND, &level));
    }
    packets.extend(talk(&[(2, true, 65), (40, true, 66)]));
    let limits = HostLimits {
        max_hosts: 2,
        ..HostLimits::default()
    };
    let rows = gather(&packets, 1, limits, None);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].ttls, [64, 65, 66]);
}
