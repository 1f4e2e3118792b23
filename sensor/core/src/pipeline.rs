//! The life of a packet: read, decoded, matched, placed on a worker, counted in its flow.

use std::io;
use std::sync::Arc;

use crate::counters::Accounting;
use crate::decode::{Level, Levels, Tunnels, decode};
use crate::flow::{FlowLimits, HashKeys, Packet, Shard, ShardCounters};
use crate::source::{Chunk, Record};
use crate::watch::{BlockRef, Watch};

/// What every worker needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The watched prefixes.
    pub watch: Arc<Watch>,
    /// Tunnels that are opened.
    pub tunnels: Tunnels,
    /// How flows age; `max_flows` is for all workers together.
    pub limits: FlowLimits,
    /// Number of workers, at least one.
    pub workers: usize,
    /// Secrets of the table hash.
    pub keys: HashKeys,
}

/// A chunk on its way: its packets as read, then as each worker needs them.
#[derive(Debug, Default)]
pub struct Work {
    /// Place in the stream.
    pub sequence: u64,
    /// The packets' bytes.
    pub chunk: Chunk,
    /// The stream's clock at each record.
    pub clocks: Vec<u64>,
    /// Matched packets by worker, in stream order.
    pub placed: Vec<Vec<Packet>>,
}

impl Work {
    /// The stream's clock behind this chunk.
    pub fn clock_ns(&self) -> u64 {
        self.clocks.last().copied().unwrap_or(0)
    }
}

/// One worker's stages.
pub struct Pipeline {
    settings: Settings,
    levels: Levels,
    shard: Shard,
    accounting: Accounting,
    last: Option<(i64, u16)>,
}

impl Pipeline {
    /// Empty stages.
    ///
    /// # Errors
    /// The machine has not the address space for the flow table.
    pub fn new(settings: Settings) -> io::Result<Self> {
        let max_flows = settings.limits.max_flows.div_ceil(settings.workers.max(1));
        let shard = Shard::new(FlowLimits {
            max_flows,
            ..settings.limits
        })?;
        Ok(Self {
            settings,
            levels: Levels::default(),
            shard,
            accounting: Accounting::default(),
            last: None,
        })
    }

    /// Decodes and matches every packet of a chunk, whichever worker will count it.
    pub fn decode(&mut self, work: &mut Work) {
        work.placed.resize_with(self.settings.workers, Vec::new);
        work.placed.iter_mut().for_each(Vec::clear);
        for (record, &clock_ns) in work.chunk.records.iter().zip(&work.clocks) {
            let frame = work.chunk.packet(record);
            let counts = self.accounting.at(record.time_ns, record.interface);
            counts.packets_seen += 1;
            counts.bytes_seen += u64::from(record.original);
            counts.packets_truncated += u64::from(record.captured < record.original);
            match decode(
                record.link,
                frame,
                record.original,
                self.settings.tunnels,
                &mut self.levels,
            ) {
                Ok(()) => {}
                Err(reason) if reason.is_malformed() => {
                    counts.packets_malformed += 1;
                    continue;
                }
                Err(_) => {
                    counts.packets_unmatched += 1;
                    continue;
                }
            }
            let watch = &self.settings.watch;
            let Some((level, blocks)) = innermost_watched(watch, self.levels.as_slice(), record)
            else {
                counts.packets_unmatched += 1;
                continue;
            };
            counts.packets_matched += 1;
            let mut packet = Packet::new(record, level, blocks, clock_ns, &self.settings.keys);
            packet.set_fingerprint(frame.get(level.header as usize..).unwrap_or(&[]));
            let worker = placed_on(packet.placement(), self.settings.workers);
            if let Some(list) = work.placed.get_mut(worker) {
                list.push(packet);
            }
        }
    }

    /// Counts the packets placed on this worker, in the order of the stream.
    pub fn count(&mut self, packets: &[Packet], clock_ns: u64) {
        let before = self.shard.counters();
        self.shard.take(packets);
        self.shard.expire(clock_ns);
        self.last = packets
            .last()
            .map(|packet| (packet.time_ns, packet.interface))
            .or(self.last);
        self.account(&before);
    }

    /// Ends about `rows` flows; false once there is none left.
    pub fn finish(&mut self, clock_ns: u64, rows: usize) -> bool {
        let before = self.shard.counters();
        let more = self.shard.finish(clock_ns, rows);
        self.account(&before);
        more
    }

    fn account(&mut self, before: &ShardCounters) {
        if let Some((time_ns, interface)) = self.last {
            self.accounting
                .at(time_ns, interface)
                .add_shard(before, &self.shard.counters());
        }
    }

    /// The worker's flows.
    pub fn shard(&mut self) -> &mut Shard {
        &mut self.shard
    }

    /// The worker's counts.
    pub fn accounting(&mut self) -> &mut Accounting {
        &mut self.accounting
    }
}

/// The innermost level with a watched address, and the blocks of its source and destination.
#[inline]
fn innermost_watched<'a>(
    watch: &Watch,
    levels: &'a [Level],
    record: &Record,
) -> Option<(&'a Level, (BlockRef, BlockRef))> {
    levels.iter().rev().find_map(|level| {
        let source = watch.lookup(level.version, level.source, record.time_ns);
        let destination = watch.lookup(level.version, level.destination, record.time_ns);
        let watched = !source.is_none() || !destination.is_none();
        watched.then_some((level, (source, destination)))
    })
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
