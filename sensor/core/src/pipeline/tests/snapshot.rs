//! What metrics are made of says the same as the flow records, on any number of workers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{SECOND, ethernet, ip4, udp};
use crate::classify::{Catalogue, NameSource, NamingSettings, Note, Service, registered_country};
use crate::counters::Snapshot;
use crate::flow::{Flow, FlowLimits, StreamClock};
use crate::name::hello_for_tests::{hello_message, records, server_name};
use crate::pipeline::{Pipeline, Settings, Work};
use crate::source::Record;
use crate::tally::{Country, Tallies, TallySettings};

const NAMES: [&str; 4] = ["a.video.example", "b.mail.example", "none.invalid", "x.com"];
/// Registered in KP, US and nowhere; the last is watched.
const OUTSIDE: [u32; 4] = [0xaf2d_b001, 0x0808_0808, 0xf000_0001, 0x0a00_0003];
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const FIN: u8 = 0x01;

fn catalogue() -> Catalogue {
    let service = |name: &str| Service {
        service: name.into(),
        organisation: String::new(),
        category: String::new(),
    };
    let suffixes = [("video.example", 0), ("mail.example", 1), ("x.com", 1)];
    Catalogue::new(
        vec![service("Video"), service("Mail")],
        suffixes.map(|(suffix, number)| (suffix.to_owned(), number)),
    )
}

pub(super) fn settings(workers: usize) -> Settings {
    Settings {
        naming: NamingSettings {
            enabled: true,
            ..NamingSettings::default()
        },
        limits: FlowLimits {
            idle_ns: 10 * SECOND,
            active_ns: 15 * SECOND,
            close_ns: 2 * SECOND,
            ..super::settings(1).limits
        },
        tally: Some(TallySettings {
            blocks: ["early".to_owned(), "late".to_owned()].into(),
            catalogue: Arc::new(catalogue()),
            countries: true,
            top_flows: 3,
        }),
        ..super::settings(workers)
    }
}

