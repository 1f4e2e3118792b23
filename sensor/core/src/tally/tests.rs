//! Heavy flows are found, labels are bounded, and counters outlive the rules.

use std::sync::Arc;

use super::{LISTED_NS, MAX_CANDIDATES, MAX_LABELS, Tallies, TallySettings, Tallying};
use crate::classify::{Catalogue, Namer, NamingSettings, Service};
use crate::decode::Level;
use crate::flow::tests::build::{End, LIMITS, SECOND, Stream, UDP, host, level};
use crate::flow::{Flow, FlowLimits, Observer, Shard};
use crate::watch::BlockRef;

const INSIDE: End = (host(1), 1000);
const OUTSIDE: End = (0xffff_0808_0808, 443);

fn tally_settings(blocks: &[&str], services: &[&str]) -> TallySettings {
    let service = |name: &&str| Service {
        service: (*name).to_owned(),
        organisation: String::new(),
        category: String::new(),
    };
    let catalogue = Catalogue::new(services.iter().map(service).collect(), []);
    TallySettings {
        blocks: blocks.iter().map(|name| (*name).to_owned()).collect(),
        catalogue: Arc::new(catalogue),
        countries: true,
        top_flows: 2,
    }
}

fn shard(settings: TallySettings) -> Shard<Tallying> {
    let namer = Namer::new(NamingSettings::default());
    let limits = FlowLimits {
        max_flows: 100_000,
        ..LIMITS
    };
    Shard::new(limits, Tallying::new(namer, Some(settings))).expect("room")
}

/// A shard under way.
struct Run {
    shard: Shard<Tallying>,
    stream: Stream,
}

impl Run {
    fn new() -> Self {
        Self {
            shard: shard(tally_settings(&["first", "second"], &[])),
            stream: Stream::default(),
        }
    }

    fn send(&mut self, second: i64, level: &Level, times: usize) {
        for _ in 0..times {
            let packet = self.stream.packet(second * SECOND, level);
            self.shard.take(&[packet], crate::source::Bytes::default());
            self.shard.expire(packet.clock_ns);
            self.shard.observer().expire(packet.clock_ns);
        }
    }

    /// Outside port, bytes out and in, and whether alive, the heaviest first.
    fn heaviest(&mut self) -> Vec<(u16, u64, u64, bool)> {
        let mut flows = self.shard.observer().tallies().flows;
        flows.sort_by_key(|flow| std::cmp::Reverse(flow.bytes.0 + flow.bytes.1));
        flows
            .iter()
            .map(|flow| (flow.outside_port, flow.bytes.0, flow.bytes.1, flow.alive))
            .collect()
    }
}

fn to_port(inside_port: u16, outside_port: u16) -> Level {
    level(UDP, (INSIDE.0, inside_port), (OUTSIDE.0, outside_port))
}

#[test]
fn parallel_connections_are_one_heavy_flow() {
    let mut run = Run::new();
    run.send(0, &to_port(1, 443), 64);
    run.send(0, &to_port(2, 443), 64);
    run.send(0, &level(UDP, OUTSIDE, (INSIDE.0, 2)), 64);
    run.send(0, &to_port(3, 80), 100);
    run.send(0, &to_port(4, 25), 8);
    assert_eq!(
        run.heaviest(),
        [(443, 12_800, 6_400, true), (80, 6_400, 0, true)]
    );
    // When its connections are over, all their packets have been told, and it stays for a while.
    run.send(20, &to_port(4, 25), 2);
    let after = run.heaviest();
    assert_eq!(after[0], (443, 12_800, 6_400, false));
    assert_eq!(after[1], (80, 10_000, 0, false));
    assert_eq!(after[2].0, 25);
    let late = 20 + LISTED_NS as i64 / SECOND;
    for second in (20..=late).step_by(20) {
        run.send(second, &to_port(5, 26), 2);
    }
    assert_eq!(run.heaviest().len(), 1);
}

#[test]
fn what_was_told_never_goes_back() {
    let mut run = Run::new();
    let mut last = 0;
    for second in 0..200 {
        // Flows end by silence, and records by age.
        if second % 30 < 18 {
            let inside_port = u16::try_from(second / 40).expect("small");
            run.send(second, &to_port(inside_port, 443), 50);
        }
        let heaviest = run.heaviest();
        let now = heaviest
            .iter()
            .find(|flow| flow.0 == 443)
            .map_or(0, |flow| flow.1);
        assert!(now >= last, "{last} then {now} at {second}");
        last = now;
    }
    run.send(220, &to_port(9, 80), 1);
    let sent = (0..200).filter(|second| second % 30 < 18).count() * 50 * 100;
    assert_eq!(run.heaviest().first().map(|flow| flow.1), Some(sent as u64));
}

