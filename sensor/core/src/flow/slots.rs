//! Places for flows: allocated once, touched as needed, reused last-in first-out.

use super::entry::Flow;

/// Marks a free place: no clock ever reads this.
const FREE: u64 = u64::MAX;

/// A fixed number of places; memory becomes resident only where flows have been.
#[derive(Debug)]
pub(super) struct Slots {
    flows: Vec<Flow>,
    free: Vec<u32>,
    limit: usize,
}

impl Slots {
    /// Room for `limit` flows, clamped to what a place number can say.
    pub(super) fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, u32::MAX as usize - 1);
        Self {
            flows: Vec::with_capacity(limit),
            free: Vec::new(),
            limit,
        }
    }

    pub(super) fn live(&self) -> usize {
        self.flows.len() - self.free.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.live() >= self.limit
    }

    /// Puts a flow into a free place; the caller has made sure that there is one.
    pub(super) fn insert(&mut self, flow: Flow) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.flows[slot as usize] = flow;
            return slot;
        }
        self.flows.push(flow);
        (self.flows.len() - 1) as u32
    }

    pub(super) fn remove(&mut self, slot: u32) {
        self.flows[slot as usize].clock_ns = FREE;
        self.free.push(slot);
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&Flow> {
        self.flows.get(slot as usize)
    }

    #[inline]
    pub(super) fn at(&mut self, slot: u32) -> &mut Flow {
        &mut self.flows[slot as usize]
    }

    /// The live flows among the places `from..to`.
    pub(super) fn range(&self, from: usize, to: usize) -> impl Iterator<Item = (u32, &Flow)> {
        let to = to.min(self.flows.len());
        let flows = self.flows.get(from.min(to)..to).unwrap_or(&[]);
        (from as u32..)
            .zip(flows)
            .filter(|(_, flow)| flow.clock_ns != FREE)
    }

    /// Places that have ever been used.
    pub(super) fn used(&self) -> usize {
        self.flows.len()
    }
}
