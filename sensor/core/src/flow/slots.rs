//! Places for flows: allocated once, touched as needed, reused last-in first-out.

use std::io;

use super::entry::Flow;
use super::pages::Pages;

/// A fixed number of places; memory becomes resident only where flows have been.
#[derive(Debug)]
pub(super) struct Slots {
    pages: Pages<Flow>,
    used: usize,
    free: Vec<u32>,
}

impl Slots {
    /// Room for `limit` flows, clamped to what a place number can say.
    pub(super) fn new(limit: usize) -> io::Result<Self> {
        let limit = limit.clamp(1, u32::MAX as usize - 1);
        Ok(Self {
            pages: Pages::new(limit)?,
            used: 0,
            free: Vec::new(),
        })
    }

    pub(super) fn live(&self) -> usize {
        self.used - self.free.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.live() >= self.pages.as_slice().len()
    }

    /// Puts a flow into a free place; the caller has made sure that there is one.
    pub(super) fn insert(&mut self, flow: Flow) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.used += 1;
            (self.used - 1) as u32
        });
        *self.at(slot) = flow;
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) {
        self.at(slot).free();
        self.free.push(slot);
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&Flow> {
        self.pages.as_slice().get(slot as usize)
    }

    #[inline]
    pub(super) fn at(&mut self, slot: u32) -> &mut Flow {
        &mut self.pages.as_mut_slice()[slot as usize]
    }

    /// The live flows among the places `from..to`.
    pub(super) fn range(&self, from: usize, to: usize) -> impl Iterator<Item = (u32, &Flow)> {
        let to = to.min(self.used);
        let flows = self.pages.as_slice().get(from.min(to)..to).unwrap_or(&[]);
        (from as u32..)
            .zip(flows)
            .filter(|(_, flow)| flow.is_live())
    }

    /// Places that have ever been used.
    pub(super) fn used(&self) -> usize {
        self.used
    }
}
