//! Names a shard's flows while they are counted: the observer between the flow table and the parsers.

mod parsers;

use std::hint::black_box;
use std::sync::Arc;

use super::state::{DatagramState, Kept, MAX_STATE_BYTES, NameState, NameStates, SYN_BITS, Step};
use super::{Found, HINT_BITS, Note, Resolvers, Verdict};
use crate::decode::Fragment;
use crate::flow::{Flow, Mark, Observer, Packet};
use crate::name::dns_table::{DnsRow, MAX_OPEN_QUERIES};
use crate::name::join::JoinLimits;
use crate::watch::BlockRef;
use parsers::{Parsers, State};

/// Datagrams of a UDP flow that point to nothing before it is given up; what needs more to show itself
/// shows something in these.
pub const MAX_BLANK_DATAGRAMS: u32 = 4;

/// Most bytes of what was found of a shard's flows.
pub const MAX_KEPT_BYTES: usize = 1 << 30;

const NOTES_FREED_TOGETHER: usize = 32;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ESP: u8 = 50;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// What naming is told.
#[derive(Clone, Debug, Default)]
pub struct NamingSettings {
    /// Whether names are looked for at all.
    pub enabled: bool,
    /// Names of resolvers, which tell DNS over HTTPS from other HTTPS.
    pub resolvers: Arc<Resolvers>,
    /// How long a DNS answer holds beyond its time to live, and how many are remembered.
    pub join: JoinLimits,
    /// What may be kept of flows and queries.
    pub limits: NamingLimits,
}

/// What the naming of one shard may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamingLimits {
    /// Bytes of names and whatever else was found of the flows alive; flows are evicted beyond.
    pub kept_bytes: usize,
    /// Bytes of the states of flows that are not settled.
    pub state_bytes: usize,
    /// DNS transactions remembered.
    pub open_queries: usize,
}

impl Default for NamingLimits {
    fn default() -> Self {
        Self {
            kept_bytes: MAX_KEPT_BYTES,
            state_bytes: MAX_STATE_BYTES,
            open_queries: MAX_OPEN_QUERIES,
        }
    }
}

/// What the naming of one shard has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamerCounters {
    /// Flows that got a name, of their own or by a DNS answer.
    pub names_found: u64,
    /// Flows, answers and queries forgotten for lack of room.
    pub names_evicted: u64,
}

/// Numbers up to here say that nothing is kept of a flow yet, and count its datagrams; entries are
/// numbered behind.
const FIRST_ENTRY: u32 = MAX_BLANK_DATAGRAMS + 1;
/// Set in a number that says itself what is known of a flow. Of TCP that is the first SYN alone, and the other
/// bits are the lower ones of its sequence number: most flows of a scan never get beyond this. Of UDP it is a
/// hint, [`HINT_BITS`] long.
const IN_NUMBER: u32 = 1 << SYN_BITS;
const _: () = assert!(HINT_BITS <= SYN_BITS && IN_NUMBER < Mark::MOST);

/// The naming of one shard.
pub struct Namer {
    enabled: bool,
    parsers: Parsers,
    /// What is known of the flows of which anything is, and the states of those that are not settled.
    flows: NameStates<Note>,
    /// Empty between looks: most find nothing, and only what is found is worth an allocation.
    scratch: Found,
    notes: Vec<Note>,
    /// Bytes of the notes, and of so many DNS rows, that wait to be written.
    note_bytes: usize,
    row_bytes: (usize, usize),
    max_kept_bytes: usize,
    names_found: u64,
}

impl Namer {
    /// Nothing named yet.
    pub fn new(settings: NamingSettings) -> Self {
        Self {
            enabled: settings.enabled,
            parsers: Parsers::new(
                settings.resolvers,
                settings.join,
                settings.limits.open_queries,
            ),
            flows: NameStates::new(settings.limits.state_bytes),
            scratch: Found::default(),
            notes: Vec::new(),
            note_bytes: 0,
            row_bytes: (0, 0),
            max_kept_bytes: settings.limits.kept_bytes,
            names_found: 0,
        }
    }

    /// Notes since they were last taken; a record's mark has the place of its note plus one.
    pub fn take_notes(&mut self) -> Vec<Note> {
        self.note_bytes = 0;
        std::mem::take(&mut self.notes)
    }

    /// Bytes of the notes and DNS rows that wait to be written.
    pub fn waiting_bytes(&mut self) -> usize {
        let rows = &self.parsers.dns_rows;
        let (measured, bytes) = match self.row_bytes {
            (measured, bytes) if measured <= rows.len() => (measured, bytes),
            // They were taken in the meantime.
            _ => (0, 0),
        };
        let new = rows.get(measured..).unwrap_or_default();
        let bytes = bytes + new.iter().map(DnsRow::memory_bytes).sum::<usize>();
        self.row_bytes = (rows.len(), bytes);
        self.note_bytes + bytes
    }

