//! Other rules while flows and fragments are under way.

use super::super::{Packet, Shard};
use super::build::{ACK, LIMITS, RST, Row, SECOND, UDP, fragment, host, level, packets, segment};
use crate::decode::{Fragment, Level};
use crate::source::Bytes;
use crate::watch::BlockRef;

/// Block 0 gets the number 7, block 1 is gone, and nothing else is watched.
fn renew(_: u8, _: u128, old: BlockRef) -> Option<BlockRef> {
    match old.index() {
        None => Some(BlockRef::NONE),
        Some(0) => Some(BlockRef::new(7)),
        Some(_) => None,
    }
}

/// What packets look like under the new rules.
fn under_new_rules(mut packets: Vec<Packet>) -> Vec<Packet> {
    let after = |old: BlockRef| renew(4, 0, old).unwrap_or(BlockRef::NONE);
    for packet in &mut packets {
        packet.low_block = after(packet.low_block);
        packet.high_block = after(packet.high_block);
    }
    packets
}

/// Records of packets before and after a change.
fn changed(sent: &[(i64, Level)], before: usize) -> Vec<Row> {
    let mut shard = Shard::new(LIMITS, ()).expect("room for flows");
    let mut earlier = packets(sent);
    let later = under_new_rules(earlier.split_off(before));
    shard.take(&earlier, Bytes::default());
    let clock_ns = later.first().map_or(0, |packet| packet.clock_ns);
    shard.rematch_fragments(clock_ns, &renew);
    let mut first = 0;
    while shard.rematch_flows(first, 1, clock_ns, &renew) {
        first += 1;
    }
    shard.take(&later, Bytes::default());
    let end_ns = later.last().map_or(clock_ns, |packet| packet.clock_ns);
    while shard.finish(end_ns, 100) {}
    let counters = shard.counters();
    assert_eq!(counters.flows_created, counters.flows_expired);
    let mut rows: Vec<Row> = shard.records().iter().map(Row::of).collect();
    rows.sort();
    let counted: u64 = rows.iter().map(|row| row.packets.0 + row.packets.1).sum();
    assert_eq!(counted, sent.len() as u64);
    rows
}

const OUTSIDE: (u128, u16) = (host(200), 53);

#[test]
fn flows_of_the_same_block_go_on_and_others_are_cut() {
    let kept = level(UDP, (host(1), 1000), OUTSIDE);
    let cut = level(UDP, (host(10), 1000), OUTSIDE);
    let rows = changed(&[(0, kept), (0, cut), (1, kept)], 2);
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.blocks.0, row.packets.0, row.reason))
        .collect();
    assert_eq!(seen, [(Some(7), 2, "end"), (Some(1), 1, "end")]);
}

#[test]
fn what_is_over_anyway_ends_for_its_own_reason() {
    let idle = level(UDP, (host(10), 1000), OUTSIDE);
    let closed = segment((host(11), 1000), OUTSIDE, RST | ACK, 0);
    let still = level(UDP, (host(1), 1000), OUTSIDE);
    let late = LIMITS.idle_ns / SECOND + 6;
    let rows = changed(&[(0, idle), (late, closed), (late, still)], 2);
    let reasons: Vec<_> = rows.iter().map(|row| row.reason).collect();
    assert_eq!(reasons, ["end", "idle", "rst"]);
}

#[test]
fn fragments_wait_on_under_the_same_block_and_count_at_once_under_another() {
    for (inside, packets_with_ports) in [(host(1), 2), (host(10), 0)] {
        let whole = level(UDP, (inside, 1000), OUTSIDE);
        let later = fragment(whole, Fragment::Later, 5);
        let first = fragment(whole, Fragment::First, 5);
        // The inside of a block that is gone sends no more that is watched.
        let sent: &[_] = if packets_with_ports > 0 {
            &[(0, later), (1, first)]
        } else {
            &[(0, later)]
        };
        let rows = changed(sent, 1);
        assert_eq!(rows.len(), 1);
        let ports = if packets_with_ports > 0 { 1000 } else { 0 };
        assert_eq!(rows[0].inside, (inside, ports));
        assert_eq!(rows[0].packets.0, sent.len() as u64);
    }
}

#[test]
fn a_first_fragment_gives_its_new_block_to_those_behind_it() {
    let whole = level(UDP, (host(1), 1000), OUTSIDE);
    let rows = changed(
        &[
            (0, fragment(whole, Fragment::First, 5)),
            (1, fragment(whole, Fragment::Later, 5)),
        ],
        1,
    );
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].blocks.0, rows[0].packets.0), (Some(7), 2));
}
