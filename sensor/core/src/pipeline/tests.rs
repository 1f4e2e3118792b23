//! Frames through the stages of workers: each counted once, where it belongs.

mod snapshot;

use std::sync::Arc;

use super::{Pipeline, Settings, Work};
use crate::classify::NamingSettings;
use crate::counters::Counts;
use crate::decode::{Tunnel, Tunnels};
use crate::flow::tests::build::{Row, SECOND};
use crate::flow::{FlowLimits, HashKeys, StreamClock};
use crate::source::{Chunk, Record};
use crate::watch::{Prefix, Watch};

const ETHERNET: u16 = 1;
/// Bytes in front of the payload of UDP.
const HEADERS: usize = 42;

/// 10.0.0.0/24 is block 0, before second 100; then it is block 1.
pub(crate) fn settings(workers: usize) -> Settings {
    let prefix = |block, valid_from_ns, valid_until_ns| Prefix {
        address: 0xffff_0a00_0000,
        length: 120,
        block,
        valid_from_ns,
        valid_until_ns,
    };
    let prefixes = [
        prefix(0, i64::MIN, 100 * SECOND),
        prefix(1, 100 * SECOND, i64::MAX),
    ];
    Settings {
        watch: Arc::new(Watch::new(&prefixes).expect("a plan")),
        labels: Arc::default(),
        tunnels: Tunnels::default(),
        limits: FlowLimits {
            max_flows: 10_000,
            ..FlowLimits::default()
        },
        naming: NamingSettings::default(),
        tally: None,
        hosts: true,
        workers,
        room: super::Room::default(),
        keys: HashKeys::default(),
    }
}

/// An IPv4 packet around a payload.
fn ip4(protocol: u8, from: u32, to: u32, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len()) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
    packet.extend(from.to_be_bytes());
    packet.extend(to.to_be_bytes());
    packet.extend(payload);
    packet
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend([8, 0]);
    frame.extend(packet);
    frame
}

fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    for field in [ports.0, ports.1, (8 + payload.len()) as u16, 0] {
        datagram.extend(field.to_be_bytes());
    }
    datagram.extend(payload);
    datagram
}

/// A frame of UDP from one IPv4 address and port to another.
pub(crate) fn udp_frame(from: (u32, u16), to: (u32, u16), payload: &[u8]) -> Vec<u8> {
    ethernet(&ip4(17, from.0, to.0, &udp((from.1, to.1), payload)))
}

/// What the workers give for frames at these seconds, all in one chunk.
fn replay(settings: &Settings, frames: &[(i64, Vec<u8>)]) -> (Vec<Row>, Counts) {
    let mut chunk = Chunk::default();
    let mut clock = StreamClock::default();
    let mut work = Work::default();
    for (second, frame) in frames {
        chunk.records.push(Record {
            time_ns: second * SECOND,
            offset: chunk.data.len() as u32,
            captured: frame.len() as u32,
            original: frame.len() as u32,
            link: ETHERNET,
            interface: 0,
        });
        chunk.data.extend(frame);
        work.clocks.push(clock.advance(second * SECOND));
    }
    work.chunk = chunk;
    let mut workers: Vec<Pipeline> = (0..settings.workers)
        .map(|_| Pipeline::new(settings.clone()).expect("room"))
        .collect();
    workers[0].decode(&mut work);
    let (mut rows, mut counts) = (Vec::new(), Counts::default());
    for (worker, packets) in workers.iter_mut().zip(&work.placed) {
        worker.count(packets, work.chunk.bytes(), clock.now_ns());
        while worker.finish(clock.now_ns(), 100) {}
        rows.extend(worker.shard().records().iter().map(Row::of));
        worker.accounting().finish();
        counts.add(&worker.accounting().total());
    }
    rows.sort();
    (rows, counts)
}

const INSIDE: u32 = 0x0a00_0001;
const OUTSIDE: u32 = 0x0808_0808;

#[test]
fn every_frame_has_one_fate() {
    let good = udp_frame((INSIDE, 1000), (OUTSIDE, 53), b"?");
    let elsewhere = udp_frame((OUTSIDE, 1000), (OUTSIDE + 1, 53), b"?");
    let cut_off = good[..HEADERS - 20].to_vec();
    let not_ip = ethernet(&[0; 28]).into_iter().enumerate();
    let not_ip: Vec<u8> = not_ip
        .map(|(place, byte)| if place == 13 { 6 } else { byte })
        .collect();
    let frames = [good.clone(), good, elsewhere, cut_off, not_ip, vec![]].map(|frame| (0, frame));
    let (rows, counts) = replay(&settings(1), &frames);
    assert_eq!(counts.packets_seen, 6);
    assert_eq!(
        counts.packets_matched + counts.packets_unmatched + counts.packets_malformed,
        6
    );
    assert_eq!((counts.packets_matched, counts.packets_unmatched), (2, 2));
    assert_eq!((counts.flows_created, counts.flows_expired), (1, 1));
    assert_eq!(counts.packets_duplicate, 1);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].packets, rows[0].bytes), ((2, 0), (58, 0)));
}

