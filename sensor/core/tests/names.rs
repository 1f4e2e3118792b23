//! Names and fingerprints of real captures against their ground truth, where there is one.
//!
//! `BLOCKTAP_CAPTURES` tells the folder; `BLOCKTAP_SHOW` prints what every capture gives.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use blocktap_core::classify::{Found, NameState, Naming, Resolvers, Segment, Step, UdpDatagram};
use blocktap_core::decode::{Fragment, Level, Levels, Tunnels, decode};
use blocktap_core::name::dns::Message;
use blocktap_core::name::dns_table::{DnsContext, DnsTransactions, DnsTransport};
use blocktap_core::name::join::Join;
use blocktap_core::source::{Chunk, Source};
use serde_json::Value;

const TCP: u8 = 6;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

type Set = BTreeSet<String>;
type End = (u128, u16);

struct Flow {
    client: End,
    server: End,
    protocol: u8,
    closed: bool,
    state: Option<NameState>,
    found: Found,
}

/// All flows of a capture, the way a shard would name them.
#[derive(Default)]
struct Replay {
    resolvers: Resolvers,
    message: Message,
    live: HashMap<(u8, End, End), usize>,
    flows: Vec<Flow>,
    queries: [Set; 4],
    transactions: DnsTransactions,
    rows: usize,
    join: Join,
    looked_at: usize,
}

impl Replay {
    fn of(path: &Path) -> Self {
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
                if let Some(level) = level.filter(|level| matches!(level.protocol, 6 | 17)) {
                    replay.take(level, level.payload_in(frame), record.time_ns, clock_ns);
                }
            }
        }
        let mut rows = Vec::new();
        replay.transactions.finish(&mut rows);
        replay.rows += rows.len();
        replay
    }

    fn take(&mut self, level: &Level, payload: &[u8], time_ns: i64, clock_ns: u64) {
        if level.fragment == Fragment::Later {
            return;
        }
        let source = (level.source, level.source_port);
        let destination = (level.destination, level.destination_port);
        let key = (
            level.protocol,
            source.min(destination),
            source.max(destination),
        );
        let begins = level.tcp_flags & (SYN | ACK) == SYN;
        let known = self.live.get(&key).copied();
        let index = known.filter(|&index| !(begins && self.flows[index].closed));
        let index = index.unwrap_or_else(|| {
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
                state: NameState::new(level.protocol),
                found: Found::default(),
            });
            self.live.insert(key, self.flows.len() - 1);
            self.flows.len() - 1
        });
        let flow = &mut self.flows[index];
        flow.closed |= level.tcp_flags & (FIN | RST) != 0;
        let Some(state) = &mut flow.state else { return };
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
                sequence: level.tcp_sequence,
                syn: level.tcp_flags & SYN != 0,
                payload,
                client_port: flow.client.1,
                server_port: flow.server.1,
            };
            state.segment(&segment, &mut naming)
        } else {
            let datagram = UdpDatagram {
                from_client,
                payload,
                length: level.payload_bytes as usize,
                source_port: source.1,
                destination_port: destination.1,
                multicast: level.destination >> 120 == 0xff || level.destination >> 28 == 0xf_fffe,
            };
            state.datagram(&datagram, &mut naming)
        };
        if step == Step::Settled {
            flow.state = None;
        }
    }

    /// The names of the flows of a protocol, those of DNS aside.
    fn names(&self, protocol: u8) -> Set {
        let flows = self.flows.iter().filter(|flow| flow.protocol == protocol);
        flows
            .filter(|flow| {
                !matches!(
                    flow.found.application().map(|known| known.word()),
                    Some("dns" | "mdns" | "llmnr")
                )
            })
            .flat_map(|flow| flow.found.names())
            .map(|name| name.to_string())
            .collect()
    }

    fn ja4(&self) -> Set {
        let found = self.flows.iter().filter_map(|flow| flow.found.ja4);
        found.map(|ja4| ja4.as_str().to_owned()).collect()
    }
}

fn folder() -> PathBuf {
    let named = std::env::var_os("BLOCKTAP_CAPTURES").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures"))
}