    /// Takes back a list of notes for its memory.
    pub fn reuse(&mut self, mut notes: Vec<Note>) {
        // What they lead to is fetched together here as well, to be freed.
        for group in notes.chunks_mut(NOTES_FREED_TOGETHER) {
            let found = group.iter().filter_map(|note| note.found.as_deref());
            black_box(found.fold(0, |sum, found| sum ^ found.touch()));
            group.fill_with(Note::default);
        }
        if self.notes.is_empty() {
            notes.clear();
            self.notes = notes;
        }
    }

    /// DNS transactions since they were last cleared.
    pub fn dns_rows(&mut self) -> &mut Vec<DnsRow> {
        &mut self.parsers.dns_rows
    }

    /// What is known so far of a flow with this mark.
    pub fn known(&self, mark: Mark) -> Option<&Note> {
        self.flows.kept(place_of(mark)?)
    }

    /// What the naming has done so far.
    pub fn counters(&self) -> NamerCounters {
        let parsers = &self.parsers;
        NamerCounters {
            names_found: self.names_found,
            names_evicted: self.flows.counters().evicted
                + parsers.transactions.counters().evicted
                + parsers.join.counters().evicted,
        }
    }

    /// Gives up what has waited too long once the stream's clock says this much.
    pub fn expire(&mut self, clock_ns: u64) {
        let parsers = &mut self.parsers;
        parsers.transactions.expire(clock_ns, &mut parsers.dns_rows);
    }

    /// The rules have changed: open queries follow them as `DnsTransactions::rematch` says.
    pub fn rematch(
        &mut self,
        resolvers: &Arc<Resolvers>,
        renew: impl Fn(u8, u128, BlockRef) -> Option<BlockRef>,
    ) {
        self.parsers.rematch(resolvers, renew);
    }

    /// The input is over, and the stream's clock says this much.
    pub fn finish(&mut self, clock_ns: u64) {
        self.expire(clock_ns);
        let parsers = &mut self.parsers;
        parsers.transactions.finish(&mut parsers.dns_rows);
    }

    fn add(&mut self, note: Note, state: Option<NameState>) -> u32 {
        self.flows.keep(note, state) + FIRST_ENTRY
    }

    /// Keeps what is known of a flow whose packets say nothing more.
    fn settle(&mut self, verdict: Option<Verdict>, joined: Option<Arc<str>>) -> Mark {
        if verdict.is_none() && joined.is_none() {
            return Mark::NONE;
        }
        self.names_found += u64::from(joined.is_some());
        let found = verdict.map(|verdict| {
            let mut found = Box::<Found>::default();
            found.say(verdict);
            found
        });
        Mark::new(self.add(Note { found, joined }, None), false)
    }

    /// Looks at a datagram of a flow that has pointed to nothing so far.
    fn look_at_blank(
        &mut self,
        flow: &Flow,
        packet: &Packet,
        payload: &[u8],
        joined: Option<Arc<str>>,
    ) -> Mark {
        let number = flow.mark.number();
        let mut state = if number < IN_NUMBER {
            DatagramState::default()
        } else {
            DatagramState::of_hint(number - IN_NUMBER)
        };
        let found = &mut self.scratch;
        let blank = State::Blank(&mut state);
        let step = self.parsers.show(flow, packet, payload, found, blank);
        let goes_on = step == Step::Continue;
        if found.is_empty() && joined.is_none() {
            if state.is_blank() {
                let looked = number + u32::from(!payload.is_empty());
                return if goes_on && looked < FIRST_ENTRY {
                    Mark::new(looked, true)
                } else {
                    Mark::NONE
                };
            }
            if !goes_on {
                return Mark::NONE;
            }
            if let Some(hint) = state.hint() {
                return Mark::new(IN_NUMBER | hint, true);
            }
        }
        let state = if state.is_dns() {
            NameState::Dns
        } else {
            NameState::Datagrams(Box::new(state))
        };
        self.names_found += u64::from(joined.is_some() || found.name().is_some());
        let found = taken(&mut self.scratch);
        let number = self.add(Note { found, joined }, goes_on.then_some(state));
        Mark::new(number, goes_on)
    }

