//! Looks over the shoulder of the naming.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};

use super::{
    Answer, Fact, MAX_ANSWERS, MAX_FACTS, MAX_TRACED_FRAMES, MAX_TRACED_PACKETS, Place, Traced,
    TracedPacket, Wanted,
};
use crate::classify::{Found, NameSource, Namer, NamingSettings};
use crate::decode::Fragment;
use crate::flow::{Flow, Initiator, Mark, Observer, Packet};
use crate::source::Record;
use crate::watch::Watch;

/// Most later fragments whose frames are kept until their first one comes.
const MAX_WAITING: usize = 256;
/// Most bytes kept of such a frame.
const MAX_WAITING_BYTES: usize = 1 << 16;

/// What has been told of one flow.
#[derive(Default)]
struct Told {
    /// The naming's own mark: the flow's always asks to look.
    mark: Mark,
    /// Kinds of facts that are told once.
    kinds: Vec<&'static str>,
    names: Vec<Box<str>>,
    user_agents: usize,
}

/// The naming, and beside it what it and the flow table made of the packets of some flows.
pub(super) struct Tracer {
    namer: Namer,
    wanted: Wanted,
    told: HashMap<u64, Told>,
    current: TracedPacket,
    waiting: VecDeque<(u64, TracedPacket)>,
    traced: Traced,
}

impl Tracer {
    pub(super) fn new(naming: NamingSettings, wanted: Wanted) -> Self {
        Self {
            namer: Namer::new(naming),
            wanted,
            told: HashMap::new(),
            current: TracedPacket::default(),
            waiting: VecDeque::new(),
            traced: Traced::default(),
        }
    }

    pub(super) fn traced(&mut self) -> &mut Traced {
        &mut self.traced
    }

    pub(super) fn expire(&mut self, clock_ns: u64) {
        self.namer.expire(clock_ns);
    }

    /// Says what the next packet is and where it comes from.
    pub(super) fn show(
        &mut self,
        number: u64,
        record: &Record,
        place: &Place,
        frame: &[u8],
        packet: &Packet,
        watch: &Watch,
    ) {
        self.current.number = number;
        self.current.record = *record;
        self.current.level = place.level;
        self.current.levels.clear();
        self.current
            .levels
            .extend(place.levels.as_slice().iter().map(|level| {
                let block = |address| watch.lookup(level.version, address, record.time_ns);
                (*level, (block(level.source), block(level.destination)))
            }));
        let bytes = self.current.frame.get_or_insert_default();
        bytes.clear();
        bytes.extend_from_slice(frame);
        if packet.fragment == Fragment::Later {
            let mut kept = self.current.clone();
            if let Some(bytes) = &mut kept.frame {
                bytes.truncate(MAX_WAITING_BYTES);
            }
            if self.waiting.len() == MAX_WAITING {
                self.waiting.pop_front();
            }
            self.waiting.push_back((packet.fingerprint, kept));
        }
    }

    /// Takes the DNS answers that the last packet completed.
    pub(super) fn take_answers(&mut self) {
        let packet = self.current.number;
        self.namer.take_notes();
        let rows = self.namer.dns_rows().drain(..);
        let Some((inside, outside)) = self.wanted.addresses else {
            return drop(rows);
        };
        let wanted = address_of(outside).to_string();
        for row in rows {
            if row.inside == inside && row.answers().any(|answer| answer == wanted) {
                if self.traced.answers.len() == MAX_ANSWERS {
                    self.traced.answers.remove(0);
                }
                self.traced.answers.push(Answer { packet, row });
            }
        }
    }

    fn wants(&self, flow: &Flow) -> Option<u64> {
        let flow_id = flow.flow_id();
        self.wanted.flow_ids.contains(&flow_id).then_some(flow_id)
    }

    /// Writes a packet down that was counted in a wanted flow.
    fn write(&mut self, flow: &Flow, flow_id: u64, packet: &Packet) -> u64 {
        let mut seen = None;
        if packet.fragment == Fragment::Later {
            let found = self.waiting.iter().position(|(fingerprint, seen)| {
                *fingerprint == packet.fingerprint && seen.record.time_ns == packet.time_ns
            });
            seen = found
                .and_then(|place| self.waiting.remove(place))
                .map(|(_, seen)| seen);
        }
        let seen = seen.as_ref().unwrap_or(&self.current);
        let number = seen.number;
        let already = self.traced.packets.len();
        self.traced.packets_counted += 1;
        if already < MAX_TRACED_PACKETS {
            let keeps_frame = already < self.wanted.frames.min(MAX_TRACED_FRAMES);
            self.traced.packets.push(TracedPacket {
                number,
                flow_id,
                record: seen.record,
                levels: seen.levels.clone(),
                level: seen.level,
                is_out: packet.forward == (flow.addresses().0 == flow.key.low()),
                frame: seen.frame.clone().filter(|_| keeps_frame),
            });
        }
        number
    }

