//! The life of a packet: read, decoded, matched, placed on a worker, counted in its flow.

mod generation;
mod memory;
mod trace;

use std::hint::black_box;
use std::io;
use std::sync::Arc;

use crate::batch::Labels;
use crate::classify::{Namer, NamerCounters, NamingSettings};
use crate::counters::{Accounting, Snapshot};
use crate::decode::{Level, Levels, Tunnels, decode};
use crate::flow::{Flow, FlowLimits, HashKeys, Packet, Shard, ShardCounters};
use crate::hosts::Hosts;
use crate::source::{Bytes, Chunk, Record};
use crate::tally::{TallySettings, Tallying};
use crate::watch::{BlockRef, Watch};

pub use generation::{Change, Generation};
pub use memory::Room;
pub use trace::{Answer, Fact, Traced, TracedPacket, Wanted, trace};

/// What every worker needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The watched prefixes to begin with.
    pub watch: Arc<Watch>,
    /// What their blocks, and services, are called.
    pub labels: Arc<Labels>,
    /// Tunnels that are opened.
    pub tunnels: Tunnels,
    /// How flows age; `max_flows` is for all workers together.
    pub limits: FlowLimits,
    /// How names are looked for.
    pub naming: NamingSettings,
    /// What is counted for metrics, if anything.
    pub tally: Option<TallySettings>,
    /// Whether evidence of the inside hosts is gathered.
    pub hosts: bool,
    /// Number of workers, at least one.
    pub workers: usize,
    /// What each worker may hold.
    pub room: Room,
    /// Secrets of the table hash.
    pub keys: HashKeys,
}

/// A chunk on its way: its packets as read, then as each worker needs them.
#[derive(Debug, Default)]
pub struct Work {
    /// Place in the stream.
    pub sequence: u64,
    /// The rules that its packets are matched by; without, those of the worker.
    pub generation: Option<Arc<Generation>>,
    /// The packets' bytes.
    pub chunk: Chunk,
    /// The stream's clock at each record.
    pub clocks: Vec<u64>,
    /// The stream's clock behind this chunk.
    pub clock_ns: u64,
    /// Packet time by that clock.
    pub time_ns: i64,
    /// Matched packets by worker, in stream order.
    pub placed: Vec<Vec<Packet>>,
}

/// Pieces of a sweep that a chunk without packets is good for: a quiet link has few chunks.
const SWEEPS_A_TICK: usize = 8;

/// Packets that go through the stages together.
const GROUP: usize = 16;

/// A packet between decoding and its flow.
#[derive(Debug, Default)]
struct Place {
    is_ip: bool,
    levels: Levels,
    /// Position of the level that counts, and the blocks of its source and destination.
    level: usize,
    blocks: (BlockRef, BlockRef),
    version: u8,
    tickets: [u32; 2],
}

impl Place {
    /// Begins the lookup of the innermost level's addresses.
    #[inline]
    fn approach(&mut self, watch: &Watch) {
        if let (true, Some(level)) = (self.is_ip, self.levels.as_slice().last()) {
            self.version = level.version;
            self.tickets = [level.source, level.destination]
                .map(|address| watch.approach(level.version, address));
        }
    }

    /// Goes on with it.
    #[inline]
    fn touch(&self, watch: &Watch) -> u64 {
        let [source, destination] = self.tickets;
        watch.touch(self.version, source) ^ watch.touch(self.version, destination)
    }

    /// Finds the innermost level with a watched address.
    #[inline]
    fn find_blocks(&mut self, watch: &Watch, time_ns: i64) {
        let levels = if self.is_ip {
            self.levels.as_slice()
        } else {
            &[]
        };
        for (number, level) in levels.iter().enumerate().rev() {
            self.level = number;
            self.blocks = (
                watch.lookup(level.version, level.source, time_ns),
                watch.lookup(level.version, level.destination, time_ns),
            );
            if !self.blocks.0.is_none() || !self.blocks.1.is_none() {
                break;
            }
        }
    }

    /// The level found, unless no address is watched.
    #[inline]
    fn watched(&self) -> Option<&Level> {
        if self.blocks.0.is_none() && self.blocks.1.is_none() {
            return None;
        }
        self.levels.as_slice().get(self.level)
    }

