//! The states of a shard's flows: a place each, and a bound on what they hold together.

use std::collections::VecDeque;

use super::{NameState, Naming, Segment, Step, StreamState, UdpDatagram};

/// Most bytes that the states of one shard hold; those begun first are given up beyond.
pub const MAX_STATE_BYTES: usize = 128 << 20;
/// Entries that are over and may stay in the queue, beyond one for each state.
const SPARE_ENTRIES: usize = 1024;

/// States of TCP that are kept for other flows: memory used a moment ago is near, all other is not.
const SPARE_STREAMS: usize = 256;

/// Where a flow's state is; a flow without one has [`StateRef::NONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateRef {
    place: u32,
    /// Tells this use of the place from others.
    generation: u32,
}

impl StateRef {
    /// No state: never begun, settled, or given up.
    pub const NONE: Self = Self {
        place: u32::MAX,
        generation: 0,
    };

    /// Whether there is no state.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl Default for StateRef {
    fn default() -> Self {
        Self::NONE
    }
}

/// What became of the states so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameStatesCounters {
    /// States begun.
    pub begun: u64,
    /// Those that came to a result, or to their limit.
    pub settled: u64,
    /// Those given up for lack of room.
    pub evicted: u64,
}

/// One flow: what its owner keeps of it, and its state while it has one. Side by side, since they are
/// needed together and lie far from everything else.
#[derive(Debug, Default)]
struct Place<K> {
    kept: K,
    state: Option<NameState>,
    generation: u32,
}

/// What an owner keeps of a flow, and what that takes.
pub trait Kept: Default {
    /// Bytes of memory beyond the struct itself.
    fn heap_bytes(&self) -> usize;
}

impl Kept for () {
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// The states of one shard, with what is kept of their flows besides.
#[derive(Debug)]
pub struct NameStates<K = ()> {
    places: Vec<Place<K>>,
    free: Vec<u32>,
    /// As new; the last one back is the first to go.
    #[allow(clippy::vec_box)] // They come from flows and go to flows in their boxes.
    spare: Vec<Box<StreamState>>,
    /// In the order in which they were begun; those that are over no longer match.
    queue: VecDeque<StateRef>,
    /// States that hold memory.
    alive: usize,
    held_bytes: usize,
    max_bytes: usize,
    kept_bytes: usize,
    counters: NameStatesCounters,
}

impl<K: Kept> Default for NameStates<K> {
    fn default() -> Self {
        Self::new(MAX_STATE_BYTES)
    }
}

impl NameStates {
    /// A state for a new flow of this IP protocol.
    pub fn begin(&mut self, protocol: u8) -> StateRef {
        let Some(state) = NameState::new(protocol) else {
            return StateRef::NONE;
        };
        let place = self.keep((), Some(state));
        let generation = self.places.get(place as usize).map(|at| at.generation);
        generation.map_or(StateRef::NONE, |generation| StateRef { place, generation })
    }

    /// Gives a flow's TCP segment to its state; once it is settled or given up, so is the flow.
    pub fn segment(
        &mut self,
        at: StateRef,
        segment: &Segment<'_>,
        naming: &mut Naming<'_>,
    ) -> Step {
        if !self.holds(at) {
            return Step::Settled;
        }
        self.look(at.place, |state, ()| state.segment(segment, naming))
    }

    /// Gives a flow's UDP datagram to its state; once it is settled or given up, so is the flow.
    pub fn datagram(
        &mut self,
        at: StateRef,
        datagram: &UdpDatagram<'_>,
        naming: &mut Naming<'_>,
    ) -> Step {
        if !self.holds(at) {
            return Step::Settled;
        }
        self.look(at.place, |state, ()| state.datagram(datagram, naming))
    }