fn tcp(ports: (u16, u16), sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(ports.0.to_be_bytes());
    segment.extend(ports.1.to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend([0, 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

pub(super) fn hello(name: &str) -> Vec<u8> {
    let extensions = [server_name(name.as_bytes())];
    records(&hello_message(0x0303, &[0x1301], &extensions), 4000)
}

/// A query for a name, or the answer that it is at `address`.
fn dns(name: &str, address: Option<u32>) -> Vec<u8> {
    let response = u8::from(address.is_some());
    let mut message = vec![0, 7, 1 | response << 7, 0, 0, 1, 0, response, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    if let Some(address) = address {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        message.extend(address.to_be_bytes());
    }
    message
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Syn,
    Hello,
    Request,
    Data,
    Fin,
    Reply,
    Query,
    Answer,
    Datagram,
}

#[derive(Clone, Debug)]
struct Event {
    step_ns: i64,
    kind: Kind,
    host: u32,
    outside: usize,
    port: u16,
    name: usize,
}

fn event() -> impl Strategy<Value = Event> {
    use Kind::{Answer, Data, Datagram, Fin, Hello, Query, Reply, Request, Syn};
    let kinds = [
        Syn, Hello, Request, Data, Fin, Reply, Query, Answer, Datagram,
    ];
    let step = prop_oneof![6 => 0..SECOND, 2 => 0..6 * SECOND, 1 => 0..30 * SECOND];
    let ends = (1_u32..3, 0_usize..4, 1000_u16..1003, 0_usize..4);
    (step, prop::sample::select(kinds.to_vec()), ends).prop_map(
        |(step_ns, kind, (host, outside, port, name))| Event {
            step_ns,
            kind,
            host,
            outside,
            port,
            name,
        },
    )
}

impl Event {
    fn frame(&self) -> Vec<u8> {
        let (inside, outside) = (0x0a00_0000 + self.host, OUTSIDE[self.outside]);
        let name = NAMES[self.name];
        let out = |flags, payload: &[u8]| {
            let sequence = u32::from(flags != SYN);
            ip4(
                6,
                inside,
                outside,
                &tcp((self.port, 443), sequence, flags, payload),
            )
        };
        let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\n\r\n");
        let server = 0x0909_0909;
        ethernet(&match self.kind {
            Kind::Syn => out(SYN, &[]),
            Kind::Hello => out(ACK, &hello(name)),
            Kind::Request => out(ACK, request.as_bytes()),
            Kind::Data => out(ACK, &[0x80; 30]),
            Kind::Fin => out(FIN | ACK, &[]),
            Kind::Reply => {
                let segment = tcp((443, self.port), 1, ACK, &[7; 50]);
                ip4(6, outside, inside, &segment)
            }
            Kind::Query => ip4(17, inside, server, &udp((self.port, 53), &dns(name, None))),
            Kind::Answer => {
                let message = dns(name, Some(outside));
                ip4(17, server, inside, &udp((53, self.port), &message))
            }
            Kind::Datagram => ip4(17, inside, outside, &udp((self.port, 9999), &[1; 9])),
        })
    }
}

/// Frames at their times through all workers, in chunks of `size`.
pub(super) struct Replayed {
    pub(super) flows: Vec<(Flow, Option<Note>)>,
    dns_rows: u64,
    before_the_end: Snapshot,
    pub(super) snapshot: Snapshot,
    matched: u64,
}

pub(super) fn replay(settings: &Settings, frames: &[(i64, Vec<u8>)], size: usize) -> Replayed {
    let mut workers: Vec<Pipeline> = (0..settings.workers)
        .map(|_| Pipeline::new(settings.clone()).expect("room"))
        .collect();
    let mut clock = StreamClock::default();
    let mut replayed = Replayed {
        flows: Vec::new(),
        dns_rows: 0,
        before_the_end: Snapshot::default(),
        snapshot: Snapshot::default(),
        matched: 0,
    };
    for frames in frames.chunks(size) {
        let mut work = Work::default();
        for (time_ns, frame) in frames {
            work.chunk.records.push(Record {
                time_ns: *time_ns,
                offset: work.chunk.data.len() as u32,
                captured: frame.len() as u32,
                original: frame.len() as u32,
                link: super::ETHERNET,
                interface: 0,
            });
            work.chunk.data.extend(frame);
            work.clocks.push(clock.advance(*time_ns));
        }
        workers[0].decode(&mut work);
        for (worker, packets) in workers.iter_mut().zip(&work.placed) {
            worker.count(packets, work.chunk.bytes(), clock.now_ns());
            replayed.take_rows(worker);
        }
    }
    for worker in &mut workers {
        replayed.before_the_end.add(worker.snapshot());
        while worker.finish(clock.now_ns(), 100) {}
        replayed.take_rows(worker);
        replayed.snapshot.add(worker.snapshot());
    }
    replayed.matched = replayed.snapshot.counts().packets_matched;
    replayed
}

impl Replayed {
    fn take_rows(&mut self, worker: &mut Pipeline) {
        let flows = std::mem::take(worker.shard().records());
        let notes = worker.shard().observer().take_notes();
        self.flows.extend(flows.into_iter().map(|flow| {
            let place = flow.mark.number().checked_sub(1);
            let note = place.and_then(|place| notes.get(place as usize));
            (flow, note.cloned())
        }));
        self.dns_rows += worker.shard().observer().dns_rows().len() as u64;
        worker.shard().observer().dns_rows().clear();
    }

    /// What the counters should say, from the records alone.
    fn expected(&mut self) -> Tallies {
        let blocks: [Arc<str>; 2] = ["early".into(), "late".into()];
        let catalogue = catalogue();
        let mut tallies = Tallies::default();
        for block in &blocks {
            tallies.blocks.entry(block.clone()).or_default();
        }
        self.flows
            .sort_by_key(|(flow, _)| (flow.flow_id(), flow.record));
        let mut by_flow: HashMap<u64, Vec<&(Flow, Option<Note>)>> = HashMap::new();
        for row in &self.flows {
            by_flow.entry(row.0.flow_id()).or_default().push(row);
        }
        for rows in by_flow.values() {
            let block = &blocks[rows[0].0.blocks().0.index().expect("a block") as usize];
            let mut sum = (0, 0);
            for (flow, _) in rows {
                let (bytes, packets) = (flow.bytes(), flow.packets());
                let tally = tallies.blocks.entry(block.clone()).or_default();
                add(&mut tally.bytes, bytes);
                add(&mut tally.packets, packets);
                add(&mut sum, bytes);
            }
            if let Some(code) = registered_country(4, rows[0].0.addresses().1) {
                let code: Country = code.as_bytes().try_into().expect("two letters");
                add(
                    tallies.countries.entry((block.clone(), code)).or_default(),
                    sum,
                );
            }
            let last = rows.last().and_then(|(_, note)| note.as_ref());
            if let Some(service) = last.and_then(|note| note.service(&catalogue)) {
                let name = catalogue.services()[service as usize].service.as_str();
                let tally = tallies
                    .services
                    .entry((block.clone(), name.into()))
                    .or_default();
                tally.flows += 1;
                add(&mut tally.bytes, sum);
            }
            if let Some(application) = last.and_then(Note::application) {
                *tallies
                    .applications
                    .entry((block.clone(), application))
                    .or_default() += 1;
            }
            if let Some((_, source)) = last.and_then(Note::name) {
                tallies.names[source as usize] += 1;
            }
        }
        tallies
    }
}

fn add(sum: &mut (u64, u64), (out, incoming): (u64, u64)) {
    sum.0 += out;
    sum.1 += incoming;
}

/// The sums without what records do not say.
fn comparable(tallies: &Tallies) -> Tallies {
    Tallies {
        dns: BTreeMap::new(),
        flows: Vec::new(),
        ..tallies.clone()
    }
}

proptest! {
    #[test]
    fn counters_are_the_sums_of_the_records(
        events in vec(event(), 1..150),
        size in 1_usize..60,
    ) {
        let mut now_ns = 80 * SECOND;
        let frames: Vec<(i64, Vec<u8>)> = events
            .iter()
            .map(|event| {
                now_ns += event.step_ns;
                (now_ns, event.frame())
            })
            .collect();
        let mut alone = replay(&settings(1), &frames, size);
        let expected = alone.expected();
        prop_assert_eq!(comparable(&alone.snapshot.tallies), expected);
        let transactions: u64 = alone.snapshot.tallies.dns.values().sum();
        prop_assert_eq!(transactions, alone.dns_rows);
        let by_block = |replayed: &Replayed| -> u64 {
            let blocks = replayed.snapshot.tallies.blocks.values();
            blocks.map(|tally| tally.packets.0 + tally.packets.1).sum()
        };
        prop_assert_eq!(by_block(&alone), alone.matched);
        for workers in 2..4 {
            let several = replay(&settings(workers), &frames, size);
            prop_assert_eq!(comparable(&several.snapshot.tallies), comparable(&alone.snapshot.tallies));
            prop_assert_eq!(&several.snapshot.tallies.dns, &alone.snapshot.tallies.dns);
            prop_assert_eq!(several.snapshot.counts(), alone.snapshot.counts());
            prop_assert_eq!(several.snapshot.active_flows, 0);
        }
    }
}

#[test]
fn what_a_dns_flow_is_counts_at_once() {
    let query = udp((1000, 53), &dns("a.example", None));
    let frame = ethernet(&ip4(17, 0x0a00_0001, OUTSIDE[1], &query));
    let tallies = replay(&settings(1), &[(0, frame)], 1)
        .before_the_end
        .tallies;
    assert_eq!(tallies.applications.values().sum::<u64>(), 1);
    assert_eq!(tallies.names[NameSource::DnsQuery as usize], 1);
    assert!(tallies.services.is_empty());
}

/// A request of a TLS client for a name, and the answer.
pub(super) fn visit(number: u32, name: &str) -> [Vec<u8>; 2] {
    let (inside, outside) = (0x0a00_0001, 0x0808_0000 + (number >> 14));
    let port = 1024 + (number & 0x3fff) as u16;
    let hello = tcp((port, 443), 1, ACK, &hello(name));
    let reply = tcp((443, port), 1, ACK, &[7; 500]);
    [
        ethernet(&ip4(6, inside, outside, &hello)),
        ethernet(&ip4(6, outside, inside, &reply)),
    ]
}

#[test]
fn names_from_the_wire_never_become_labels() {
    let mut settings = settings(1);
    settings.limits.max_flows = 200_000;
    let hostile = 100_000;
    let mut services = BTreeSet::new();
    let mut pipeline = Pipeline::new(settings).expect("room");
    for first in (0..hostile).step_by(1000) {
        let mut work = Work::default();
        for number in first..first + 1000 {
            let name = if number % 10 == 0 {
                format!("evil{number}.video.example")
            } else {
                format!("evil{number}.label{{x=\"{number}\"}}.invalid")
            };
            for frame in visit(number, &name) {
                work.chunk.records.push(Record {
                    time_ns: 200 * SECOND,
                    offset: work.chunk.data.len() as u32,
                    captured: frame.len() as u32,
                    original: frame.len() as u32,
                    link: super::ETHERNET,
                    interface: 0,
                });
                work.chunk.data.extend(frame);
                work.clocks.push(0);
            }
        }
        pipeline.decode(&mut work);
        pipeline.count(&work.placed[0], work.chunk.bytes(), 0);
    }
    let snapshot = pipeline.snapshot();
    let tallies = &snapshot.tallies;
    services.extend(
        tallies
            .services
            .keys()
            .map(|(_, service)| service.to_string()),
    );
    assert_eq!(snapshot.active_flows, u64::from(hostile));
    assert_eq!(services, BTreeSet::from(["Video".to_owned()]));
    let video = tallies.services.values().next().expect("a service");
    assert_eq!(video.flows, u64::from(hostile) / 10);
    assert!(tallies.flows.len() <= 3);
    assert_eq!(tallies.labels_refused, 0);
}
