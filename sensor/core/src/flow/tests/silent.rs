//! Live: records are written in time, packet or none, and nothing is counted twice or lost by it.

use super::super::{FlowLimits, Shard};
use super::build::{End, LIMITS, Row, SECOND, Stream, UDP, host, level};
use crate::source::Bytes;

const LIVE: FlowLimits = FlowLimits {
    idle_ns: 100 * SECOND,
    cut_silent: true,
    ..LIMITS
};
const INSIDE: End = (host(1), 40_000);
const OUTSIDE: End = (host(200), 443);

/// Records with start, end, packets, number and reason, as one packet each is sent at `sent` and time passes
/// in between, one second a step, up to `until`.
fn records(
    limits: FlowLimits,
    sent: &[u64],
    until: u64,
) -> Vec<(i64, i64, u64, u32, &'static str)> {
    let mut shard = Shard::new(limits, ()).expect("room for flows");
    let mut stream = Stream::default();
    for second in 0..=until {
        if sent.contains(&second) {
            let packet = stream.packet(second as i64 * SECOND, &level(UDP, INSIDE, OUTSIDE));
            shard.take(&[packet], Bytes::default());
        }
        shard.expire(second * SECOND.unsigned_abs());
    }
    while shard.finish(until * SECOND.unsigned_abs(), 7) {}
    let rows = shard.records().iter().map(Row::of);
    rows.map(|row| {
        let packets = row.packets.0 + row.packets.1;
        let times = (row.start_ns / SECOND, row.end_ns / SECOND);
        (times.0, times.1, packets, row.record, row.reason)
    })
    .collect()
}

#[test]
fn a_silent_flow_is_written_when_the_active_timeout_is_over() {
    assert_eq!(records(LIVE, &[0, 1], 40), [(0, 1, 2, 0, "active")]);
}

#[test]
fn it_goes_on_in_the_next_record() {
    assert_eq!(
        records(LIVE, &[0, 1, 50, 51], 60),
        [(0, 1, 2, 0, "active"), (50, 51, 2, 1, "end")]
    );
}

#[test]
fn a_flow_that_ends_after_it_writes_nothing_more() {
    assert_eq!(records(LIVE, &[0], 200), [(0, 0, 1, 0, "active")]);
}

#[test]
fn the_idle_timeout_counts_from_the_last_packet() {
    let limits = FlowLimits {
        idle_ns: 40 * SECOND,
        ..LIVE
    };
    assert_eq!(
        records(limits, &[0, 55], 60),
        [(0, 0, 1, 0, "active"), (55, 55, 1, 0, "end")],
        "another flow by then"
    );
}

#[test]
fn a_replay_waits_for_the_packet() {
    let replay = FlowLimits {
        cut_silent: false,
        ..LIVE
    };
    assert_eq!(records(replay, &[0, 1], 40), [(0, 1, 2, 0, "end")]);
}
