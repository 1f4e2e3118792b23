//! The states of a shard's flows: a place each, and a bound on what they hold together.

use std::collections::VecDeque;

use super::{NameState, Naming, Segment, Step, UdpDatagram};

/// Most bytes that the states of one shard hold; those begun first are given up beyond.
pub const MAX_STATE_BYTES: usize = 128 << 20;
/// Entries that are over and may stay in the queue, beyond one for each state.
const SPARE_ENTRIES: usize = 1024;

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

    /// All that is known of the flow is that it is DNS: that needs no place.
    pub(crate) const DNS: Self = Self {
        place: u32::MAX,
        generation: 1,
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

#[derive(Debug, Default)]
struct Place {
    state: Option<NameState>,
    generation: u32,
}

/// The states of one shard.
#[derive(Debug)]
pub struct NameStates {
    places: Vec<Place>,
    free: Vec<u32>,
    /// In the order in which they were begun; those that are over no longer match.
    queue: VecDeque<StateRef>,
    held_bytes: usize,
    max_bytes: usize,
    counters: NameStatesCounters,
}

impl Default for NameStates {
    fn default() -> Self {
        Self::new(MAX_STATE_BYTES)
    }
}

impl NameStates {
    /// No states yet; at most `max_bytes` later.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            queue: VecDeque::new(),
            held_bytes: 0,
            max_bytes,
            counters: NameStatesCounters::default(),
        }
    }

    /// A state for a new flow of this IP protocol.
    pub fn begin(&mut self, protocol: u8) -> StateRef {
        NameState::new(protocol).map_or(StateRef::NONE, |state| self.keep(state))
    }

    /// Keeps a state that was begun elsewhere.
    pub fn keep(&mut self, state: NameState) -> StateRef {
        self.counters.begun += 1;
        self.held_bytes += state.heap_bytes();
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() as u32 - 1
        });
        let Some(entry) = self.places.get_mut(place as usize) else {
            return StateRef::NONE;
        };
        entry.state = Some(state);
        let begun = StateRef {
            place,
            generation: entry.generation,
        };
        self.queue.push_back(begun);
        self.make_room();
        begun
    }

    /// Gives a flow's TCP segment to its state; once it is settled or given up, so is the flow.
    pub fn segment(
        &mut self,
        at: StateRef,
        segment: &Segment<'_>,
        naming: &mut Naming<'_>,
    ) -> Step {
        self.look(at, |state| state.segment(segment, naming))
    }

    /// Gives a flow's UDP datagram to its state; once it is settled or given up, so is the flow.
    pub fn datagram(
        &mut self,
        at: StateRef,
        datagram: &UdpDatagram<'_>,
        naming: &mut Naming<'_>,
    ) -> Step {
        self.look(at, |state| state.datagram(datagram, naming))
    }

    /// The flow has ended: its state, if it still has one, is no longer needed.
    pub fn end(&mut self, at: StateRef) {
        self.remove(at);
    }

    /// What became of the states so far.
    pub const fn counters(&self) -> NameStatesCounters {
        self.counters
    }

    /// Bytes that the states hold, about.
    pub const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// States alive.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether no state is alive.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn look(&mut self, at: StateRef, look: impl FnOnce(&mut NameState) -> Step) -> Step {
        let Some(state) = self.get(at) else {
            return Step::Settled;
        };
        let before = state.heap_bytes();
        let step = look(state);
        let after = state.heap_bytes();
        self.held_bytes = self.held_bytes + after - before;
        if step == Step::Settled {
            self.counters.settled += 1;
            self.remove(at);
        } else if after > before {
            self.make_room();
        }
        step
    }

    fn get(&mut self, at: StateRef) -> Option<&mut NameState> {
        let place = self.places.get_mut(at.place as usize)?;
        place
            .state
            .as_mut()
            .filter(|_| place.generation == at.generation)
    }

    fn remove(&mut self, at: StateRef) -> bool {
        let place = self.places.get_mut(at.place as usize);
        let Some(place) = place.filter(|place| place.generation == at.generation) else {
            return false;
        };
        let Some(state) = place.state.take() else {
            return false;
        };
        place.generation = place.generation.wrapping_add(1);
        self.held_bytes -= state.heap_bytes();
        self.free.push(at.place);
        true
    }

    fn make_room(&mut self) {
        while self.held_bytes > self.max_bytes {
            let Some(oldest) = self.queue.pop_front() else {
                return;
            };
            self.counters.evicted += u64::from(self.remove(oldest));
        }
        if self.queue.len() > 2 * self.len() + SPARE_ENTRIES {
            let mut queue = std::mem::take(&mut self.queue);
            queue.retain(|&at| self.get(at).is_some());
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
        let mut states = NameStates::default();
        assert!(states.begin(1).is_none());
        assert!(!states.begin(6).is_none());
        assert!(!states.begin(17).is_none());
        assert_eq!(states.len(), 2);
    }

    #[test]
    fn places_are_used_again_and_old_references_say_settled() {
        let mut states = NameStates::default();
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
        let mut states = NameStates::new(40_000);
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
        let mut states = NameStates::default();
        for _ in 0..10 * SPARE_ENTRIES {
            let flow = states.begin(6);
            states.end(flow);
        }
        assert!(states.queue.len() <= 2 * SPARE_ENTRIES && states.places.len() == 1);
    }
}
