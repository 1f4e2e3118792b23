//! One worker's flows: packets in, records out.

mod rematch;

use std::hint::black_box;
use std::io;

use super::FlowLimits;
use super::duplicate::Duplicates;
use super::entry::{EndReason, Flow};
use super::eviction::Eviction;
use super::expiry::{Sweep, ended_before, swept_at};
use super::fragment::Fragments;
use super::observer::{Mark, Observer};
use super::packet::Packet;
use super::table::{NOWHERE, Table};
use crate::decode::Fragment;
use crate::source::Bytes;

/// Packets whose flows are fetched together, so that their cache misses overlap.
const GROUP: usize = 32;

/// Records that there is room for from the beginning. Memory that none has been written to costs nothing, and a
/// list that grows leaves its former places behind.
const RECORDS: usize = 5 << 14;

/// What a shard has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardCounters {
    /// Flows begun.
    pub flows_created: u64,
    /// Flows ended by time, close or the end of input.
    pub flows_expired: u64,
    /// Flows ended for lack of room.
    pub flows_evicted: u64,
    /// Packets that repeat another within the window.
    pub packets_duplicate: u64,
    /// Fragmented datagrams forgotten for lack of room.
    pub datagrams_evicted: u64,
}

/// A flow table with all that surrounds it.
pub struct Shard<O> {
    limits: FlowLimits,
    table: Table,
    sweep: Sweep,
    eviction: Eviction,
    eviction_of_kept: Eviction,
    fragments: Fragments,
    duplicates: Duplicates,
    counters: ShardCounters,
    records: Vec<Flow>,
    ready: Vec<Packet>,
    ended: Vec<(u32, EndReason)>,
    finished_places: usize,
    observer: O,
}

impl<O: Observer> Shard<O> {
    /// An empty shard.
    ///
    /// # Errors
    /// The machine has not the address space for `max_flows`.
    pub fn new(limits: FlowLimits, observer: O) -> io::Result<Self> {
        Ok(Self {
            limits,
            table: Table::new(limits.max_flows)?,
            sweep: Sweep::default(),
            eviction: Eviction::default(),
            eviction_of_kept: Eviction::default(),
            fragments: Fragments::new(limits.fragments),
            duplicates: Duplicates::new(limits.duplicate_ns),
            counters: ShardCounters::default(),
            records: Vec::with_capacity(RECORDS),
            ready: Vec::new(),
            ended: Vec::new(),
            finished_places: 0,
            observer,
        })
    }

    /// Counts packets in their order; `bytes` are those of their chunk.
    pub fn take(&mut self, packets: &[Packet], bytes: Bytes<'_>) {
        for group in packets.chunks(GROUP) {
            let lines = group.iter().map(|packet| {
                self.table.approach(packet.hash) ^ self.duplicates.approach(packet.fingerprint)
            });
            black_box(lines.fold(0, |sum, line| sum ^ line));
            let mut places = [NOWHERE; GROUP];
            for (place, packet) in places.iter_mut().zip(group) {
                *place = self.table.guess(packet.hash);
            }
            self.touch(&places, Mark::looks);
            for (packet, place) in group.iter().zip(places) {
                self.take_one(packet, bytes, place);
            }
        }
    }

    /// Reads the flows at these places, and then what the observer keeps of those whose mark says so.
    #[inline]
    fn touch(&self, places: &[u32], is_kept: impl Fn(Mark) -> bool) {
        let mut marks = [Mark::NONE; GROUP];
        let mut lines = 0;
        for (mark, &place) in marks.iter_mut().zip(places) {
            let line;
            (line, *mark) = self.table.touch(place);
            lines ^= line;
        }
        let kept = || marks.iter().copied().filter(|&mark| is_kept(mark));
        lines ^= kept().fold(0, |sum, mark| sum ^ self.observer.approach(mark));
        lines ^= kept().fold(0, |sum, mark| sum ^ self.observer.touch(mark));
        black_box(lines);
    }

    #[inline]
    fn take_one(&mut self, packet: &Packet, bytes: Bytes<'_>, place: u32) {
        // Not only when the sweep comes by: when that is must not show in the records.
        if packet.clock_ns > self.fragments.due_ns() {
            self.release_fragments(packet.clock_ns);
        }
        if self.duplicates.seen(packet.fingerprint, packet.time_ns) {
            self.counters.packets_duplicate += 1;
            if self.limits.drop_duplicates {
                return;
            }
        }
        if packet.fragment == Fragment::Whole {
            self.count(packet, bytes, place);
        } else {
            self.take_fragment(packet, bytes);
        }
    }

    #[cold]
    fn take_fragment(&mut self, packet: &Packet, bytes: Bytes<'_>) {
        self.with_fragments(bytes, |fragments, ready| fragments.take(packet, ready));
    }

    /// Counts the fragments whose first one came in no time.
    #[cold]
    fn release_fragments(&mut self, clock_ns: u64) {
        self.with_fragments(Bytes::default(), |fragments, ready| {
            fragments.expire(clock_ns, ready);
        });
    }

    /// Counts what the fragments give back.
    fn with_fragments(
        &mut self,
        bytes: Bytes<'_>,
        change: impl FnOnce(&mut Fragments, &mut Vec<Packet>),
    ) {
        let mut ready = std::mem::take(&mut self.ready);
        change(&mut self.fragments, &mut ready);
        for packet in ready.drain(..) {
            self.count(&packet, bytes, NOWHERE);
        }
        self.ready = ready;
        self.counters.datagrams_evicted = self.fragments.evicted;
    }

