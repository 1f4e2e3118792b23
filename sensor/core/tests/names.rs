//! Names and fingerprints of real captures against their ground truth, where there is one.
//!
//! `BLOCKTAP_CAPTURES` tells the folder; with `BLOCKTAP_SHOW` set, what the flows are is printed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use blocktap_core::classify::{
    Application, Found, NameState, Naming, Resolvers, Segment, Step, UdpDatagram,
};
use blocktap_core::decode::{Fragment, Level, Levels, Tunnels, decode};
use blocktap_core::name::dns::Message;
use blocktap_core::name::dns_table::{DnsContext, DnsTransactions, DnsTransport};
use blocktap_core::name::ja4::Ja4;
use blocktap_core::name::join::Join;
use blocktap_core::source::{Chunk, Source};
use serde_json::Value;

const TCP: u8 = 6;
const UDP: u8 = 17;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// Names of one kind that a difference lists one by one.
const MAX_LISTED: usize = 8;

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
                    flow.found.application().map(Application::word),
                    Some("dns" | "mdns" | "llmnr")
                )
            })
            .flat_map(|flow| flow.found.names())
            .map(ToString::to_string)
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

/// What differs from the truth, capture by capture, and why.
const DIFFERENCES: [(&str, &str, &[&str]); 11] = [
    (
        "arkime--socks5-http-302-frag.pcap",
        "the request lies in fragments of IP, which are not put together for names",
        &["tcp missed www.google.com"],
    ),
    (
        "dnscap--sll2.pcap",
        "a dot within a label is escaped here, and bare in the truth",
        &["dns missed ,", r"dns more ,\046"],
    ),
    (
        "libpcap--AH-IPcomp-IPv4.pcap",
        "the request is compressed by IPComp",
        &["tcp missed 150.0.1.1"],
    ),
    (
        "ndpi--dtls.pcapng",
        "the truth has no fingerprints of DTLS",
        &[
            "ja4 more dd2i120700_7c0e62f61317_d9dd6182da81",
            "ja4 more dd2i160700_7c8d7d5e37b2_ea2cef574603",
            "ja4 more dd3i270600_991e33d7eb74_10f9deb96590",
        ],
    ),
    (
        "ndpi--openvpn.pcapng",
        "hellos inside OpenVPN's control channel are not the flow's own",
        &[
            "ja4 missed 12i070400_598ed29349f1_22a92d800fe4",
            "ja4 missed 12i070400_598ed29349f1_86166bab889b",
            "ja4 missed t10i510400_54da1506f81e_282f11336259",
        ],
    ),
    (
        "ndpi--openvpn_nohmac.pcapng",
        "hellos inside OpenVPN's control channel are not the flow's own",
        &[
            "ja4 missed 12i070400_598ed29349f1_22a92d800fe4",
            "ja4 missed 12i070400_598ed29349f1_86166bab889b",
        ],
    ),
    (
        "zeek-spicy-openvpn--openvpn_tcp_nontlsauth.pcapng",
        "hellos inside OpenVPN's control channel are not the flow's own",
        &["ja4 missed t10i510400_54da1506f81e_282f11336259"],
    ),
    (
        "zeek-spicy-openvpn--openvpn_udp_tls-auth.pcap",
        "hellos inside OpenVPN's control channel are not the flow's own",
        &["ja4 missed 10i510400_54da1506f81e_282f11336259"],
    ),
    (
        "pcpp--ip6_fragments.pcap",
        "the questions lie in fragments of IP, which are not put together for names",
        &["mdns missed 16 names"],
    ),
    (
        "sv--http2-userinfo-authority-http2_userinfo_in_authority_1.pcap",
        "a host field besides :authority, which the truth leaves out",
        &["tcp more foo.com"],
    ),
    (
        "zeek--quicdoq.pcap",
        "a draft of QUIC whose fingerprint the truth lacks",
        &["ja4 more q13i0307dq_55b375c5d22e_af0a630e9e67"],
    ),
];