    /// Looks at a packet of a flow that has an entry.
    fn look_at_kept(&mut self, number: u32, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark {
        let (parsers, scratch) = (&mut self.parsers, &mut self.scratch);
        let mut is_named = false;
        let step = self.flows.look(number - FIRST_ENTRY, |state, note| {
            let known = note.found.as_deref_mut();
            let is_known = known.is_some();
            let found = known.unwrap_or(&mut *scratch);
            let had_name = found.name().is_some();
            let step = parsers.show(flow, packet, payload, found, State::Kept(state));
            is_named = found.name().is_some() && !had_name && note.joined.is_none();
            if !is_known {
                note.found = taken(scratch);
            }
            step
        });
        self.names_found += u64::from(is_named);
        self.follow(step, number)
    }

    /// What a look at a flow with an entry came to: the flow's mark.
    fn follow(&mut self, step: Step, number: u32) -> Mark {
        match step {
            Step::Continue => return Mark::new(number, true),
            Step::OnlyClient => return Mark::new(number, true).of_client(),
            Step::OnlyServer => return Mark::new(number, true).of_server(),
            Step::Settled => {}
        }
        let place = number - FIRST_ENTRY;
        if self.flows.kept(place).is_none_or(Note::is_empty) {
            self.flows.forget(place);
            return Mark::NONE;
        }
        Mark::new(number, false)
    }

    /// Looks at a segment of a TCP flow of which nothing is kept but the sequence number of its SYN, if that
    /// was seen. Only data and an answer to the SYN are worth a state.
    fn look_at_new(
        &mut self,
        flow: &Flow,
        packet: &Packet,
        payload: &[u8],
        joined: Option<Arc<str>>,
    ) -> Mark {
        let syn = packet.tcp_flags & (SYN | ACK);
        if payload.is_empty() && joined.is_none() && syn != SYN | ACK {
            let known = flow.mark.number() & IN_NUMBER != 0;
            let number = if syn == SYN && !known {
                IN_NUMBER | packet.tcp_sequence & (IN_NUMBER - 1)
            } else {
                flow.mark.number()
            };
            return Mark::new(number, true);
        }
        let mut state = self.flows.new_stream();
        if flow.mark.number() & IN_NUMBER != 0 {
            state.begin_after_syn(flow.mark.number() & (IN_NUMBER - 1));
        }
        let found = &mut self.scratch;
        let new = State::New(&mut state);
        let step = self.parsers.show(flow, packet, payload, found, new);
        self.names_found += u64::from(joined.is_some() || found.name().is_some());
        let found = taken(&mut self.scratch);
        // Many say all that they will in their first segment.
        let state = if step == Step::Settled {
            self.flows.give_back(state);
            if found.is_none() && joined.is_none() {
                return Mark::NONE;
            }
            None
        } else {
            Some(NameState::Stream(state))
        };
        let number = self.add(Note { found, joined }, state);
        self.follow(step, number)
    }
}

/// What a look found of a flow of which nothing had been found before.
fn taken(scratch: &mut Found) -> Option<Box<Found>> {
    (!scratch.is_empty()).then(|| Box::new(std::mem::take(scratch)))
}

/// The place of what is kept of a flow, if anything is.
#[inline]
fn place_of(mark: Mark) -> Option<u32> {
    let number = mark.number();
    (number < IN_NUMBER).then(|| number.checked_sub(FIRST_ENTRY))?
}

impl Observer for Namer {
    #[inline]
    fn approach(&self, mark: Mark) -> u64 {
        place_of(mark).map_or(0, |place| self.flows.approach(place))
    }

    #[inline]
    fn touch(&self, mark: Mark) -> u64 {
        place_of(mark).map_or(0, |place| self.flows.touch(place))
    }

    fn is_crowded(&self) -> bool {
        self.flows.kept_bytes() > self.max_kept_bytes
    }

    fn keeps(&self, mark: Mark) -> bool {
        place_of(mark).is_some()
    }

    fn begin(&mut self, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark {
        if !self.enabled {
            return Mark::NONE;
        }
        let (inside, outside) = flow.addresses();
        let join = &self.parsers.join;
        let joined = if join.is_empty() || !flow.is_placed_by_inside() {
            None
        } else {
            join.name_for(inside, outside, packet.time_ns).cloned()
        };
        match (flow.key.protocol, packet.fragment) {
            (TCP, Fragment::Whole | Fragment::First) => {
                self.look_at_new(flow, packet, payload, joined)
            }
            (UDP, Fragment::Whole | Fragment::First) => {
                self.look_at_blank(flow, packet, payload, joined)
            }
            (ESP, Fragment::Whole | Fragment::First) => self.settle(super::esp(payload), joined),
            _ => self.settle(None, joined),
        }
    }

    fn look(&mut self, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark {
        if packet.fragment == Fragment::Later {
            return flow.mark;
        }
        let is_tcp = flow.key.protocol == TCP;
        if is_tcp && payload.is_empty() && packet.tcp_flags & SYN == 0 {
            return flow.mark;
        }
        match flow.mark.number() {
            number @ FIRST_ENTRY..IN_NUMBER => self.look_at_kept(number, flow, packet, payload),
            _ if is_tcp => self.look_at_new(flow, packet, payload, None),
            _ => self.look_at_blank(flow, packet, payload, None),
        }
    }

    fn note(&mut self, flow: &Flow, ends: bool) -> Mark {
        let Some(place) = place_of(flow.mark) else {
            return Mark::NONE;
        };
        let note = if ends {
            self.flows.forget(place)
        } else {
            self.flows.kept(place).cloned().unwrap_or_default()
        };
        if note.is_empty() {
            return Mark::NONE;
        }
        self.note_bytes += size_of::<Note>() + note.heap_bytes();
        self.notes.push(note);
        Mark::new(self.notes.len() as u32, false)
    }
}