    /// The packet as its flow needs it, unless no address is watched.
    #[inline]
    fn packet(
        &self,
        chunk: &Chunk,
        record: &Record,
        clock_ns: u64,
        keys: &HashKeys,
    ) -> Option<Packet> {
        let level = self.watched()?;
        let frame = chunk.packet(record);
        let mut packet = Packet::new(record, level, self.blocks, clock_ns, keys);
        packet.payload_captured = level.payload_in(frame).len() as u32;
        packet.set_fingerprint(frame.get(level.header as usize..).unwrap_or(&[]));
        Some(packet)
    }
}

/// One worker's stages.
pub struct Pipeline {
    settings: Settings,
    generation: Arc<Generation>,
    group: Vec<Place>,
    shard: Shard<Tallying>,
    accounting: Accounting,
    last: Option<(i64, u16)>,
}

impl Pipeline {
    /// Empty stages.
    ///
    /// # Errors
    /// The machine has not the address space for the flow table.
    pub fn new(settings: Settings) -> io::Result<Self> {
        let room = settings.room;
        let max_flows = settings.limits.max_flows.div_ceil(settings.workers.max(1));
        let limits = FlowLimits {
            max_flows: max_flows.min(room.flows),
            fragments: room.fragments,
            ..settings.limits
        };
        let mut naming = settings.naming.clone();
        naming.limits = room.naming;
        naming.join.pairs = room.pairs;
        naming.join.name_bytes = room.pair_name_bytes;
        let namer = Namer::new(naming);
        let mut tallying = Tallying::new(namer, settings.tally.clone());
        if settings.hosts {
            tallying = tallying.with_hosts(Hosts::new(room.hosts));
        }
        let shard = Shard::new(limits, tallying)?;
        Ok(Self {
            generation: Arc::new(Generation::first(&settings)),
            settings,
            group: std::iter::repeat_with(Place::default).take(GROUP).collect(),
            shard,
            accounting: Accounting::default(),
            last: None,
        })
    }

    /// Decodes and matches every packet of a chunk, whichever worker will count it.
    pub fn decode(&mut self, work: &mut Work) {
        work.placed.resize_with(self.settings.workers, Vec::new);
        work.placed.iter_mut().for_each(Vec::clear);
        let mut group = std::mem::take(&mut self.group);
        let generation = Arc::clone(work.generation.as_ref().unwrap_or(&self.generation));
        let clocks = work.clocks.chunks(GROUP);
        for (records, clocks) in work.chunk.records.chunks(GROUP).zip(clocks) {
            for (place, record) in group.iter_mut().zip(records) {
                place.is_ip = self.decode_one(&work.chunk, record, &mut place.levels);
            }
            // All lookups together and in steps, so that their cache misses overlap.
            let watch = &generation.watch;
            for place in group.iter_mut().take(records.len()) {
                place.approach(watch);
            }
            black_box(group.iter().fold(0, |sum, place| sum ^ place.touch(watch)));
            for (place, record) in group.iter_mut().zip(records) {
                place.find_blocks(watch, record.time_ns);
            }
            let places = group.iter().zip(records.iter().zip(clocks));
            for (place, (record, &clock_ns)) in places.filter(|(place, _)| place.is_ip) {
                let counts = self.accounting.at(record.time_ns, record.interface);
                let keys = &self.settings.keys;
                let Some(packet) = place.packet(&work.chunk, record, clock_ns, keys) else {
                    counts.packets_unmatched += 1;
                    continue;
                };
                counts.packets_matched += 1;
                counts.bytes_matched += u64::from(record.original);
                let worker = placed_on(packet.placement(), self.settings.workers);
                if let Some(list) = work.placed.get_mut(worker) {
                    list.push(packet);
                }
            }
        }
        self.group = group;
    }

    /// Decodes a frame and counts it, except where it holds IP: then it is matched first.
    #[inline]
    fn decode_one(&mut self, chunk: &Chunk, record: &Record, levels: &mut Levels) -> bool {
        let frame = chunk.packet(record);
        let counts = self.accounting.at(record.time_ns, record.interface);
        counts.packets_seen += 1;
        counts.bytes_seen += u64::from(record.original);
        counts.packets_truncated += u64::from(record.captured < record.original);
        let tunnels = self.settings.tunnels;
        match decode(record.link, frame, record.original, tunnels, levels) {
            Ok(()) => return true,
            Err(reason) if reason.is_malformed() => {
                counts.packets_malformed += 1;
                counts.bytes_malformed += u64::from(record.original);
            }
            Err(_) => counts.packets_unmatched += 1,
        }
        false
    }