#[test]
fn names_are_those_of_the_truth() {
    let Some(truth) = read_json(&folder().join("truth.json")) else {
        return;
    };
    let mut wrong = Vec::new();
    for (name, truth) in truth["captures"].as_object().expect("captures") {
        let replay = Replay::of(&folder().join(name));
        if std::env::var_os("BLOCKTAP_SHOW").is_some() {
            show(name, &replay);
        }
        let mut out = differences(&replay, truth);
        compare_hellos(&replay, truth, &mut out);
        let known = DIFFERENCES.iter().find(|(capture, ..)| capture == name);
        if out != known.map_or(&[][..], |(.., known)| known) {
            wrong.push((name, out));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn differences(replay: &Replay, truth: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let [udp, tcp, mdns, llmnr] = &replay.queries;
    let dns: Set = udp.union(tcp).cloned().collect();
    for (what, found, keys) in [
        (
            "tcp",
            &replay.names(TCP),
            &["sni_tcp", "http_hosts", "http2_authorities"][..],
        ),
        (
            "udp",
            &replay.names(UDP),
            &["sni_quic", "sni_gquic", "sni_dtls"],
        ),
        (
            "dns",
            &dns,
            &[
                "dns_qnames_udp53",
                "dns_qnames_tcp53",
                "dns_qnames_other_ports",
            ],
        ),
        ("mdns", mdns, &["dns_qnames_mdns"]),
        ("llmnr", llmnr, &["dns_qnames_llmnr"]),
        ("ja4", &replay.ja4(), &["ja4"]),
    ] {
        let truth = normals(truth, keys);
        let missed: Vec<_> = truth.difference(found).collect();
        if missed.len() > MAX_LISTED {
            out.push(format!("{what} missed {} names", missed.len()));
        } else {
            out.extend(missed.iter().map(|name| format!("{what} missed {name}")));
        }
        out.extend(
            found
                .difference(&truth)
                .map(|name| format!("{what} more {name}")),
        );
    }
    out
}

/// Each hello of the truth names its own flow, and has its mark of ECH.
fn compare_hellos(replay: &Replay, truth: &Value, out: &mut Vec<String>) {
    let end = |event: &Value, address: &str, port: &str| {
        let address: Option<IpAddr> = event[address].as_str().and_then(|text| text.parse().ok());
        let number = match address {
            Some(IpAddr::V4(four)) => u128::from(four.to_ipv6_mapped()),
            Some(IpAddr::V6(six)) => u128::from(six),
            None => 0,
        };
        (number, event[port].as_u64().unwrap_or(0) as u16)
    };
    let hellos = truth["events"]["client_hellos"].as_array();
    for event in hellos.into_iter().flatten() {
        let Some(via @ ("tcp" | "quic")) = event["via"].as_str() else {
            continue;
        };
        let (client, server) = (end(event, "src", "sport"), end(event, "dst", "dport"));
        let sni = texts(event, "sni").next().map(normal);
        let is_named = |found: &Found| {
            let known = sni.as_deref().unwrap_or_default();
            known.is_empty() || found.names().iter().any(|name| **name == *known)
        };
        let has_mark = |found: &Found| found.ech || event.get("ech").is_none();
        let named = replay
            .flows
            .iter()
            .filter(|flow| flow.client == client && flow.server == server)
            .any(|flow| is_named(&flow.found) && has_mark(&flow.found));
        if !named && !texts(event, "ja4").any(|ja4| out.iter().any(|line| line.ends_with(ja4))) {
            out.push(format!(
                "{via} hello of frame {} gave nothing",
                event["frame"]
            ));
        }
    }
}

/// Prints what the flows of a capture are.
fn show(name: &str, replay: &Replay) {
    let mut applications = BTreeMap::<_, usize>::new();
    for flow in &replay.flows {
        let word = flow.found.application().map_or("-", Application::word);
        *applications.entry(word).or_default() += 1;
    }
    println!(
        "{name}: {} looks, {} rows, {:?}, {applications:?}",
        replay.looked_at,
        replay.rows,
        replay.transactions.counters()
    );
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
            found.and_then(|found| found.ja4).as_ref().map(Ja4::as_str),
            ja4,
            "{name}"
        );
    }
}
