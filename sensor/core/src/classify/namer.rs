//! Names a shard's flows while they are counted: the observer between the flow table and the parsers.

use std::sync::Arc;

use super::state::{
    DatagramState, NameState, NameStates, Naming, SYN_BITS, Segment, StateRef, Step, StreamState,
    UdpDatagram,
};
use super::{Found, Note, Resolvers, Verdict};
use crate::decode::Fragment;
use crate::flow::{Flow, Initiator, Mark, Observer, Packet};
use crate::name::dns::Message;
use crate::name::dns_table::{DnsContext, DnsRow, DnsTransactions, DnsTransport};
use crate::name::join::{Join, JoinLimits};
use crate::watch::BlockRef;

/// Datagrams of a UDP flow that point to nothing before it is given up; what needs more to show itself
/// shows something in these.
pub const MAX_BLANK_DATAGRAMS: u32 = 4;

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
}

/// What the naming of one shard has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamerCounters {
    /// Flows that got a name, of their own or by a DNS answer.
    pub names_found: u64,
    /// Flows, answers and queries forgotten for lack of room.
    pub names_evicted: u64,
}

/// What is kept of one flow.
#[derive(Debug, Default)]
struct Entry {
    state: StateRef,
    note: Note,
}

/// Numbers up to here say that nothing is kept of a flow yet, and count its datagrams; entries are
/// numbered behind.
const FIRST_ENTRY: u32 = MAX_BLANK_DATAGRAMS + 1;
/// Set in the number of a TCP flow of which only the first SYN is known: the other bits are the lower ones
/// of its sequence number. Most flows of a scan never get beyond this.
const ONLY_SYN: u32 = 1 << SYN_BITS;

/// The naming of one shard.
pub struct Namer {
    settings: NamingSettings,
    states: NameStates,
    entries: Vec<Entry>,
    free: Vec<u32>,
    message: Message,
    transactions: DnsTransactions,
    join: Join,
    scratch: Found,
    notes: Vec<Note>,
    dns_rows: Vec<DnsRow>,
    names_found: u64,
}

impl Namer {
    /// Nothing named yet.
    pub fn new(settings: NamingSettings) -> Self {
        Self {
            states: NameStates::default(),
            entries: Vec::new(),
            free: Vec::new(),
            message: Message::default(),
            transactions: DnsTransactions::default(),
            join: Join::new(settings.join),
            scratch: Found::default(),
            notes: Vec::new(),
            dns_rows: Vec::new(),
            names_found: 0,
            settings,
        }
    }

    /// Notes since they were last cleared; a record's mark has the place of its note plus one.
    pub fn notes(&mut self) -> &mut Vec<Note> {
        &mut self.notes
    }

    /// Takes back a list of notes for its memory.
    pub fn reuse(&mut self, mut notes: Vec<Note>) {
        if self.notes.is_empty() {
            notes.clear();
            self.notes = notes;
        }
    }

    /// DNS transactions since they were last cleared.
    pub fn dns_rows(&mut self) -> &mut Vec<DnsRow> {
        &mut self.dns_rows
    }

    /// What is known so far of a flow with this mark.
    pub fn known(&self, mark: Mark) -> Option<&Note> {
        let place = mark.number().checked_sub(FIRST_ENTRY)?;
        Some(&self.entries.get(place as usize)?.note)
    }

    /// What the naming has done so far.
    pub fn counters(&self) -> NamerCounters {
        NamerCounters {
            names_found: self.names_found,
            names_evicted: self.states.counters().evicted
                + self.transactions.counters().evicted
                + self.join.counters().evicted,
        }
    }

    /// Gives up what has waited too long once the stream's clock says this much.
    pub fn expire(&mut self, clock_ns: u64) {
        self.transactions.expire(clock_ns, &mut self.dns_rows);
    }

    /// The rules have changed: open queries follow them as [`DnsTransactions::rematch`] says.
    pub fn rematch(
        &mut self,
        resolvers: &Arc<Resolvers>,
        renew: impl Fn(u8, u128, BlockRef) -> Option<BlockRef>,
    ) {
        self.settings.resolvers = Arc::clone(resolvers);
        self.transactions.rematch(renew, &mut self.dns_rows);
    }

    /// The input is over, and the stream's clock says this much.
    pub fn finish(&mut self, clock_ns: u64) {
        self.expire(clock_ns);
        self.transactions.finish(&mut self.dns_rows);
    }