#[test]
fn both_directions_meet_on_one_worker_and_all_work() {
    let mut frames = Vec::new();
    for number in 0..100 {
        let ends = ((INSIDE + number % 50, 1000), (OUTSIDE + number * 7, 53));
        frames.push((0, udp_frame(ends.0, ends.1, b"ask")));
        frames.push((0, udp_frame(ends.1, ends.0, b"answer")));
    }
    let (alone, counts) = replay(&settings(1), &frames);
    assert_eq!(alone.len(), 100);
    assert!(
        alone
            .iter()
            .all(|row| row.packets == (1, 1) && row.answered)
    );
    assert_eq!(counts.packets_matched, 200);
    for workers in 2..6 {
        let (rows, counts) = replay(&settings(workers), &frames);
        assert_eq!(rows, alone);
        assert_eq!((counts.packets_seen, counts.flows_created), (200, 100));
    }
}

#[test]
fn every_worker_gets_its_share() {
    let settings = settings(4);
    let mut work = Work::default();
    for number in 0..200 {
        let frame = udp_frame((INSIDE + number, 1000), (OUTSIDE, 53), b"?");
        work.chunk.records.push(Record {
            offset: work.chunk.data.len() as u32,
            captured: frame.len() as u32,
            original: frame.len() as u32,
            link: ETHERNET,
            ..Record::default()
        });
        work.chunk.data.extend(frame);
        work.clocks.push(0);
    }
    Pipeline::new(settings).expect("room").decode(&mut work);
    let shares: Vec<usize> = work.placed.iter().map(Vec::len).collect();
    assert_eq!(shares.iter().sum::<usize>(), 200);
    assert!(shares.iter().all(|&share| share > 25), "{shares:?}");
}

#[test]
fn the_innermost_watched_level_is_the_flow() {
    let inner = ip4(17, INSIDE, OUTSIDE, &udp((1000, 53), b"?"));
    let watched_inside = ethernet(&ip4(4, OUTSIDE, OUTSIDE + 1, &inner));
    let (rows, _) = replay(&settings(1), &[(0, watched_inside)]);
    assert_eq!((rows[0].tunnel, rows[0].inside.1), (Some("ipip"), 1000));

    let foreign = ip4(17, OUTSIDE, OUTSIDE + 1, &udp((1000, 53), b"?"));
    let watched_outside = ethernet(&ip4(4, INSIDE, OUTSIDE, &foreign));
    let (rows, _) = replay(&settings(1), &[(0, watched_outside)]);
    assert_eq!((rows[0].tunnel, rows[0].protocol), (None, 4));

    let closed = Settings {
        tunnels: Tunnels::NONE.with(Tunnel::Gre),
        ..settings(1)
    };
    let unopened = ethernet(&ip4(4, INSIDE, OUTSIDE, &inner));
    let (rows, _) = replay(&closed, &[(0, unopened)]);
    assert_eq!((rows[0].tunnel, rows[0].protocol), (None, 4));
}

#[test]
fn the_block_is_that_of_packet_time_and_a_change_cuts_the_flow() {
    let frame = udp_frame((INSIDE, 1000), (OUTSIDE, 53), b"?");
    let frames = [98, 99, 100, 101].map(|second| (second, frame.clone()));
    let (rows, counts) = replay(&settings(1), &frames);
    let seen: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.blocks.0,
                row.packets.0,
                row.first_ns / SECOND,
                row.reason,
            )
        })
        .collect();
    assert_eq!(seen, [(Some(0), 2, 98, "end"), (Some(1), 2, 100, "end")]);
    assert_eq!(counts.flows_created, 2);
}

#[test]
fn frames_cut_by_the_snap_length_count_in_full() {
    let frame = udp_frame((INSIDE, 1000), (OUTSIDE, 53), &[7; 400]);
    let mut work = Work {
        clocks: vec![0],
        ..Work::default()
    };
    work.chunk.data = frame[..60].to_vec();
    work.chunk.records.push(Record {
        captured: 60,
        original: frame.len() as u32,
        link: ETHERNET,
        ..Record::default()
    });
    let mut pipeline = Pipeline::new(settings(1)).expect("room");
    pipeline.decode(&mut work);
    assert_eq!(work.placed[0][0].ip_bytes, 428);
    pipeline.accounting().finish();
    let counts = pipeline.accounting().total();
    assert_eq!(
        (counts.packets_truncated, counts.bytes_seen),
        (1, frame.len() as u64)
    );
}
