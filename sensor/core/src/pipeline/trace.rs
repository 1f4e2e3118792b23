//! One flow watched closely: its packets go through the same stages, one at a time, and what each of them
//! changed is written down with the packet's number.

mod tracer;

use std::io;
use std::sync::Arc;

use tracer::Tracer;

use super::{Place, Settings};
use crate::decode::{Level, decode};
use crate::flow::{Shard, StreamClock};
use crate::name::dns_table::DnsRow;
use crate::source::{Chunk, Record, Source};
use crate::watch::BlockRef;

/// Most packets written down; further ones are counted.
pub const MAX_TRACED_PACKETS: usize = 10_000;
/// Most frames kept whole.
pub const MAX_TRACED_FRAMES: usize = 1000;
/// Most facts written down; further ones are counted.
pub const MAX_FACTS: usize = 10_000;
/// Most DNS answers written down, the newest.
pub const MAX_ANSWERS: usize = 100;

/// What is to be watched closely.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Flows, by their `flow_id`.
    pub flow_ids: Vec<u64>,
    /// The outside address whose DNS answers are wanted, and the inside one that got them.
    pub addresses: Option<(u128, u128)>,
    /// How many of their first frames are kept.
    pub frames: usize,
}

/// A packet of a wanted flow.
#[derive(Clone, Debug, Default)]
pub struct TracedPacket {
    /// Place in the stream, from 1.
    pub number: u64,
    /// The flow it was counted in.
    pub flow_id: u64,
    /// Time, lengths, link type and interface.
    pub record: Record,
    /// The IP headers, outermost first, each with the blocks of its source and destination.
    pub levels: Vec<(Level, (BlockRef, BlockRef))>,
    /// Which of the headers counts.
    pub level: usize,
    /// Whether it goes from the inside to the outside.
    pub is_out: bool,
    /// The captured bytes, where they were wanted.
    pub frame: Option<Vec<u8>>,
}

/// Something that became known of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The packet that said so.
    pub packet: u64,
    /// The flow.
    pub flow_id: u64,
    /// What became known: `initiator`, `answered`, `name`, `joined`, `application`, `application_likely` (by
    /// signs of consistency alone), `ja4`, `alpn`, `ech`, `starttls`, `proxy` or `user_agent`.
    pub kind: &'static str,
    /// What it is.
    pub value: String,
    /// Where it stood, or the signs it was known by.
    pub signs: Vec<&'static str>,
}

/// A DNS answer that gave the inside host the outside address.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The packet that completed it.
    pub packet: u64,
    /// The transaction.
    pub row: DnsRow,
}

/// What was seen of the wanted flows.
#[derive(Debug, Default)]
pub struct Traced {
    /// Their first packets, in the order in which they were counted.
    pub packets: Vec<TracedPacket>,
    /// All their packets.
    pub packets_counted: u64,
    /// What became known, in order.
    pub facts: Vec<Fact>,
    /// Facts left out for their number.
    pub facts_dropped: u64,
    /// The answers, newest last.
    pub answers: Vec<Answer>,
    /// Names for `Record::interface`.
    pub interfaces: Vec<String>,
}

/// Reads a source to its end with one worker's stages and tells what they saw of the wanted flows.
///
/// `goes_on` is asked after every chunk.
///
/// # Errors
/// The machine has not the address space for the flow table.
pub fn trace(
    mut source: Source,
    settings: &Settings,
    wanted: Wanted,
    mut goes_on: impl FnMut() -> bool,
) -> io::Result<Traced> {
    let watch = Arc::clone(&settings.watch);
    let tracer = Tracer::new(settings.naming.clone(), wanted);
    let mut shard = Shard::new(settings.limits, tracer)?;
    let mut clock = StreamClock::default();
    let (mut chunk, mut place) = (Chunk::default(), Place::default());
    let mut number = 0;
    while source.fill(&mut chunk) && goes_on() {
        for record in &chunk.records {
            number += 1;
            let clock_ns = clock.advance(record.time_ns);
            let frame = chunk.packet(record);
            let tunnels = settings.tunnels;
            let levels = &mut place.levels;
            if decode(record.link, frame, record.original, tunnels, levels).is_err() {
                continue;
            }
            place.is_ip = true;
            place.find_blocks(&watch, record.time_ns);
            if let Some(packet) = place.packet(&chunk, record, clock_ns, &settings.keys) {
                shard
                    .observer()
                    .show(number, record, &place, frame, &packet, &watch);
                shard.take(&[packet], chunk.bytes());
                shard.observer().take_answers();
                shard.records().clear();
            }
        }
        shard.expire(clock.now_ns());
        shard.observer().expire(clock.now_ns());
    }
    shard.finish(clock.now_ns(), 0);
    let mut traced = std::mem::take(shard.observer().traced());
    traced.interfaces = source.interfaces().to_vec();
    Ok(traced)
}

#[cfg(test)]
mod tests;