    fn add(&mut self, entry: Entry) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry::default());
            (self.entries.len() - 1) as u32
        });
        if let Some(room) = self.entries.get_mut(place as usize) {
            *room = entry;
        }
        place + FIRST_ENTRY
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
        let (state, note) = (StateRef::NONE, Note { found, joined });
        Mark::new(self.add(Entry { state, note }), false)
    }

    /// Shows a packet to a flow's state, wherever that is, and adds to what was found.
    fn show(
        &mut self,
        flow: &Flow,
        packet: &Packet,
        payload: &[u8],
        found: &mut Found,
        state: State<'_>,
    ) -> Step {
        let (transactions, join, rows) =
            (&mut self.transactions, &mut self.join, &mut self.dns_rows);
        let mut dns = |message: &Message, transport: DnsTransport| {
            let context = dns_context(flow, packet, transport);
            transactions.take(&context, message, rows);
            if message.is_response() && is_answered_to_inside(flow, packet) {
                join.learn(context.inside, message, context.time_ns);
            }
        };
        let mut naming = Naming {
            resolvers: &self.settings.resolvers,
            message: &mut self.message,
            found,
            dns: &mut dns,
        };
        match state {
            State::Kept(at) if flow.key.protocol == TCP => {
                let segment = segment(flow, packet, payload);
                self.states.segment(at, &segment, &mut naming)
            }
            State::Kept(at) => {
                let datagram = datagram(flow, packet, payload);
                self.states.datagram(at, &datagram, &mut naming)
            }
            State::Blank(state) => state.take(&datagram(flow, packet, payload), &mut naming),
        }
    }

    /// Looks at a datagram of a flow that has pointed to nothing so far.
    fn look_at_blank(
        &mut self,
        flow: &Flow,
        packet: &Packet,
        payload: &[u8],
        joined: Option<Arc<str>>,
    ) -> Mark {
        let mut state = DatagramState::default();
        let mut found = std::mem::take(&mut self.scratch);
        let step = self.show(flow, packet, payload, &mut found, State::Blank(&mut state));
        let looked = flow.mark.number() + u32::from(!payload.is_empty());
        let goes_on = step == Step::Continue && looked < FIRST_ENTRY;
        if found.is_empty() && joined.is_none() && state.is_blank() {
            self.scratch = found;
            return if goes_on {
                Mark::new(looked, true)
            } else {
                Mark::NONE
            };
        }
        let goes_on = step == Step::Continue;
        let state = if goes_on {
            self.states.keep(NameState::Datagrams(Box::new(state)))
        } else {
            StateRef::NONE
        };
        self.names_found += u64::from(joined.is_some() || found.name().is_some());
        let found = (!found.is_empty()).then(|| Box::new(found));
        let note = Note { found, joined };
        Mark::new(self.add(Entry { state, note }), goes_on)
    }

    /// Looks at a packet of a flow that has an entry.
    fn look_at_kept(&mut self, number: u32, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark {
        let place = (number - FIRST_ENTRY) as usize;
        let Some(entry) = self.entries.get_mut(place) else {
            return Mark::NONE;
        };
        let state = entry.state;
        let mut kept = entry.note.found.take();
        let mut blank = std::mem::take(&mut self.scratch);
        let found = kept.as_deref_mut().unwrap_or(&mut blank);
        let had_name = found.name().is_some();
        let step = self.show(flow, packet, payload, found, State::Kept(state));
        let has_name = found.name().is_some();
        // Most looks find nothing: only what is found is worth an allocation.
        if kept.is_none() && !blank.is_empty() {
            kept = Some(Box::new(std::mem::take(&mut blank)));
        }
        self.scratch = blank;
        let Some(entry) = self.entries.get_mut(place) else {
            return Mark::NONE;
        };
        entry.note.found = kept;
        if has_name && !had_name && entry.note.joined.is_none() {
            self.names_found += 1;
        }
        match step {
            Step::Continue => return Mark::new(number, true),
            Step::OnlyClient => return Mark::new(number, true).of_client(),
            Step::Settled => {}
        }
        entry.state = StateRef::NONE;
        if entry.note.found.is_none() && entry.note.joined.is_none() {
            self.free.push(place as u32);
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
            let known = flow.mark.number() & ONLY_SYN != 0;
            let number = if syn == SYN && !known {
                ONLY_SYN | packet.tcp_sequence & (ONLY_SYN - 1)
            } else {
                flow.mark.number()
            };
            return Mark::new(number, true);
        }
        self.names_found += u64::from(joined.is_some());
        let note = Note {
            found: None,
            joined,
        };
        let mut state = Box::<StreamState>::default();
        if flow.mark.number() & ONLY_SYN != 0 {
            state.begin_after_syn(flow.mark.number() & (ONLY_SYN - 1));
        }
        let state = self.states.keep(NameState::Stream(state));
        let number = self.add(Entry { state, note });
        self.look_at_kept(number, flow, packet, payload)
    }
}