    /// Tells what a packet has changed.
    fn tell(&mut self, flow: &Flow, flow_id: u64, packet: u64, mark: Mark) {
        let mut facts = Facts {
            packet,
            flow_id,
            traced: &mut self.traced,
        };
        let begins = !self.told.contains_key(&flow_id);
        let told = self.told.entry(flow_id).or_default();
        told.mark = mark;
        if begins {
            facts.add("initiator", initiator_word(flow.initiator()), &[]);
        }
        if flow.answered() {
            facts.add_once(told, "answered", "true", &[]);
        }
        let Some(note) = self.namer.known(mark) else {
            return;
        };
        if let Some(joined) = &note.joined {
            facts.add_once(told, "joined", joined, &["dns_answer"]);
        }
        if let Some(found) = &note.found {
            tell_found(found, told, &mut facts);
        }
    }
}

fn tell_found(found: &Found, told: &mut Told, facts: &mut Facts<'_>) {
    for (place, name) in found.names().iter().enumerate() {
        if !told.names.contains(name) {
            told.names.push(name.clone());
            let source = found.name_source(place).map(NameSource::word);
            facts.add("name", name, source.as_slice());
        }
    }
    if let Some(verdict) = found.verdict {
        let kind = if verdict.heuristic {
            "application_likely"
        } else {
            "application"
        };
        facts.add_once(told, kind, verdict.application.word(), verdict.evidence);
    }
    if let Some(ja4) = &found.ja4 {
        facts.add_once(told, "ja4", ja4.as_str(), &[]);
    }
    if let Some(alpn) = &found.alpn {
        facts.add_once(told, "alpn", alpn, &[]);
    }
    if found.ech {
        facts.add_once(told, "ech", "true", &[]);
    }
    if found.starttls {
        facts.add_once(told, "starttls", "true", &[]);
    }
    if let Some(proxy) = found.proxied {
        facts.add_once(told, "proxy", proxy.word(), &[]);
    }
    for agent in found.user_agents().iter().skip(told.user_agents) {
        facts.add("user_agent", agent, &[]);
    }
    told.user_agents = found.user_agents().len();
}

/// Where the facts that one packet brings are written down.
struct Facts<'a> {
    packet: u64,
    flow_id: u64,
    traced: &'a mut Traced,
}

impl Facts<'_> {
    fn add(&mut self, kind: &'static str, value: &str, signs: &[&'static str]) {
        if self.traced.facts.len() == MAX_FACTS {
            self.traced.facts_dropped += 1;
            return;
        }
        self.traced.facts.push(Fact {
            packet: self.packet,
            flow_id: self.flow_id,
            kind,
            value: value.to_owned(),
            signs: signs.to_vec(),
        });
    }

    fn add_once(
        &mut self,
        told: &mut Told,
        kind: &'static str,
        value: &str,
        signs: &[&'static str],
    ) {
        if !told.kinds.contains(&kind) {
            told.kinds.push(kind);
            self.add(kind, value, signs);
        }
    }
}

impl Observer for Tracer {
    fn begin(&mut self, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark {
        let mark = self.namer.begin(flow, packet, payload);
        let Some(flow_id) = self.wants(flow) else {
            return mark;
        };
        let number = self.write(flow, flow_id, packet);
        self.tell(flow, flow_id, number, mark);
        Mark::new(mark.number(), true)
    }

    fn look(&mut self, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark {
        let Some(flow_id) = self.wants(flow) else {
            return self.namer.look(flow, packet, payload);
        };
        // The naming sees the flow as it would be without anybody beside it, and the packets that it wants.
        let mut flow = *flow;
        flow.mark = self.told.get(&flow_id).map_or(flow.mark, |told| told.mark);
        let flow = &flow;
        let mark = if flow.wants_look(packet) {
            self.namer.look(flow, packet, payload)
        } else {
            flow.mark
        };
        let number = self.write(flow, flow_id, packet);
        self.tell(flow, flow_id, number, mark);
        Mark::new(mark.number(), true)
    }

    fn note(&mut self, flow: &Flow, ends: bool) -> Mark {
        self.namer.note(flow, ends)
    }
}

const fn initiator_word(initiator: Initiator) -> &'static str {
    match initiator {
        Initiator::Inside => "inside",
        Initiator::Outside => "outside",
        Initiator::Unknown => "unknown",
    }
}

/// An address as the tables have it, IPv4 mapped.
fn address_of(address: u128) -> IpAddr {
    match Ipv6Addr::from(address).to_ipv4_mapped() {
        Some(address) => address.into(),
        None => IpAddr::V6(Ipv6Addr::from(address)),
    }
}