#[test]
fn a_flood_of_flows_does_not_hide_a_heavy_one_nor_take_memory() {
    let mut run = Run::new();
    run.send(0, &to_port(1, 443), 1000);
    for number in 0..20_000_u32 {
        let from = (host(2), (number % 50_000) as u16 + 1);
        let to = (OUTSIDE.0 + u128::from(number), 9);
        run.send(1, &level(UDP, from, to), 2);
    }
    assert_eq!(run.heaviest().first().map(|flow| flow.0), Some(443));
    let tally = run.shard.observer().tally().expect("on");
    assert!(tally.candidates() <= MAX_CANDIDATES);
}

/// Counts one packet of a flow between these ends in a block.
fn count_one(shard: &mut Shard<Tallying>, stream: &mut Stream, outside: u128, block: u32) {
    let level = level(UDP, INSIDE, (outside, 1));
    let blocks = (BlockRef::new(block), BlockRef::NONE);
    let packet = stream.packet_in(0, &level, blocks);
    shard.take(&[packet], crate::source::Bytes::default());
}

#[test]
fn blocks_beyond_the_first_hundred_are_other() {
    let names: Vec<String> = (0..150).map(|number| format!("block-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut shard = shard(tally_settings(&names, &[]));
    let mut stream = Stream::default();
    for block in 0..150 {
        count_one(
            &mut shard,
            &mut stream,
            OUTSIDE.0 + u128::from(block),
            block,
        );
    }
    let blocks = shard.observer().tallies().blocks;
    assert_eq!(blocks.len(), 101);
    assert_eq!(blocks["other"].packets, (50, 0));
    assert_eq!(blocks["block-99"].packets, (1, 0));
}

#[test]
fn counters_go_on_when_the_rules_are_swapped() {
    let mut shard = shard(tally_settings(&["first", "second"], &[]));
    let mut stream = Stream::default();
    count_one(&mut shard, &mut stream, OUTSIDE.0, 0);
    count_one(&mut shard, &mut stream, OUTSIDE.0 + 1, 1);
    // The first block is gone, the second has its index, and a third is new.
    let settings = tally_settings(&["second", "third"], &["New"]);
    shard.observer().take_on(settings);
    count_one(&mut shard, &mut stream, OUTSIDE.0 + 2, 0);
    count_one(&mut shard, &mut stream, OUTSIDE.0 + 3, 1);
    let packets = |tallies: &Tallies, block: &str| tallies.blocks[block].packets.0;
    let tallies = shard.observer().tallies();
    let counted = ["first", "second", "third"].map(|block| packets(&tallies, block));
    assert_eq!(counted, [1, 2, 1]);
}

#[test]
fn without_room_for_labels_flows_count_under_their_block() {
    use super::labels::{Label, Labels};
    use super::names::Names;
    let mut names = Names::default();
    names.take_on(&tally_settings(&["block"], &[]));
    let mut labels = Labels::default();
    let label = |country: u32| Label {
        block: names.block(0),
        country: (country > 0).then(|| (country as u16).to_be_bytes()),
        service: None,
        source: None,
        has_application: country >> 16 != 0,
    };
    for country in 1..70_000 {
        let number = labels.number(label(country));
        labels.add(number, true, 100);
    }
    assert!(labels.refused > 0);
    assert!(labels.iter().count() <= MAX_LABELS);
    let bytes: u64 = labels.iter().map(|(_, cell)| cell.bytes().0).sum();
    assert_eq!(bytes, 100 * 69_999);
    let refused = labels.number(label(69_999));
    assert_eq!(labels.label(refused).map(|label| label.country), Some(None));
}

#[test]
fn without_settings_nothing_is_counted() {
    let namer = Namer::new(NamingSettings::default());
    let mut observer = Tallying::new(namer, None);
    let packet = Stream::default().packet(0, &to_port(1, 2));
    assert_eq!(observer.counted(&Flow::default(), &packet, true), 0);
    assert_eq!(observer.tallies(), Tallies::default());
}
