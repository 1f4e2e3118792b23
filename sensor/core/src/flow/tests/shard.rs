//! The shard against the model, over random packets handed over in random portions.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::Packet;
use super::build::{
    ACK, Cut, FIN, LIMITS, RST, SECOND, SYN, Stream, TCP, UDP, block_of, host, level, replay,
};
use super::model::{Model, Sent};
use crate::decode::{Level, Tunnel};
use crate::watch::BlockRef;

/// Steps of packet time: mostly forth, sometimes back, rarely nonsense.
pub(super) fn step_ns() -> impl Strategy<Value = i64> {
    prop_oneof![
        20 => 0..SECOND,
        8 => 0..4 * SECOND,
        3 => 0..20 * SECOND,
        3 => -8 * SECOND..0,
        1 => -30 * SECOND..80 * SECOND,
        1 => -1_000_000 * SECOND..1_000_000 * SECOND,
        1 => prop_oneof![Just(0), Just(i64::MAX), Just(i64::MIN)],
    ]
}

/// Portions of every size, with and without a sweep behind them.
pub(super) fn cuts() -> impl Strategy<Value = Vec<Cut>> {
    vec((1_usize..50, any::<bool>()), 1..20)
}

fn tcp_flags() -> impl Strategy<Value = u8> {
    prop_oneof![
        6 => Just(ACK),
        2 => Just(SYN),
        2 => Just(SYN | ACK),
        2 => Just(FIN | ACK),
        1 => Just(RST),
        1 => any::<u8>(),
    ]
}

/// Packets of few flows: of two watched hosts with each other and with two others.
fn packet() -> impl Strategy<Value = (i64, Level, bool)> {
    let ends = (0_usize..4, 0_usize..4, 1_u16..3, 1_u16..3);
    let kind = (any::<bool>(), prop::bool::weighted(0.1), tcp_flags());
    let size = (40_u32..1500, prop_oneof![Just(0), 1_u32..1000]);
    (step_ns(), ends, kind, size, prop::bool::weighted(0.03)).prop_map(
        |(step_ns, ends, (is_tcp, tunnelled, flags), (ip_bytes, payload_bytes), moves)| {
            let hosts = [host(1), host(10), host(200), host(201)];
            let (mut from, mut to) = (hosts[ends.0], hosts[ends.1]);
            if block_of(from).is_none() && block_of(to).is_none() {
                (from, to) = (hosts[ends.0 - 2], hosts[ends.1]);
            }
            // A port to itself has no direction.
            let to_port = if from == to { ends.3 + 2 } else { ends.3 };
            let protocol = if is_tcp { TCP } else { UDP };
            let level = Level {
                tcp_flags: if is_tcp { flags } else { 0 },
                tunnel: if tunnelled { Tunnel::Gre } else { Tunnel::None },
                ip_bytes,
                payload_bytes,
                ..level(protocol, (from, ends.2), (to, to_port))
            };
            (step_ns, level, moves)
        },
    )
}

/// Adds up the times; from a packet that `moves` on, host 1 lies in another block.
fn sequence(steps: Vec<(i64, Level, bool)>) -> Vec<Sent> {
    let mut time_ns = 1_491_000_000 * SECOND;
    let mut moved = false;
    let block = |address, moved| match block_of(address) {
        block if block == BlockRef::new(0) && moved => BlockRef::new(2),
        block => block,
    };
    steps
        .into_iter()
        .map(|(step_ns, level, moves)| {
            time_ns = step_ns.saturating_add(time_ns);
            moved ^= moves;
            Sent {
                time_ns,
                level,
                blocks: (block(level.source, moved), block(level.destination, moved)),
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn gives_the_records_of_the_model(steps in vec(packet(), 0..250), cuts in cuts()) {
        let sent = sequence(steps);
        let mut stream = Stream::default();
        let packets: Vec<_> = sent
            .iter()
            .map(|sent| stream.packet_in(sent.time_ns, &sent.level, sent.blocks))
            .collect();
        let mut model = Model::new(LIMITS);
        for (sent, packet) in sent.iter().zip(&packets) {
            model.take(sent, packet.clock_ns);
        }
        let expected = model.finish(packets.last().map_or(0, |packet| packet.clock_ns));

        let (rows, counters) = replay(LIMITS, &packets, &cuts);
        for (row, expected) in rows.iter().zip(&expected) {
            prop_assert_eq!(row, expected);
        }
        prop_assert_eq!(rows.len(), expected.len());

        // Nor does it matter which flows fall together in the table.
        let crowded: Vec<_> = packets
            .iter()
            .map(|packet| Packet { hash: packet.hash & 1, ..*packet })
            .collect();
        prop_assert_eq!(&replay(LIMITS, &crowded, &cuts).0, &rows);

        let counted: u64 = rows.iter().map(|row| row.packets.0 + row.packets.1).sum();
        prop_assert_eq!(counted, packets.len() as u64);
        let bytes: u64 = rows.iter().map(|row| row.bytes.0 + row.bytes.1).sum();
        prop_assert_eq!(bytes, sent.iter().map(|sent| u64::from(sent.level.ip_bytes)).sum::<u64>());
        let ended = rows.iter().filter(|row| row.reason != "active").count() as u64;
        prop_assert_eq!(counters.flows_created, ended);
        prop_assert_eq!(counters.flows_expired + counters.flows_evicted, ended);
        prop_assert_eq!(counters.flows_evicted, 0);
    }
}
