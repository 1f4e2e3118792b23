//! The flows of a shard by their key: an open-addressed index over the places.

use std::io;

use super::entry::Flow;
use super::observer::Mark;
use super::packet::Packet;
use super::pages::Pages;
use super::slots::Slots;

/// Entries of an empty index.
const SMALLEST: usize = 1 << 10;

/// An index entry: the place plus one in the upper half, 32 bits of the hash in the lower; 0 is empty.
/// Those bits give both the position and the comparison, so growing and closing gaps need no flow.
#[derive(Debug)]
pub(super) struct Table {
    index: Pages<u64>,
    slots: Slots,
}

/// A place that no flow has.
pub(super) const NOWHERE: u32 = u32::MAX;

const fn tag(entry: u64) -> u32 {
    entry as u32
}

const fn slot(entry: u64) -> u32 {
    (entry >> 32) as u32 - 1
}

impl Table {
    pub(super) fn new(limit: usize) -> io::Result<Self> {
        Ok(Self {
            index: Pages::new(SMALLEST)?,
            slots: Slots::new(limit)?,
        })
    }

    #[inline]
    fn index(&self) -> &[u64] {
        self.index.as_slice()
    }

    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Whether a flow must go before another can come: there is no place, or no memory for a larger index.
    pub(super) fn is_full(&mut self) -> bool {
        self.slots.is_full() || self.slots.live() + 2 > self.index().len()
    }

    /// The input is over: no packet will be looked up any more, so the index can go. Flows leave by
    /// [`Self::take_out`] from now on.
    pub(super) fn close(&mut self) {
        self.index.release();
    }

    /// The flow at a place, which is gone for good: the input is over.
    pub(super) fn take_out(&mut self, slot: u32) -> Flow {
        self.slots.take_out(slot)
    }

    /// Gives the memory of the places before `place` back: the input is over.
    pub(super) fn release_before(&mut self, place: usize) {
        self.slots.release_before(place);
    }

    #[inline]
    pub(super) fn at(&mut self, slot: u32) -> &mut Flow {
        self.slots.at(slot)
    }

    #[inline]
    fn mask(&self) -> usize {
        self.index().len() - 1
    }

    /// Reads the index where a flow's entry is likely to be, so that it is near when it is needed.
    #[inline]
    pub(super) fn approach(&self, hash: u64) -> u64 {
        self.index()[hash as u32 as usize & self.mask()]
    }

    /// The same for the flow at a place, which is near already.
    #[inline]
    pub(super) fn approach_entry(&self, slot: u32) -> u64 {
        let flow = self.slots.get(slot);
        flow.map_or(0, |flow| self.approach(flow.tag.into()))
    }

    /// The place of the flow with this hash as far as the index knows: another flow's once in billions.
    #[inline]
    pub(super) fn guess(&self, hash: u64) -> u32 {
        let (index, mask) = (self.index(), self.mask());
        let mut position = hash as u32 as usize & mask;
        loop {
            let entry = index[position];
            if entry == 0 {
                return NOWHERE;
            }
            if tag(entry) == hash as u32 {
                return slot(entry);
            }
            position = (position + 1) & mask;
        }
    }

    /// Reads both lines of the flow at a place, for the same reason: its mark stands in the second.
    #[inline]
    pub(super) fn touch(&self, slot: u32) -> (u64, Mark) {
        match self.slots.get(slot) {
            Some(flow) => (u64::from(flow.tag), flow.mark),
            None => (0, Mark::NONE),
        }
    }

    /// The place of the packet's flow, which is the guess unless the table changed since.
    #[inline]
    pub(super) fn confirm(&self, packet: &Packet, guess: u32) -> Option<u32> {
        let right = self
            .slots
            .get(guess)
            .is_some_and(|flow| flow.key == packet.key && flow.is_live());
        if right {
            Some(guess)
        } else {
            self.find(packet)
        }
    }

    /// The place of the packet's flow.
    pub(super) fn find(&self, packet: &Packet) -> Option<u32> {
        let mask = self.mask();
        let mut position = packet.hash as u32 as usize & mask;
        loop {
            let entry = self.index()[position];
            if entry == 0 {
                return None;
            }
            if tag(entry) == packet.hash as u32
                && self
                    .slots
                    .get(slot(entry))
                    .is_some_and(|flow| flow.key == packet.key)
            {
                return Some(slot(entry));
            }
            position = (position + 1) & mask;
        }
    }

    /// Adds a flow whose key is not there; the caller has made room.
    pub(super) fn insert(&mut self, flow: Flow) -> u32 {
        if (self.slots.live() + 1) * 2 > self.index().len() {
            self.grow();
        }
        let tag = flow.tag;
        let slot = self.slots.insert(flow);
        self.place((u64::from(slot) + 1) << 32 | u64::from(tag));
        slot
    }

    fn place(&mut self, entry: u64) {
        let mask = self.mask();
        let mut position = tag(entry) as usize & mask;
        let index = self.index.as_mut_slice();
        while index[position] != 0 {
            position = (position + 1) & mask;
        }
        index[position] = entry;
    }

    /// Doubles the index; where there is no memory for that, it goes on fuller and slower.
    fn grow(&mut self) {
        let Ok(larger) = Pages::new(self.index().len() * 2) else {
            return;
        };
        let old = std::mem::replace(&mut self.index, larger);
        for &entry in old.as_slice().iter().filter(|&&entry| entry != 0) {
            self.place(entry);
        }
    }

    /// Removes the flow at a place and moves followers up, so that probing never meets a gap.
    pub(super) fn remove(&mut self, slot_number: u32) -> Flow {
        let flow = *self.slots.at(slot_number);
        let mask = self.mask();
        let index = self.index.as_mut_slice();
        let mut hole = flow.tag as usize & mask;
        while index[hole] == 0 || slot(index[hole]) != slot_number {
            hole = (hole + 1) & mask;
        }
        let mut next = hole;
        loop {
            next = (next + 1) & mask;
            let entry = index[next];
            if entry == 0 {
                break;
            }
            // An entry may move up only to a position at or behind its own.
            let home = tag(entry) as usize & mask;
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                index[hole] = entry;
                hole = next;
            }
        }
        index[hole] = 0;
        self.slots.remove(slot_number);
        flow
    }

    /// Bytes of the index.
    #[cfg(test)]
    pub(super) fn index_bytes(&self) -> usize {
        size_of_val(self.index())
    }
}