    #[inline]
    fn count(&mut self, packet: &Packet, bytes: Bytes<'_>, place: u32) {
        let Some(slot) = self.table.confirm(packet, place) else {
            return self.begin(packet, bytes);
        };
        let flow = self.table.at(slot);
        if let Some(reason) = ended_before(flow, packet, &self.limits) {
            self.end(slot, reason);
            return self.begin(packet, bytes);
        }
        if flow.is_empty() {
            flow.start_ns = packet.time_ns;
        } else if packet.time_ns.saturating_sub(flow.start_ns) >= self.limits.active_ns
            || flow.is_full()
        {
            self.records.push(cut(&mut self.observer, flow));
            flow.next_record(packet);
        }
        self.observer.about_to_count(flow, packet);
        flow.count(packet);
        let shown = flow.wants_look(packet);
        if shown {
            flow.mark = self.observer.look(flow, packet, packet.payload(bytes));
        }
        flow.label = self.observer.counted(flow, packet, shown);
    }

    fn begin(&mut self, packet: &Packet, bytes: Bytes<'_>) {
        if self.table.is_full() {
            self.evict();
        }
        let mut flow = Flow::begin(packet);
        flow.count(packet);
        flow.mark = self.observer.begin(&flow, packet, packet.payload(bytes));
        flow.label = self.observer.counted(&flow, packet, true);
        self.table.insert(flow);
        self.counters.flows_created += 1;
    }

    fn evict(&mut self) {
        if let Some(slot) = self.eviction.next(self.table.slots(), |_| true) {
            self.end(slot, EndReason::Evicted);
        }
    }

    /// Evicts flows of which something is kept until that has room.
    fn evict_kept(&mut self) {
        while self.observer.is_crowded() {
            let keeps = |flow: &Flow| self.observer.keeps(flow.mark);
            let Some(slot) = self.eviction_of_kept.next(self.table.slots(), keeps) else {
                return;
            };
            self.end(slot, EndReason::Evicted);
        }
    }

    fn end(&mut self, slot: u32, reason: EndReason) {
        let flow = self.table.remove(slot);
        self.write_last(flow, reason);
    }

    /// Writes the last record of a flow that is no longer in the table.
    fn write_last(&mut self, mut flow: Flow, reason: EndReason) {
        flow.set_reason(reason);
        let counted = !flow.is_empty();
        flow.mark = self.observer.note(&flow, true);
        if counted {
            self.records.push(flow);
        }
        if reason == EndReason::Evicted {
            self.counters.flows_evicted += 1;
        } else {
            self.counters.flows_expired += 1;
        }
    }

    /// Ends some of the flows that are over; call it after every chunk with the stream's clock.
    pub fn expire(&mut self, clock_ns: u64) {
        self.release_fragments(clock_ns);
        // What is kept beside the flows has a bound of its own.
        self.evict_kept();
        let mut ended = std::mem::take(&mut self.ended);
        self.sweep
            .step(self.table.slots(), clock_ns, &self.limits, &mut ended);
        for group in ended.chunks(GROUP) {
            self.approach_ends(group);
            for &(slot, reason) in group {
                if reason == EndReason::Active {
                    let flow = self.table.at(slot);
                    self.records.push(cut(&mut self.observer, flow));
                    flow.next_record_later();
                } else {
                    self.end(slot, reason);
                }
            }
        }
        ended.clear();
        self.ended = ended;
    }

    /// Flows are about to end: reads what is kept of them.
    fn approach_ends(&self, ended: &[(u32, EndReason)]) {
        let mut places = [NOWHERE; GROUP];
        for (place, (slot, _)) in places.iter_mut().zip(ended) {
            *place = *slot;
        }
        self.touch(&places, |_| true);
        let index = ended
            .iter()
            .map(|&(slot, _)| self.table.approach_entry(slot));
        black_box(index.fold(0, |sum, entry| sum ^ entry));
    }

    /// Ends every flow, about `rows` of them a call: the input is over, and the stream's clock says this
    /// much. False once there is none left.
    pub fn finish(&mut self, clock_ns: u64, rows: usize) -> bool {
        if self.finished_places == 0 {
            self.with_fragments(Bytes::default(), |fragments, ready| {
                fragments.finish(clock_ns, ready);
            });
            self.table.close();
        }
        let slots = self.table.slots();
        let ended = slots
            .range(self.finished_places, self.finished_places + rows)
            .map(|(slot, flow)| {
                // As if the sweep had just been everywhere; a closed flow keeps its own reason.
                let closed = || flow.closed().map(|(reason, _)| reason);
                let reason = swept_at(flow, clock_ns, &self.limits).or_else(closed);
                (slot, reason.unwrap_or(EndReason::End))
            })
            .collect::<Vec<_>>();
        self.finished_places += rows;
        for group in ended.chunks(GROUP) {
            self.approach_ends(group);
            for &(slot, reason) in group {
                let flow = self.table.take_out(slot);
                self.write_last(flow, reason);
            }
        }
        self.table.release_before(self.finished_places);
        self.finished_places < self.table.slots().used()
    }

    /// Records written since they were last drained.
    pub fn records(&mut self) -> &mut Vec<Flow> {
        &mut self.records
    }

    /// Takes back a list of records for its memory.
    pub fn reuse(&mut self, mut records: Vec<Flow>) {
        if self.records.is_empty() {
            records.clear();
            self.records = records;
        }
    }

    /// Who looks at the packets.
    pub fn observer(&mut self) -> &mut O {
        &mut self.observer
    }

    /// What the shard has done so far.
    pub fn counters(&self) -> ShardCounters {
        self.counters
    }

    /// Flows alive.
    pub fn live_flows(&self) -> usize {
        self.table.slots().live()
    }
}

/// The record of a flow that goes on in another.
fn cut<O: Observer>(observer: &mut O, flow: &Flow) -> Flow {
    let mut record = *flow;
    record.set_reason(EndReason::Active);
    record.mark = observer.note(flow, false);
    record
}
