//! Packets made by hand, and what is seen of a record.

use super::super::FragmentLimits;
use super::super::{Flow, FlowLimits, HashKeys, Packet, Shard, ShardCounters, StreamClock};
use crate::decode::{Fragment, Level};
use crate::source::{Bytes, Record};
use crate::watch::BlockRef;

pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ESP: u8 = 50;

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;

/// Short times, so that a few packets meet them all.
pub(crate) const LIMITS: FlowLimits = FlowLimits {
    idle_ns: 10 * SECOND,
    active_ns: 15 * SECOND,
    close_ns: 2 * SECOND,
    max_flows: 1000,
    duplicate_ns: SECOND / 100,
    drop_duplicates: false,
    cut_silent: false,
    fragments: FragmentLimits::MOST,
};

/// An address and a port.
pub(crate) type End = (u128, u16);

/// 10.0.0.`number`, mapped.
pub(crate) const fn host(number: u8) -> u128 {
    0xffff_0a00_0000 + number as u128
}

/// Hosts 1 to 9 lie in block 0, 10 to 19 in block 1, the others outside.
pub(crate) fn block_of(address: u128) -> BlockRef {
    match address & 0xff {
        1..=9 => BlockRef::new(0),
        10..=19 => BlockRef::new(1),
        _ => BlockRef::NONE,
    }
}

/// A packet of 100 bytes.
pub(crate) fn level(protocol: u8, from: End, to: End) -> Level {
    Level {
        source: from.0,
        destination: to.0,
        source_port: from.1,
        destination_port: to.1,
        version: 4,
        protocol,
        ip_bytes: 100,
        ..Level::default()
    }
}

/// A packet of TCP with so much payload.
pub(crate) fn segment(from: End, to: End, tcp_flags: u8, payload_bytes: u32) -> Level {
    Level {
        tcp_flags,
        payload_bytes,
        ..level(TCP, from, to)
    }
}

/// A fragment; the ports of a later one are zero, as decoding leaves them.
pub(crate) fn fragment(level: Level, fragment: Fragment, fragment_id: u32) -> Level {
    let later = fragment == Fragment::Later;
    Level {
        source_port: if later { 0 } else { level.source_port },
        destination_port: if later { 0 } else { level.destination_port },
        fragment,
        fragment_id,
        ..level
    }
}

/// Turns levels into the packets of one stream.
#[derive(Default)]
pub(crate) struct Stream {
    clock: StreamClock,
    keys: HashKeys,
    packets: u64,
}

impl Stream {
    /// The next packet, unlike all others.
    pub(crate) fn packet(&mut self, time_ns: i64, level: &Level) -> Packet {
        let blocks = (block_of(level.source), block_of(level.destination));
        self.packet_in(time_ns, level, blocks)
    }

    /// The same with the blocks of source and destination.
    pub(crate) fn packet_in(
        &mut self,
        time_ns: i64,
        level: &Level,
        blocks: (BlockRef, BlockRef),
    ) -> Packet {
        let record = Record {
            time_ns,
            ..Record::default()
        };
        let clock_ns = self.clock.advance(time_ns);
        let mut packet = Packet::new(&record, level, blocks, clock_ns, &self.keys);
        self.packets += 1;
        packet.set_fingerprint(&self.packets.to_le_bytes());
        packet
    }
}

/// One packet of a stream of its own.
pub(crate) fn packet(level: &Level) -> Packet {
    Stream::default().packet(0, level)
}

/// The packets of a stream, at these seconds.
pub(crate) fn packets(sent: &[(i64, Level)]) -> Vec<Packet> {
    let mut stream = Stream::default();
    sent.iter()
        .map(|(seconds, level)| stream.packet(seconds * SECOND, level))
        .collect()
}

/// Everything a record says, in the order of comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) inside: End,
    pub(crate) outside: End,
    pub(crate) protocol: u8,
    pub(crate) tunnel: Option<&'static str>,
    pub(crate) first_ns: i64,
    pub(crate) record: u32,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    pub(crate) packets: (u64, u64),
    pub(crate) bytes: (u64, u64),
    pub(crate) tcp_flags: (u8, u8),
    pub(crate) blocks: (Option<u32>, Option<u32>),
    pub(crate) initiator: String,
    pub(crate) answered: bool,
    pub(crate) reason: &'static str,
}

impl Row {
    pub(crate) fn of(flow: &Flow) -> Self {
        let (inside, outside) = flow.addresses();
        let (inside_port, outside_port) = flow.ports();
        let (inside_block, outside_block) = flow.blocks();
        Self {
            inside: (inside, inside_port),
            outside: (outside, outside_port),
            protocol: flow.key.protocol,
            tunnel: flow.key.tunnel().word(),
            first_ns: flow.first_ns,
            record: flow.record,
            start_ns: flow.start_ns,
            end_ns: flow.end_ns,
            packets: flow.packets(),
            bytes: flow.bytes(),
            tcp_flags: flow.tcp_flags(),
            blocks: (inside_block.index(), outside_block.index()),
            initiator: format!("{:?}", flow.initiator()).to_lowercase(),
            answered: flow.answered(),
            reason: flow.reason().word(),
        }
    }
}

/// How packets are handed to a shard: so many at once, and whether the sweep comes by behind them.
pub(crate) type Cut = (usize, bool);

/// Sorted records of the packets, and the shard's counters; `cuts` are taken in turn.
pub(crate) fn replay(
    limits: FlowLimits,
    packets: &[Packet],
    cuts: &[Cut],
) -> (Vec<Row>, ShardCounters) {
    let mut shard = Shard::new(limits, ()).expect("room for flows");
    let mut rest = packets;
    let mut clock_ns = 0;
    for &(count, sweeps) in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at(count.clamp(1, rest.len()));
        rest = later;
        shard.take(now, Bytes::default());
        clock_ns = now.last().map_or(clock_ns, |packet| packet.clock_ns);
        if sweeps {
            shard.expire(clock_ns);
        }
    }
    while shard.finish(clock_ns, 7) {}
    assert_eq!(shard.live_flows(), 0, "finished");
    let mut rows: Vec<Row> = shard.records().iter().map(Row::of).collect();
    rows.sort();
    (rows, shard.counters())
}

/// The sorted records of the packets, handed over all at once.
pub(crate) fn rows(packets: &[Packet]) -> Vec<Row> {
    replay(LIMITS, packets, &[(usize::MAX, true)]).0
}