fn read_json(path: &Path) -> Option<Value> {
    let Ok(text) = std::fs::read(path) else {
        eprintln!("SKIPPED: no {}: nothing was compared", path.display());
        return None;
    };
    Some(serde_json::from_slice(&text).expect("JSON"))
}

fn texts<'a>(truth: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    truth[key]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// A name of the truth as it is kept here: lower case, no port, no user, no trailing dot.
fn normal(name: &str) -> String {
    if name == "<Root>" {
        return ".".into();
    }
    let name = name.rsplit('@').next().unwrap_or(name);
    let name = match name.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => name,
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned()
}

fn normals(truth: &Value, keys: &[&str]) -> Set {
    let names = keys.iter().flat_map(|key| texts(truth, key)).map(normal);
    names.filter(|name| !name.is_empty()).collect()
}

fn difference(what: &str, found: &Set, truth: &Set, out: &mut Vec<String>) {
    for name in truth.difference(found) {
        out.push(format!("{what} missed {name}"));
    }
    for name in found.difference(truth) {
        out.push(format!("{what} more {name}"));
    }
}

#[test]
fn names_are_those_of_the_truth() {
    let Some(truth) = read_json(&folder().join("truth.json")) else {
        return;
    };
    let show = std::env::var_os("BLOCKTAP_SHOW").is_some();
    for (name, truth) in truth["captures"].as_object().expect("captures") {
        let replay = Replay::of(&folder().join(name));
        let mut out = Vec::new();
        difference(
            "tcp",
            &replay.names(TCP),
            &normals(truth, &["sni_tcp", "http_hosts", "http2_authorities"]),
            &mut out,
        );
        difference(
            "udp",
            &replay.names(17),
            &normals(truth, &["sni_quic", "sni_gquic", "sni_dtls"]),
            &mut out,
        );
        let [udp, tcp, mdns, llmnr] = &replay.queries;
        let dns: Set = udp.union(tcp).cloned().collect();
        difference(
            "dns",
            &dns,
            &normals(
                truth,
                &[
                    "dns_qnames_udp53",
                    "dns_qnames_tcp53",
                    "dns_qnames_other_ports",
                ],
            ),
            &mut out,
        );
        difference(
            "mdns",
            mdns,
            &normals(truth, &["dns_qnames_mdns"]),
            &mut out,
        );
        difference(
            "llmnr",
            llmnr,
            &normals(truth, &["dns_qnames_llmnr"]),
            &mut out,
        );
        difference("ja4", &replay.ja4(), &normals(truth, &["ja4"]), &mut out);
        if show {
            let mut applications: HashMap<String, usize> = HashMap::new();
            for flow in &replay.flows {
                let word = flow.found.verdict.map_or("-".to_owned(), |verdict| {
                    format!(
                        "{}{}",
                        verdict.application.word(),
                        if verdict.heuristic { "?" } else { "" }
                    )
                });
                *applications.entry(word).or_default() += 1;
            }
            println!(
                "== {name} looked_at={} rows={} {:?} {applications:?}",
                replay.looked_at,
                replay.rows,
                replay.transactions.counters()
            );
            for line in &out {
                println!("   {line}");
            }
        }
    }
}

#[test]
fn every_cut_of_a_hello_gives_its_name_and_fingerprint() {
    let folder = folder().join("derived");
    let Some(expected) = read_json(&folder.join("expected.json")) else {
        return;
    };
    for (name, expected) in expected.as_object().expect("captures") {
        let replay = Replay::of(&folder.join(name));
        let found = replay.flows.iter().find(|flow| flow.found.ja4.is_some());
        let found = found.map(|flow| &flow.found);
        let sni = texts(expected, "sni").next();
        let ja4 = texts(expected, "ja4").next();
        assert_eq!(
            found.and_then(|found| found.name()).map(|(name, _)| name),
            sni,
            "{name}"
        );
        assert_eq!(
            found
                .and_then(|found| found.ja4)
                .as_ref()
                .map(|ja4| ja4.as_str()),
            ja4,
            "{name}"
        );
    }
}
