//! Single rules of flows and records, one by one.

use super::super::{EndReason, Flow, Shard};
use super::build::{
    ACK, End, FIN, LIMITS, RST, Row, SECOND, SYN, Stream, UDP, host, level, packets, replay, rows,
    segment,
};
use crate::decode::Level;
use crate::source::Bytes;
use crate::watch::BlockRef;

const INSIDE: End = (host(1), 40_000);
const OUTSIDE: End = (host(200), 443);

fn out(flags: u8, payload: u32) -> Level {
    segment(INSIDE, OUTSIDE, flags, payload)
}

fn back(flags: u8, payload: u32) -> Level {
    segment(OUTSIDE, INSIDE, flags, payload)
}

/// What is compared most: start second, packets, record number, reason.
fn brief(rows: &[Row]) -> Vec<(i64, u64, u32, &'static str)> {
    rows.iter()
        .map(|row| {
            let packets = row.packets.0 + row.packets.1;
            (row.start_ns / SECOND, packets, row.record, row.reason)
        })
        .collect()
}

#[test]
fn a_connection_from_syn_to_fin_is_one_record() {
    let rows = rows(&packets(&[
        (0, out(SYN, 0)),
        (0, back(SYN | ACK, 0)),
        (1, out(ACK, 10)),
        (1, back(FIN | ACK, 20)),
        (2, out(FIN | ACK, 0)),
        (2, back(ACK, 0)),
    ]));
    assert_eq!(brief(&rows), [(0, 6, 0, "fin")]);
    let row = &rows[0];
    assert_eq!((row.inside, row.outside), (INSIDE, OUTSIDE));
    assert_eq!((row.packets, row.bytes), ((3, 3), (300, 300)));
    assert_eq!(row.tcp_flags, (SYN | ACK | FIN, SYN | ACK | FIN));
    assert_eq!((row.initiator.as_str(), row.answered), ("inside", true));
    assert_eq!(row.blocks, (Some(0), None));
}

#[test]
fn who_began_and_whether_it_was_answered() {
    let cases = [
        (vec![out(SYN, 0)], "inside", false),
        (vec![back(SYN, 0)], "outside", false),
        (vec![out(SYN, 0), back(RST | ACK, 0)], "inside", false),
        (vec![out(SYN, 0), back(SYN | ACK, 0)], "inside", true),
        (vec![back(SYN | ACK, 0)], "inside", true),
        (vec![out(ACK, 0), back(ACK, 0)], "unknown", false),
        (vec![out(ACK, 9), back(ACK, 0)], "unknown", false),
        (vec![out(ACK, 9), back(ACK, 9)], "unknown", true),
        (vec![level(UDP, INSIDE, OUTSIDE)], "inside", false),
        (vec![level(UDP, OUTSIDE, INSIDE)], "outside", false),
        (
            vec![level(UDP, OUTSIDE, INSIDE), level(UDP, INSIDE, OUTSIDE)],
            "outside",
            true,
        ),
    ];
    for (levels, initiator, answered) in cases {
        let sent: Vec<_> = levels.iter().map(|&level| (0, level)).collect();
        let rows = rows(&packets(&sent));
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0].initiator.as_str(), rows[0].answered),
            (initiator, answered),
            "{levels:?}"
        );
    }
}

#[test]
fn between_two_watched_ends_inside_is_who_began() {
    let (low, high) = ((host(1), 5), (host(10), 6));
    for (levels, inside) in [
        (segment(low, high, SYN, 0), low),
        (segment(high, low, SYN, 0), high),
        // Unknown: the lower address.
        (segment(high, low, ACK, 0), low),
        (level(UDP, high, low), high),
    ] {
        let rows = rows(&packets(&[(0, levels)]));
        assert_eq!(rows[0].inside, inside);
        assert!(rows[0].blocks.0.is_some() && rows[0].blocks.1.is_some());
    }
}

#[test]
fn an_icmp_record_has_type_and_code_of_its_first_packet() {
    let ask = level(1, (host(1), 8), (host(200), 0));
    let reply = level(1, (host(200), 0), (host(1), 0));
    let rows = rows(&packets(&[(0, ask), (1, reply)]));
    assert_eq!(brief(&rows), [(0, 2, 0, "end")]);
    assert_eq!((rows[0].inside.1, rows[0].outside.1), (8, 0));
    assert!(rows[0].answered);
}