/// Where a flow's state is.
enum State<'a> {
    Kept(StateRef),
    Blank(&'a mut DatagramState),
}

impl Observer for Namer {
    fn begin(&mut self, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark {
        if !self.settings.enabled {
            return Mark::NONE;
        }
        let (inside, outside) = flow.addresses();
        let joined = if self.join.is_empty() || !flow.is_placed_by_inside() {
            None
        } else {
            self.join.name_for(inside, outside, packet.time_ns).cloned()
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
        match flow.mark.number() {
            number if number >= ONLY_SYN => self.look_at_new(flow, packet, payload, None),
            number if number >= FIRST_ENTRY => self.look_at_kept(number, flow, packet, payload),
            _ if is_tcp => self.look_at_new(flow, packet, payload, None),
            _ => self.look_at_blank(flow, packet, payload, None),
        }
    }

    fn note(&mut self, flow: &Flow, ends: bool) -> Mark {
        let number = flow.mark.number();
        if number >= ONLY_SYN {
            return Mark::NONE;
        }
        let Some(place) = number.checked_sub(FIRST_ENTRY) else {
            return Mark::NONE;
        };
        let Some(entry) = self.entries.get_mut(place as usize) else {
            return Mark::NONE;
        };
        let note = if ends {
            self.states.end(entry.state);
            self.free.push(place);
            std::mem::take(entry).note
        } else {
            entry.note.clone()
        };
        if note.found.is_none() && note.joined.is_none() {
            return Mark::NONE;
        }
        self.notes.push(note);
        Mark::new(self.notes.len() as u32, false)
    }
}

fn segment<'a>(flow: &Flow, packet: &Packet, payload: &'a [u8]) -> Segment<'a> {
    let from_client = flow.sent_by_client(packet.forward);
    let (source_port, destination_port) = ports(packet);
    let (client_port, server_port) = if from_client {
        (source_port, destination_port)
    } else {
        (destination_port, source_port)
    };
    Segment {
        from_client,
        client_is_known: flow.initiator() != Initiator::Unknown,
        sequence: packet.tcp_sequence,
        syn: packet.tcp_flags & SYN != 0,
        payload,
        client_port,
        server_port,
    }
}

fn datagram<'a>(flow: &Flow, packet: &Packet, payload: &'a [u8]) -> UdpDatagram<'a> {
    let (source_port, destination_port) = ports(packet);
    let destination = if packet.forward {
        packet.key.high()
    } else {
        packet.key.low()
    };
    UdpDatagram {
        from_client: flow.sent_by_client(packet.forward),
        payload,
        length: packet.payload_bytes as usize,
        source_port,
        destination_port,
        multicast: is_multicast(packet.key.version(), destination),
    }
}

const fn ports(packet: &Packet) -> (u16, u16) {
    if packet.forward {
        (packet.key.low_port, packet.key.high_port)
    } else {
        (packet.key.high_port, packet.key.low_port)
    }
}

const fn is_multicast(version: u8, address: u128) -> bool {
    if version == 4 {
        address as u32 >> 28 == 0xe
    } else {
        address >> 120 == 0xff
    }
}

fn dns_context(flow: &Flow, packet: &Packet, transport: DnsTransport) -> DnsContext {
    let (source_port, destination_port) = ports(packet);
    let (low, high) = (packet.key.low(), packet.key.high());
    let (source, destination) = if packet.forward {
        (low, high)
    } else {
        (high, low)
    };
    DnsContext {
        time_ns: packet.time_ns,
        clock_ns: packet.clock_ns,
        inside: flow.addresses().0,
        block: flow.blocks().0,
        source: (source, source_port),
        destination: (destination, destination_port),
        version: packet.key.version(),
        transport,
        flow_id: flow.flow_id(),
    }
}

/// Whether a DNS answer in this packet tells the inside host what an address is called.
fn is_answered_to_inside(flow: &Flow, packet: &Packet) -> bool {
    let receiver = if packet.forward {
        packet.key.high()
    } else {
        packet.key.low()
    };
    flow.is_placed_by_inside() && receiver == flow.addresses().0
}