    /// The flow has ended: its state, if it still has one, is no longer needed.
    pub fn end(&mut self, at: StateRef) {
        let place = self.places.get(at.place as usize);
        if place.is_some_and(|place| place.generation == at.generation) {
            self.forget(at.place);
        }
    }
}

impl<K: Kept> NameStates<K> {
    /// No states yet; at most `max_bytes` later.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            spare: Vec::new(),
            queue: VecDeque::new(),
            alive: 0,
            held_bytes: 0,
            max_bytes,
            kept_bytes: 0,
            counters: NameStatesCounters::default(),
        }
    }

    /// A place for a flow, which is its own until [`Self::forget`], whatever becomes of its state.
    pub(crate) fn keep(&mut self, kept: K, state: Option<NameState>) -> u32 {
        let bytes = state.as_ref().map_or(0, NameState::heap_bytes);
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() as u32 - 1
        });
        let Some(room) = self.places.get_mut(place as usize) else {
            return place;
        };
        self.kept_bytes += kept.heap_bytes();
        room.kept = kept;
        room.state = state;
        if bytes > 0 {
            let generation = room.generation;
            self.queue.push_back(StateRef { place, generation });
            self.counters.begun += 1;
            self.alive += 1;
            self.held_bytes += bytes;
            self.make_room();
        }
        place
    }

    /// A new state for a flow of TCP. One that is not kept comes back by [`Self::give_back`].
    pub(crate) fn new_stream(&mut self) -> Box<StreamState> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes a state back for its memory.
    pub(crate) fn give_back(&mut self, mut state: Box<StreamState>) {
        if self.spare.len() < SPARE_STREAMS {
            state.renew();
            self.spare.push(state);
        }
    }

    /// What is kept of the flow at a place.
    #[inline]
    pub(crate) fn kept(&self, place: u32) -> Option<&K> {
        Some(&self.places.get(place as usize)?.kept)
    }

    /// Reads a place, so that it is near when it is needed.
    #[inline]
    pub(crate) fn approach(&self, place: u32) -> u64 {
        let place = self.places.get(place as usize);
        place.map_or(0, |place| {
            u64::from(place.generation) ^ u64::from(place.state.is_some())
        })
    }

    /// Reads the state that a place leads to, for the same reason.
    #[inline]
    pub(crate) fn touch(&self, place: u32) -> u64 {
        let place = self.places.get(place as usize);
        let state = place.and_then(|place| place.state.as_ref());
        state.map_or(0, NameState::touch)
    }

    /// Lets a flow's state take something, and its owner what that found. Settled where there is no state,
    /// and none is left once it settles.
    pub(crate) fn look(
        &mut self,
        place: u32,
        look: impl FnOnce(&mut NameState, &mut K) -> Step,
    ) -> Step {
        let Some(at) = self.places.get_mut(place as usize) else {
            return Step::Settled;
        };
        let Some(state) = &mut at.state else {
            return Step::Settled;
        };
        let (before, kept_before) = (state.heap_bytes(), at.kept.heap_bytes());
        let step = look(state, &mut at.kept);
        let after = state.heap_bytes();
        self.kept_bytes = self.kept_bytes + at.kept.heap_bytes() - kept_before;
        self.held_bytes = self.held_bytes + after - before;
        if step == Step::Settled {
            self.counters.settled += 1;
            self.drop_state(place);
        } else if after > before {
            self.make_room();
        }
        step
    }

    /// The flow has ended, or has nothing to keep: its place is free. Gives back what was kept.
    pub(crate) fn forget(&mut self, place: u32) -> K {
        self.drop_state(place);
        let Some(at) = self.places.get_mut(place as usize) else {
            return K::default();
        };
        at.generation = at.generation.wrapping_add(1);
        self.free.push(place);
        let kept = std::mem::take(&mut at.kept);
        self.kept_bytes -= kept.heap_bytes();
        kept
    }

    /// What became of the states so far.
    pub const fn counters(&self) -> NameStatesCounters {
        self.counters
    }

    /// Bytes that the states hold, about.
    pub const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Bytes of what is kept of flows besides their states.
    pub const fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// States alive.
    pub const fn len(&self) -> usize {
        self.alive
    }

    /// Whether no state is alive.
    pub const fn is_empty(&self) -> bool {
        self.alive == 0
    }

    /// Whether a state is alive.
    fn holds(&self, at: StateRef) -> bool {
        self.places
            .get(at.place as usize)
            .is_some_and(|place| place.generation == at.generation && place.state.is_some())
    }

    /// Frees the state at a place; whether there was one that held memory.
    fn drop_state(&mut self, place: u32) -> bool {
        let Some(state) = self
            .places
            .get_mut(place as usize)
            .and_then(|place| place.state.take())
        else {
            return false;
        };
        let bytes = state.heap_bytes();
        self.held_bytes -= bytes;
        self.alive -= usize::from(bytes > 0);
        if let NameState::Stream(state) = state {
            self.give_back(state);
        }
        bytes > 0
    }

    fn make_room(&mut self) {
        while self.held_bytes > self.max_bytes {
            let Some(oldest) = self.queue.pop_front() else {
                return;
            };
            if self.holds(oldest) {
                self.counters.evicted += u64::from(self.drop_state(oldest.place));
            }
        }
        if self.queue.len() > 2 * self.len() + SPARE_ENTRIES {
            let mut queue = std::mem::take(&mut self.queue);
            queue.retain(|&at| self.holds(at));
            self.queue = queue;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Found, Resolvers};
    use crate::name::dns::Message;

    fn segment(states: &mut NameStates, at: StateRef, payload: &[u8]) -> Step {
        let segment = Segment {
            from_client: true,
            client_is_known: true,
            sequence: 0,
            syn: false,
            payload,
            client_port: 1,
            server_port: 2,
        };
        let mut naming = Naming {
            resolvers: &Resolvers::default(),
            message: &mut Message::default(),
            found: &mut Found::default(),
            dns: &mut |_, _| {},
        };
        states.segment(at, &segment, &mut naming)
    }

    #[test]
    fn only_tcp_and_udp_have_states() {
        let mut states: NameStates = NameStates::default();
        assert!(states.begin(1).is_none());
        assert!(!states.begin(6).is_none());
        assert!(!states.begin(17).is_none());
        assert_eq!(states.len(), 2);
    }

    #[test]
    fn places_are_used_again_and_old_references_say_settled() {
        let mut states: NameStates = NameStates::default();
        let first = states.begin(6);
        states.end(first);
        let second = states.begin(6);
        assert_eq!((first.place, states.len()), (second.place, 1));
        assert_eq!(segment(&mut states, first, b"x"), Step::Settled);
        assert_eq!(segment(&mut states, second, b"x"), Step::Continue);
        states.end(first);
        assert_eq!(states.len(), 1);
        states.end(second);
        assert_eq!(states.held_bytes(), 0);
    }

    #[test]
    fn the_first_begun_make_room() {
        let mut states: NameStates = NameStates::new(40_000);
        let flows: Vec<StateRef> = (0..4).map(|_| states.begin(6)).collect();
        for &flow in &flows {
            assert_eq!(segment(&mut states, flow, &[9; 15_000]), Step::Continue);
            assert!(states.held_bytes() <= 40_000);
        }
        assert_eq!((states.len(), states.counters().evicted), (2, 2));
        assert_eq!(segment(&mut states, flows[1], b"x"), Step::Settled);
        assert_eq!(segment(&mut states, flows[3], b"x"), Step::Continue);
    }

    #[test]
    fn the_queue_does_not_grow() {
        let mut states: NameStates = NameStates::default();
        for _ in 0..10 * SPARE_ENTRIES {
            let flow = states.begin(6);
            states.end(flow);
        }
        assert!(states.queue.len() <= 2 * SPARE_ENTRIES && states.places.len() == 1);
    }
}
