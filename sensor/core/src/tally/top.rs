//! The heaviest flows alive, found without a scan: flows tell a bounded list now and then how far they are.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use super::labels::Label;
use super::names::{BlockId, Names, ServiceId};
use super::tallies::{OutIn, TopFlow};
use crate::flow::{Flow, FlowKey};

/// Most groups of parallel connections that a shard has an eye on; the lightest make room for others.
pub const MAX_CANDIDATES: usize = 512;
/// Most connections of a group that are followed at a time; further ones count as their records end.
pub const MAX_MEMBERS: usize = 64;
/// A group that was among the heaviest is told for so long: ten minutes, and a minute for those who ask late.
pub const LISTED_NS: u64 = 660_000_000_000;

/// Groups that are over are forgotten so often.
const FORGET_EVERY_NS: u64 = 60_000_000_000;
/// A flow tells how far it is every so many packets, and before that at every power of two.
const TELL_EVERY: u64 = 64;

/// Connections that are one as seen from outside the sensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Group {
    block: BlockId,
    service: Option<ServiceId>,
    inside: u128,
    outside: u128,
    outside_port: u16,
    protocol: u8,
}

impl Group {
    pub(super) fn of(flow: &Flow, label: &Label) -> Self {
        let (inside, outside) = flow.addresses();
        Self {
            block: label.block,
            service: label.service,
            inside,
            outside,
            outside_port: flow.ports().1,
            protocol: flow.key.protocol,
        }
    }
}

/// Packets and bytes, out and in.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    packets: OutIn,
    bytes: OutIn,
}