    /// Counts the packets placed on this worker, in the order of the stream; `bytes` are their chunk's.
    pub fn count(&mut self, packets: &[Packet], bytes: Bytes<'_>, clock_ns: u64) {
        let before = self.counters();
        self.shard.observer().approach();
        self.shard.take(packets, bytes);
        self.shard.expire(clock_ns);
        self.shard.observer().expire(clock_ns);
        self.last = packets
            .last()
            .map(|packet| (packet.time_ns, packet.interface))
            .or(self.last);
        self.account(&before);
    }

    /// Nothing came: lets time pass.
    pub fn tick(&mut self, time_ns: i64, clock_ns: u64) {
        let before = self.counters();
        self.shard.observer().approach();
        for _ in 0..SWEEPS_A_TICK {
            self.shard.expire(clock_ns);
        }
        self.shard.observer().expire(clock_ns);
        self.last = self.last.map(|(_, interface)| (time_ns, interface));
        self.account(&before);
    }

    /// The interface that the last packet came from.
    pub fn last_interface(&self) -> u16 {
        self.last.map_or(0, |(_, interface)| interface)
    }

    /// The rules in force.
    pub fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// Begins to follow a change of rules with what waits for more packets.
    pub fn rematch_waiting(&mut self, change: &Change) {
        let before = self.counters();
        let renew = |version, address, old| change.renew(version, address, old);
        self.shard.observer().approach();
        self.shard.rematch_fragments(change.clock_ns(), &renew);
        let namer = self.shard.observer().namer();
        namer.rematch(&change.to().resolvers, renew);
        self.shard.observer().expire(change.clock_ns());
        self.account(&before);
    }

    /// Goes on with the flows in `places` places from `first` on; false once there are no more.
    pub fn rematch_flows(&mut self, change: &Change, first: usize, places: usize) -> bool {
        let before = self.counters();
        let renew = |version, address, old| change.renew(version, address, old);
        let more = self
            .shard
            .rematch_flows(first, places, change.clock_ns(), &renew);
        self.account(&before);
        more
    }

    /// Ends it: the new rules are in force. Rows from before are to be handed out until here.
    pub fn adopt(&mut self, change: &Change) {
        self.generation = Arc::clone(change.to());
        if let Some(tally) = &self.settings.tally {
            let tally = self.generation.tally(tally.top_flows);
            self.shard.observer().take_on(tally);
        }
    }

    /// Ends about `rows` flows; false once there is none left.
    pub fn finish(&mut self, clock_ns: u64, rows: usize) -> bool {
        let before = self.counters();
        self.shard.observer().approach();
        let more = self.shard.finish(clock_ns, rows);
        if !more {
            self.shard.observer().finish(clock_ns);
        }
        self.account(&before);
        more
    }

    fn counters(&mut self) -> (ShardCounters, NamerCounters, u64) {
        let shard = self.shard.counters();
        let observer = self.shard.observer();
        (shard, observer.counters(), observer.hosts_evicted())
    }

    fn account(&mut self, before: &(ShardCounters, NamerCounters, u64)) {
        let after = self.counters();
        if let Some((time_ns, interface)) = self.last {
            let counts = self.accounting.at(time_ns, interface);
            counts.add_shard(&before.0, &after.0);
            counts.add_namer(&before.1, &after.1);
            counts.hosts_evicted += after.2 - before.2;
        }
    }

    /// Whether the rows that wait take so much that they are not to wait for more.
    pub fn is_heavy(&mut self) -> bool {
        let records = self.shard.records().len() * size_of::<Flow>();
        records + self.shard.observer().waiting_bytes() >= self.settings.room.row_bytes
    }

    /// The worker's flows.
    pub fn shard(&mut self) -> &mut Shard<Tallying> {
        &mut self.shard
    }

    /// What the worker has counted so far, for metrics.
    pub fn snapshot(&mut self) -> Snapshot {
        Snapshot {
            interfaces: self.accounting.by_interface(),
            active_flows: self.shard.live_flows() as u64,
            tallies: self.shard.observer().tallies(),
        }
    }

    /// The worker's counts.
    pub fn accounting(&mut self) -> &mut Accounting {
        &mut self.accounting
    }
}

/// The worker that counts the packets of a watched address.
#[inline]
fn placed_on(address: u128, workers: usize) -> usize {
    if workers <= 1 {
        return 0;
    }
    let mixed = (address as u64 ^ (address >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (((mixed >> 32) * workers as u64) >> 32) as usize
}

#[cfg(test)]
pub(crate) mod tests;