#[test]
fn stragglers_belong_to_the_closed_flow_and_a_new_syn_does_not() {
    let closed = [(0, out(SYN, 0)), (1, back(RST, 0))];
    let with = |second, level| {
        let mut sent = closed.to_vec();
        sent.push((second, level));
        brief(&rows(&packets(&sent)))
    };
    assert_eq!(with(3, out(ACK, 0)), [(0, 3, 0, "rst")]);
    assert_eq!(with(4, out(ACK, 0)), [(0, 2, 0, "rst"), (4, 1, 0, "end")]);
    assert_eq!(with(2, out(SYN, 0)), [(0, 2, 0, "rst"), (2, 1, 0, "end")]);
    assert_eq!(with(2, back(SYN | ACK, 0)), [(0, 3, 0, "rst")]);
}

#[test]
fn silence_ends_a_flow() {
    let udp = level(UDP, INSIDE, OUTSIDE);
    let seen = |seconds: &[i64]| {
        let sent: Vec<_> = seconds.iter().map(|&second| (second, udp)).collect();
        brief(&rows(&packets(&sent)))
    };
    assert_eq!(seen(&[0, 10]), [(0, 2, 0, "end")]);
    assert_eq!(seen(&[0, 11]), [(0, 1, 0, "idle"), (11, 1, 0, "end")]);
    // Out of order, but near.
    assert_eq!(seen(&[100, 95]), [(95, 2, 0, "end")]);
}

#[test]
fn a_silent_flow_is_swept_without_a_packet_of_its_own() {
    let mut stream = Stream::default();
    let mut shard = Shard::new(LIMITS, ()).expect("room");
    let quiet = level(UDP, INSIDE, OUTSIDE);
    let busy = level(UDP, (host(2), 1), OUTSIDE);
    shard.take(&[stream.packet(0, &quiet)], Bytes::default());
    for second in 0..=15 {
        let packet = stream.packet(second * SECOND, &busy);
        shard.take(&[packet], Bytes::default());
        shard.expire(packet.clock_ns);
    }
    let is_idle = |flow: &Flow| flow.reason() == EndReason::Idle;
    assert!(!shard.records().iter().any(is_idle), "15 s are not over");
    for second in 16..23 {
        let packet = stream.packet(second * SECOND, &busy);
        shard.take(&[packet], Bytes::default());
        shard.expire(packet.clock_ns);
    }
    let idle: Vec<Row> = shard
        .records()
        .iter()
        .filter(|flow| is_idle(flow))
        .map(Row::of)
        .collect();
    assert_eq!(brief(&idle), [(0, 1, 0, "idle")]);
    assert_eq!(shard.live_flows(), 1);
}

#[test]
fn a_long_flow_is_cut_into_numbered_records() {
    let sent: Vec<_> = (0..50)
        .map(|second| {
            (
                second,
                if second == 0 {
                    out(SYN, 0)
                } else {
                    out(ACK, 9)
                },
            )
        })
        .collect();
    let rows = rows(&packets(&sent));
    assert_eq!(
        brief(&rows),
        [
            (0, 15, 0, "active"),
            (15, 15, 1, "active"),
            (30, 15, 2, "active"),
            (45, 5, 3, "end")
        ]
    );
    for row in &rows {
        assert_eq!((row.first_ns, row.initiator.as_str()), (0, "inside"));
        assert_eq!(row.tcp_flags, (SYN | ACK, 0), "flags add up over records");
    }
}

#[test]
fn a_flow_is_cut_where_its_block_changes() {
    let udp = level(UDP, INSIDE, OUTSIDE);
    let mut stream = Stream::default();
    let packets = [0, 0, 1, 1].map(|block| {
        let blocks = (BlockRef::new(block), BlockRef::NONE);
        stream.packet_in(i64::from(block) * SECOND, &udp, blocks)
    });
    let (rows, counters) = replay(LIMITS, &packets, &[(4, true)]);
    assert_eq!(brief(&rows), [(0, 2, 0, "end"), (1, 2, 0, "end")]);
    assert_eq!((rows[0].blocks.0, rows[1].blocks.0), (Some(0), Some(1)));
    assert_eq!(counters.flows_created, 2);
}

#[test]
fn a_timestamp_of_the_far_future_ends_only_its_own_flow() {
    let udp = level(UDP, INSIDE, OUTSIDE);
    let other = level(UDP, (host(2), 1), OUTSIDE);
    let sent = [
        (0, udp),
        (1, other),
        (4_000_000_000, other),
        (2, udp),
        (3, other),
    ];
    let rows = replay(LIMITS, &packets(&sent), &[(1, true)]).0;
    assert_eq!(rows.iter().filter(|row| row.inside == INSIDE).count(), 1);
}
