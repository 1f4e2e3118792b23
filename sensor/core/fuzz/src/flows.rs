//! Streams put in order, and packets counted in flows.

use blocktap_core::decode::{Fragment, Level, Tunnel};
use blocktap_core::flow::{FlowLimits, HashKeys, Head, MAX_HEAD_BYTES, Packet, Shard, StreamClock};
use blocktap_core::source::{Bytes, Record};
use blocktap_core::watch::BlockRef;

use super::pieces::Pieces;

const IP4: u128 = 0xffff_0000_0000;
const SECOND_NS: i64 = 1_000_000_000;
/// More than the window with room for its pieces.
const MOST_HEAD_BYTES: usize = MAX_HEAD_BYTES + (4 << 10);

/// A head: the pieces of one stream in any order, or segments that may contradict each other.
pub fn head(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    if pieces.u8() & 1 == 0 {
        one_stream(pieces);
    } else {
        any_segments(pieces);
    }
}

fn one_stream(mut pieces: Pieces<'_>) {
    let first = pieces.u32();
    let count = pieces.u8();
    let places: Vec<_> = (0..count).map(|_| (pieces.u16(), pieces.u16())).collect();
    let stream = pieces.rest();
    let mut head = Head::default();
    head.push(first.wrapping_sub(1), true, &[]);
    let (mut moved, mut held) = (0, 0);
    for (start, length) in places {
        let start = usize::from(start);
        if let Some(payload) = stream.get(start..) {
            let payload = &payload[..payload.len().min(usize::from(length))];
            head.push(first.wrapping_add(start as u32), false, payload);
        } else if head.consume(u64::from(length)) {
            moved += usize::from(length);
            held = 0;
        }
        let found = head.bytes();
        assert!(found.len() >= held, "nothing held is lost");
        held = found.len();
        let expected = stream.get(moved..moved + held);
        assert!(held == 0 || expected == Some(found));
    }
}

fn any_segments(mut pieces: Pieces<'_>) {
    let mut head = Head::default();
    while !pieces.is_empty() {
        match pieces.u8() {
            0..=31 => {
                head.consume(u64::from(pieces.u32()));
            }
            32..=47 => head.restart(pieces.u32()),
            48 => head.clear(),
            flags => {
                let sequence = if flags & 2 == 0 {
                    u32::from(pieces.u16())
                } else {
                    pieces.u32()
                };
                head.push(sequence, flags & 1 != 0, pieces.piece());
            }
        }
        assert!(head.bytes().len() <= MAX_HEAD_BYTES);
        assert!(head.heap_bytes() <= MOST_HEAD_BYTES);
        assert!(!head.is_empty() || head.bytes().is_empty());
    }
}

/// A shard: limits, then packets of few hosts; each is counted once.
pub fn shard(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let seconds = |byte: u8| i64::from(byte) * SECOND_NS;
    let limits = FlowLimits {
        idle_ns: seconds(pieces.u8()),
        active_ns: seconds(pieces.u8()),
        close_ns: seconds(pieces.u8()),
        max_flows: usize::from(pieces.u8()) + 1,
        duplicate_ns: seconds(pieces.u8()),
        drop_duplicates: pieces.u8() & 1 != 0,
        cut_silent: pieces.u8() & 1 != 0,
        ..FlowLimits::default()
    };
    let mut shard = Shard::new(limits, ()).expect("memory");
    let (mut clock, keys, mut time_ns) = (StreamClock::default(), HashKeys::default(), 0);
    let (mut taken, mut counted) = (0u64, 0);
    while !pieces.is_empty() {
        let packet = packet(&mut pieces, &mut time_ns, &mut clock, &keys);
        shard.take(&[packet], Bytes::default());
        taken += 1;
        if pieces.u8() < 32 {
            shard.expire(clock.now_ns());
        }
        assert!(shard.live_flows() <= limits.max_flows);
        counted += drain(&mut shard);
    }
    while shard.finish(clock.now_ns(), 8) {
        counted += drain(&mut shard);
    }
    counted += drain(&mut shard);
    let counters = shard.counters();
    let dropped = if limits.drop_duplicates {
        counters.packets_duplicate
    } else {
        0
    };
    assert_eq!(counted + dropped, taken);
    assert_eq!(
        counters.flows_created,
        counters.flows_expired + counters.flows_evicted
    );
    assert_eq!(shard.live_flows(), 0);
}

fn drain(shard: &mut Shard<()>) -> u64 {
    let records = shard.records().drain(..);
    records
        .map(|flow| {
            assert!(flow.start_ns <= flow.end_ns);
            let (out, back) = flow.packets();
            out + back
        })
        .sum()
}

fn packet(
    pieces: &mut Pieces<'_>,
    time_ns: &mut i64,
    clock: &mut StreamClock,
    keys: &HashKeys,
) -> Packet {
    let (ends, flags, kind) = (pieces.u8(), pieces.u8(), pieces.u8());
    let step = i64::from(pieces.u8().cast_signed());
    *time_ns = match kind >> 6 {
        0 => time_ns.saturating_add(step * SECOND_NS / 8),
        1 => time_ns.saturating_add(step * SECOND_NS),
        2 => time_ns.saturating_add(step << 48),
        _ => time_ns.saturating_add(step),
    };
    let protocol = [6, 17, 1, 58, 50, 132, 0, 255][usize::from(kind & 7)];
    let fragment = [
        Fragment::Whole,
        Fragment::Whole,
        Fragment::First,
        Fragment::Later,
    ][usize::from(kind >> 3 & 3)];
    let payload_bytes = u32::from(pieces.u8());
    let level = Level {
        source: IP4 | u128::from(ends & 3),
        destination: IP4 | u128::from(ends >> 2 & 3),
        source_port: u16::from(ends >> 4 & 3),
        destination_port: u16::from(ends >> 6),
        version: if kind & 32 == 0 { 4 } else { 6 },
        protocol,
        tcp_flags: flags,
        tunnel: Tunnel::None,
        fragment,
        fragment_id: payload_bytes & 3,
        ip_bytes: 20 + payload_bytes,
        payload_bytes,
        ..Level::default()
    };
    let record = Record {
        time_ns: *time_ns,
        ..Record::default()
    };
    let blocks = if flags & 0x80 == 0 {
        (BlockRef::new(0), BlockRef::NONE)
    } else {
        (BlockRef::new(1), BlockRef::new(2))
    };
    let mut packet = Packet::new(&record, &level, blocks, clock.advance(*time_ns), keys);
    packet.set_fingerprint(&[payload_bytes as u8]);
    packet
}