impl Sums {
    fn of(flow: &Flow) -> Self {
        Self {
            packets: flow.packets(),
            bytes: flow.bytes(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.packets.0 += other.packets.0;
        self.packets.1 += other.packets.1;
        self.bytes.0 += other.bytes.0;
        self.bytes.1 += other.bytes.1;
    }
}

/// What is known of a group.
#[derive(Debug, Default)]
struct Entry {
    /// Of records that have been written.
    done: Sums,
    /// Of the connections' present records, as last told.
    members: Vec<(FlowKey, Sums)>,
    listed_until_ns: u64,
}

impl Entry {
    fn sums(&self) -> Sums {
        let mut sums = self.done;
        for (_, open) in &self.members {
            sums.add(open);
        }
        sums
    }

    fn weight(&self) -> u64 {
        let (out, incoming) = self.sums().bytes;
        out + incoming
    }

    fn is_alive(&self) -> bool {
        !self.members.is_empty()
    }

    fn take_member(&mut self, key: &FlowKey) -> Option<Sums> {
        let place = self.members.iter().position(|(known, _)| known == key)?;
        Some(self.members.swap_remove(place).1)
    }
}

/// The groups that are heavy, or may become so.
#[derive(Debug, Default)]
pub(super) struct Top {
    size: usize,
    entries: HashMap<Group, Entry, RandomState>,
    /// Groups as light as this were put out for lack of room, not long ago.
    floor_bytes: u64,
    clock_ns: u64,
    forgot_ns: u64,
}

impl Top {
    /// Tells so many of the heaviest; none at all if 0.
    pub(super) fn new(size: usize) -> Self {
        let mut top = Self::default();
        top.set_size(size);
        top
    }

    pub(super) fn set_size(&mut self, size: usize) {
        self.size = size.min(MAX_CANDIDATES / 4);
        if size == 0 {
            self.entries = HashMap::default();
        }
    }

    /// Whether the flow, in which a packet has just been counted, is to tell how far it is.
    #[inline]
    pub(super) fn is_due(&self, flow: &Flow) -> bool {
        if self.size == 0 {
            return false;
        }
        let (out, incoming) = flow.packets();
        let packets = out + incoming;
        packets > 1 && (packets.is_power_of_two() || packets.is_multiple_of(TELL_EVERY))
    }

    /// A flow tells how far it is.
    pub(super) fn tell(&mut self, flow: &Flow, group: Group, clock_ns: u64) {
        self.clock_ns = self.clock_ns.max(clock_ns);
        let sums = Sums::of(flow);
        let is_light = sums.bytes.0 + sums.bytes.1 <= self.floor_bytes;
        if !self.entries.contains_key(&group) && (is_light || !self.has_room()) {
            return;
        }
        let entry = self.entries.entry(group).or_default();
        let mut members = entry.members.iter_mut();
        if let Some((_, open)) = members.find(|(key, _)| *key == flow.key) {
            *open = sums;
        } else if entry.members.len() < MAX_MEMBERS {
            entry.members.push((flow.key, sums));
        }
    }

    /// A record of a flow is written, its last one if it `ends`.
    pub(super) fn record(&mut self, flow: &Flow, group: &Group, ends: bool) {
        if self.entries.is_empty() {
            return;
        }
        let Some(entry) = self.entries.get_mut(group) else {
            return;
        };
        let was_member = entry.take_member(&flow.key).is_some();
        entry.done.add(&Sums::of(flow));
        if was_member && !ends {
            entry.members.push((flow.key, Sums::default()));
        }
    }

    /// A flow belongs to another group from now on: its service has become known.
    pub(super) fn leave(&mut self, flow: &Flow, group: &Group) {
        let Some(entry) = self.entries.get_mut(group) else {
            return;
        };
        let open = entry.take_member(&flow.key);
        if entry.listed_until_ns > 0 {
            // What has been told is not taken back.
            entry.done.add(&open.unwrap_or_default());
        } else if !entry.is_alive() {
            self.entries.remove(group);
        }
    }

    /// Makes room where there is none by putting out the lighter half of what is not listed.
    fn has_room(&mut self) -> bool {
        if self.entries.len() < MAX_CANDIDATES {
            return true;
        }
        let clock_ns = self.clock_ns;
        let free = |entry: &Entry| entry.listed_until_ns <= clock_ns;
        let mut weights: Vec<u64> = self
            .entries
            .values()
            .filter(|entry| free(entry))
            .map(Entry::weight)
            .collect();
        if weights.is_empty() {
            return false;
        }
        let middle = (weights.len() - 1) / 2;
        let (_, &mut floor, _) = weights.select_nth_unstable(middle);
        self.floor_bytes = floor;
        self.entries
            .retain(|_, entry| !free(entry) || entry.weight() > floor);
        self.entries.len() < MAX_CANDIDATES
    }

    /// The stream's clock says this much: forgets what is over.
    pub(super) fn expire(&mut self, clock_ns: u64) {
        self.clock_ns = self.clock_ns.max(clock_ns);
        if self.clock_ns - self.forgot_ns < FORGET_EVERY_NS {
            return;
        }
        self.forgot_ns = self.clock_ns;
        self.floor_bytes = 0;
        let clock_ns = self.clock_ns;
        self.entries
            .retain(|_, entry| entry.is_alive() || entry.listed_until_ns > clock_ns);
    }

    /// The heaviest that are alive, and those that were among them not long ago.
    pub(super) fn heaviest(&mut self, names: &Names) -> Vec<TopFlow> {
        let mut alive: Vec<(u64, &mut Entry)> = self
            .entries
            .values_mut()
            .filter(|entry| entry.is_alive())
            .map(|entry| (entry.weight(), entry))
            .collect();
        alive.sort_unstable_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        for (_, entry) in alive.into_iter().take(self.size) {
            entry.listed_until_ns = self.clock_ns.saturating_add(LISTED_NS);
        }
        let listed = |entry: &Entry| entry.listed_until_ns > self.clock_ns;
        let entries = self.entries.iter().filter(|(_, entry)| listed(entry));
        entries
            .map(|(group, entry)| {
                let sums = entry.sums();
                TopFlow {
                    block: names.block_name(group.block),
                    inside: group.inside,
                    outside: group.outside,
                    outside_port: group.outside_port,
                    protocol: group.protocol,
                    service: group.service.map(|id| names.service_name(id)),
                    packets: sums.packets,
                    bytes: sums.bytes,
                    alive: entry.is_alive(),
                }
            })
            .collect()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
