//! Replays a capture and names its flows the way a shard does.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use blocktap_core::classify::{
    Application, Found, NameStates, Naming, Resolvers, Segment, StateRef, Step, UdpDatagram,
};
use blocktap_core::decode::{Fragment, Level, Levels, Tunnels, decode};
use blocktap_core::name::dns::Message;
use blocktap_core::name::dns_table::{DnsContext, DnsTransactions, DnsTransport};
use blocktap_core::name::join::Join;
use blocktap_core::source::{Chunk, Source};

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

pub(crate) type Set = BTreeSet<String>;
pub(crate) type End = (u128, u16);

pub(crate) struct Flow {
    pub(crate) client: End,
    pub(crate) server: End,
    protocol: u8,
    closed: bool,
    state: StateRef,
    pub(crate) found: Found,
}

/// All flows of a capture, the way a shard would name them.
#[derive(Default)]
pub(crate) struct Replay {
    resolvers: Resolvers,
    message: Message,
    states: NameStates,
    live: HashMap<(u8, End, End), usize>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) queries: [Set; 4],
    pub(crate) transactions: DnsTransactions,
    pub(crate) rows: usize,
    join: Join,
    pub(crate) looked_at: usize,
}

impl Replay {
    pub(crate) fn of(path: &Path) -> Self {
        let mut replay = Self::default();
        let path = path.to_str().expect("a path of UTF-8").to_owned();
        let Ok(mut source) = Source::open(&[path]) else {
            return replay;
        };
        let (mut chunk, mut levels, mut clock_ns) = (Chunk::default(), Levels::default(), 0);
        while source.fill(&mut chunk) {
            for record in &chunk.records {
                let frame = chunk.packet(record);
                let outcome = decode(
                    record.link,
                    frame,
                    record.original,
                    Tunnels::default(),
                    &mut levels,
                );
                let level = levels.as_slice().last().filter(|_| outcome.is_ok());
                clock_ns = clock_ns.max(record.time_ns.max(0).cast_unsigned());
                if let Some(level) = level.filter(|level| matches!(level.protocol, TCP | UDP)) {
                    replay.take(level, level.payload_in(frame), record.time_ns, clock_ns);
                }
            }
        }
        let mut rows = Vec::new();
        replay.transactions.finish(&mut rows);
        replay.rows += rows.len();
        replay
    }

    /// The place of a packet's flow, which is begun where there is none.
    fn flow_of(&mut self, level: &Level, source: (u128, u16), destination: (u128, u16)) -> usize {
        let key = (
            level.protocol,
            source.min(destination),
            source.max(destination),
        );
        let begins = level.tcp_flags & (SYN | ACK) == SYN;
        let known = self.live.get(&key).copied();
        let index = known.filter(|&index| !(begins && self.flows[index].closed));
        index.unwrap_or_else(|| {
            let answers = level.tcp_flags & (SYN | ACK) == SYN | ACK;
            let (client, server) = if answers {
                (destination, source)
            } else {
                (source, destination)
            };
            self.flows.push(Flow {
                client,
                server,
                protocol: level.protocol,
                closed: false,
                state: self.states.begin(level.protocol),
                found: Found::default(),
            });
            self.live.insert(key, self.flows.len() - 1);
            self.flows.len() - 1
        })
    }

    fn take(&mut self, level: &Level, payload: &[u8], time_ns: i64, clock_ns: u64) {
        if level.fragment == Fragment::Later {
            return;
        }
        let source = (level.source, level.source_port);
        let destination = (level.destination, level.destination_port);
        let index = self.flow_of(level, source, destination);
        let flow = &mut self.flows[index];
        flow.closed |= level.tcp_flags & (FIN | RST) != 0;
        if flow.state.is_none() {
            return;
        }
        self.looked_at += 1;
        let from_client = source == flow.client;
        let (transactions, join, queries, rows) = (
            &mut self.transactions,
            &mut self.join,
            &mut self.queries,
            &mut self.rows,
        );
        let mut dns = |message: &Message, transport: DnsTransport| {
            if !message.is_response() {
                let names = message
                    .questions()
                    .iter()
                    .map(|question| message.text(question.name));
                queries[transport as usize].extend(names.map(str::to_owned));
            }
            let context = DnsContext {
                time_ns,
                clock_ns,
                inside: level.destination,
                block: blocktap_core::watch::BlockRef::NONE,
                source,
                destination,
                version: level.version,
                transport,
                flow_id: index as u64,
            };
            let mut ready = Vec::new();
            transactions.take(&context, message, &mut ready);
            *rows += ready.len();
            if message.is_response() {
                join.learn(level.destination, message, time_ns);
            }
        };
        let mut naming = Naming {
            resolvers: &self.resolvers,
            message: &mut self.message,
            found: &mut flow.found,
            dns: &mut dns,
        };
        let step = if level.protocol == TCP {
            let segment = Segment {
                from_client,
                client_is_known: true,
                sequence: level.tcp_sequence,
                syn: level.tcp_flags & SYN != 0,
                payload,
                client_port: flow.client.1,
                server_port: flow.server.1,
            };
            self.states.segment(flow.state, &segment, &mut naming)
        } else {
            let datagram = UdpDatagram {
                from_client,
                payload,
                length: level.payload_bytes as usize,
                source_port: source.1,
                destination_port: destination.1,
                multicast: level.destination >> 120 == 0xff || level.destination >> 28 == 0xf_fffe,
            };
            self.states.datagram(flow.state, &datagram, &mut naming)
        };
        if step == Step::Settled {
            self.states.end(std::mem::take(&mut flow.state));
        }
    }

    /// The names of the flows of a protocol, those of DNS aside.
    pub(crate) fn names(&self, protocol: u8) -> Set {
        let flows = self.flows.iter().filter(|flow| flow.protocol == protocol);
        flows
            .filter(|flow| {
                !matches!(
                    flow.found.application().map(Application::word),
                    Some("dns" | "mdns" | "llmnr")
                )
            })
            .flat_map(|flow| flow.found.names())
            .map(ToString::to_string)
            .collect()
    }

    pub(crate) fn ja4(&self) -> Set {
        let found = self.flows.iter().filter_map(|flow| flow.found.ja4);
        found.map(|ja4| ja4.as_str().to_owned()).collect()
    }
}
