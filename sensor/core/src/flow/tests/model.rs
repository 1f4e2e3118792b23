//! What flows are by the documented rules, slow and simple: no table, no sweep, no clock but the packets' own.

use std::collections::HashMap;

use super::super::FlowLimits;
use super::build::{ACK, End, FIN, RST, Row, SYN, TCP};
use crate::decode::Level;
use crate::watch::BlockRef;

/// A packet as both the model and the shard get it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) time_ns: i64,
    pub(super) level: Level,
    pub(super) blocks: (BlockRef, BlockRef),
}

/// Packets may be so much out of order before silence is believed.
const REORDER_NS: i128 = 5_000_000_000;

/// The two ends, lower first, and what else tells flows apart.
type Key = (End, End, u8, Option<&'static str>);

#[derive(Clone)]
struct Live {
    begun_by: Option<End>,
    blocks: [BlockRef; 2],
    inside: usize,
    first_ns: i64,
    start_ns: i64,
    end_ns: i64,
    clock_ns: u64,
    record: u32,
    packets: [u64; 2],
    bytes: [u64; 2],
    tcp_flags: [u8; 2],
    spoke: [bool; 2],
    fins: [bool; 2],
    answered: bool,
    closed: Option<(&'static str, i64)>,
}

pub(super) struct Model {
    limits: FlowLimits,
    flows: HashMap<Key, Live>,
    rows: Vec<Row>,
}

impl Model {
    pub(super) fn new(limits: FlowLimits) -> Self {
        Self {
            limits,
            flows: HashMap::new(),
            rows: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, sent: &Sent, clock_ns: u64) {
        let level = &sent.level;
        let (from, to) = (
            (level.source, level.source_port),
            (level.destination, level.destination_port),
        );
        let sender = usize::from(from > to);
        let key = (
            from.min(to),
            from.max(to),
            level.protocol,
            level.tunnel.word(),
        );
        let mut blocks = [sent.blocks.0, sent.blocks.1];
        if sender == 1 {
            blocks.reverse();
        }
        let over = self
            .flows
            .get(&key)
            .and_then(|flow| flow.over(sent, clock_ns, blocks, &self.limits));
        if let Some(reason) = over {
            self.end(&key, reason);
        }
        if let Some(flow) = self.flows.get_mut(&key) {
            let covered = i128::from(sent.time_ns) - i128::from(flow.start_ns);
            if covered >= i128::from(self.limits.active_ns) {
                self.rows.push(flow.row(&key, "active"));
                *flow = Live {
                    record: flow.record + 1,
                    start_ns: sent.time_ns,
                    end_ns: sent.time_ns,
                    packets: [0; 2],
                    bytes: [0; 2],
                    ..flow.clone()
                };
            }
        }
        self.flows
            .entry(key)
            .or_insert_with(|| Live::begin(sent, from, to, blocks))
            .count(sent, from, sender, clock_ns);
    }

    fn end(&mut self, key: &Key, reason: &'static str) {
        if let Some(flow) = self.flows.remove(key) {
            self.rows.push(flow.row(key, reason));
        }
    }

    /// Every record, sorted.
    pub(super) fn finish(mut self, clock_ns: u64) -> Vec<Row> {
        for (key, flow) in std::mem::take(&mut self.flows) {
            let closed = flow.closed.map(|(reason, _)| reason);
            let reason = flow.silent(clock_ns, &self.limits).or(closed);
            self.rows.push(flow.row(&key, reason.unwrap_or("end")));
        }
        self.rows.sort();
        self.rows
    }
}

impl Live {
    fn begin(sent: &Sent, from: End, to: End, blocks: [BlockRef; 2]) -> Self {
        let begun_by = match (sent.level.protocol, sent.level.tcp_flags & (SYN | ACK)) {
            (TCP, SYN) => Some(from),
            (TCP, both) if both == SYN | ACK => Some(to),
            (TCP, _) => None,
            _ => Some(from),
        };
        let inside = match blocks.map(BlockRef::is_none) {
            [false, false] => usize::from(begun_by.is_some_and(|end| end == from.max(to))),
            [false, true] => 0,
            _ => 1,
        };
        Self {
            begun_by,
            blocks,
            inside,
            first_ns: sent.time_ns,
            start_ns: sent.time_ns,
            end_ns: sent.time_ns,
            clock_ns: 0,
            record: 0,
            packets: [0; 2],
            bytes: [0; 2],
            tcp_flags: [0; 2],
            spoke: [false; 2],
            fins: [false; 2],
            answered: false,
            closed: None,
        }
    }

    /// Why the stream's clock says that nothing more will come.
    fn silent(&self, clock_ns: u64, limits: &FlowLimits) -> Option<&'static str> {
        let silent_ns = i128::from(clock_ns) - i128::from(self.clock_ns);
        let (reason, patience_ns) = match self.closed {
            Some((reason, _)) => (reason, limits.close_ns),
            None => ("idle", limits.idle_ns),
        };
        (silent_ns > i128::from(patience_ns) + REORDER_NS).then_some(reason)
    }

    fn over(
        &self,
        sent: &Sent,
        clock_ns: u64,
        blocks: [BlockRef; 2],
        limits: &FlowLimits,
    ) -> Option<&'static str> {
        if let Some(reason) = self.silent(clock_ns, limits) {
            return Some(reason);
        }
        let time = i128::from(sent.time_ns);
        if let Some((reason, closed_ns)) = self.closed {
            let begins_anew = sent.level.tcp_flags & (SYN | ACK) == SYN;
            if begins_anew || time - i128::from(closed_ns) > i128::from(limits.close_ns) {
                return Some(reason);
            }
        }
        let idle_ns = i128::from(limits.idle_ns);
        let (start, end) = (i128::from(self.start_ns), i128::from(self.end_ns));
        if time > end + idle_ns || time < start - idle_ns {
            return Some("idle");
        }
        (blocks != self.blocks).then_some("end")
    }

    /// A time cut to whole milliseconds after the first packet, 24 days at most.
    fn whole_ms(&self, time_ns: i64) -> i64 {
        let after_ms = time_ns.saturating_sub(self.first_ns).div_euclid(1_000_000);
        let kept = after_ms.clamp(i32::MIN.into(), i32::MAX.into());
        self.first_ns.saturating_add(kept * 1_000_000)
    }

    fn count(&mut self, sent: &Sent, from: End, sender: usize, clock_ns: u64) {
        let level = &sent.level;
        self.packets[sender] += 1;
        self.bytes[sender] += u64::from(level.ip_bytes);
        self.tcp_flags[sender] |= level.tcp_flags;
        self.start_ns = self.start_ns.min(sent.time_ns);
        self.end_ns = self.end_ns.max(sent.time_ns);
        self.clock_ns = self.clock_ns.max(clock_ns);
        if level.protocol != TCP {
            self.answered |= self.begun_by != Some(from);
            return;
        }
        let flags = level.tcp_flags;
        let speaks = level.payload_bytes > 0 || flags & (SYN | ACK) == SYN | ACK;
        if speaks && flags & RST == 0 {
            self.spoke[sender] = true;
            self.answered |= match self.begun_by {
                Some(end) => end != from,
                None => self.spoke == [true; 2],
            };
        }
        self.fins[sender] |= flags & FIN != 0;
        if self.closed.is_none() {
            if flags & RST != 0 {
                self.closed = Some(("rst", self.whole_ms(sent.time_ns)));
            } else if flags & FIN != 0 && self.fins == [true; 2] {
                self.closed = Some(("fin", self.whole_ms(sent.time_ns)));
            }
        }
    }

    fn row(&self, key: &Key, reason: &'static str) -> Row {
        let ends = [key.0, key.1];
        let (inside, outside) = (self.inside, 1 - self.inside);
        let initiator = match self.begun_by {
            None => "unknown",
            Some(end) if end == ends[inside] => "inside",
            Some(_) => "outside",
        };
        Row {
            inside: ends[inside],
            outside: ends[outside],
            protocol: key.2,
            tunnel: key.3,
            first_ns: self.first_ns,
            record: self.record,
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            packets: (self.packets[inside], self.packets[outside]),
            bytes: (self.bytes[inside], self.bytes[outside]),
            tcp_flags: (self.tcp_flags[inside], self.tcp_flags[outside]),
            blocks: (self.blocks[inside].index(), self.blocks[outside].index()),
            initiator: initiator.to_owned(),
            answered: self.answered,
            reason,
        }
    }
}
