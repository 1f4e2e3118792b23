//! Places for flows: added as needed, reused last-in first-out.

use std::io;

use super::entry::Flow;
use super::pages::Pages;

/// Places that come and go together.
const PIECE_BITS: u32 = 16;
const PIECE: usize = 1 << PIECE_BITS;

/// Up to a fixed number of places, in pieces of which each is one mapping: memory grows with the flows there
/// have been, and goes back piece by piece when the input is over.
#[derive(Debug)]
pub(super) struct Slots {
    pieces: Vec<Pages<Flow>>,
    used: usize,
    limit: usize,
    free: Vec<u32>,
    /// Flows that left their places when the input was over, which are not used again.
    gone: usize,
}

impl Slots {
    /// Room for `limit` flows, clamped to what a place number can say.
    pub(super) fn new(limit: usize) -> io::Result<Self> {
        let limit = limit.clamp(1, u32::MAX as usize - 1);
        Ok(Self {
            pieces: vec![Pages::new(PIECE.min(limit))?],
            used: 0,
            limit,
            free: Vec::new(),
            gone: 0,
        })
    }

    pub(super) fn live(&self) -> usize {
        self.used - self.free.len() - self.gone
    }

    /// Whether there is no free place and none can be added; adds a piece where that is possible.
    pub(super) fn is_full(&mut self) -> bool {
        if !self.free.is_empty() {
            return false;
        }
        if self.used < self.pieces.len() * PIECE && self.used < self.limit {
            return false;
        }
        if self.used >= self.limit {
            return true;
        }
        let more = PIECE.min(self.limit - self.used);
        match Pages::new(more) {
            Ok(piece) => {
                self.pieces.push(piece);
                false
            }
            // No memory for more: those there are have to do.
            Err(_) => true,
        }
    }

    /// Puts a flow into a free place; the caller has made sure by [`Self::is_full`] that there is one.
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

    /// Takes a flow out for good: the input is over.
    pub(super) fn take_out(&mut self, slot: u32) -> Flow {
        self.gone += 1;
        let place = self.at(slot);
        let flow = *place;
        place.free();
        flow
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&Flow> {
        let piece = self.pieces.get((slot >> PIECE_BITS) as usize)?;
        piece.as_slice().get(slot as usize % PIECE)
    }

    #[inline]
    pub(super) fn at(&mut self, slot: u32) -> &mut Flow {
        let piece = &mut self.pieces[(slot >> PIECE_BITS) as usize];
        &mut piece.as_mut_slice()[slot as usize % PIECE]
    }

    /// The live flows among the places `from..to`.
    pub(super) fn range(&self, from: usize, to: usize) -> impl Iterator<Item = (u32, &Flow)> {
        let to = to.min(self.used);
        let pieces = (0..).step_by(PIECE).zip(&self.pieces);
        pieces
            .skip(from >> PIECE_BITS)
            .take_while(move |(start, _)| *start < to)
            .flat_map(move |(start, piece)| {
                let (first, end) = (from.max(start), to.min(start + PIECE));
                let flows = piece.as_slice().get(first - start..end - start);
                (first as u32..).zip(flows.unwrap_or(&[]))
            })
            .filter(|(_, flow)| flow.is_live())
    }

    /// Gives the memory of the places before `place` back, for good: the input is over.
    pub(super) fn release_before(&mut self, place: usize) {
        for piece in self.pieces.iter_mut().take(place >> PIECE_BITS) {
            piece.release();
        }
    }

    /// Places that have ever been used.
    pub(super) fn used(&self) -> usize {
        self.used
    }
}
