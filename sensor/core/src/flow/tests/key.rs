//! What belongs to one flow, and how it is called.

use proptest::prelude::*;

use super::super::{FlowKey, HashKeys};
use super::build::{End, TCP, UDP, host, level};
use crate::decode::{Level, Tunnel};

const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

fn key(level: &Level) -> FlowKey {
    FlowKey::new(level).0
}

/// A message of ICMP from host 1 to host 2, or back.
fn message(protocol: u8, kind: u16, there: bool) -> FlowKey {
    let (from, to) = if there { (1, 2) } else { (2, 1) };
    key(&level(protocol, (host(from), kind), (host(to), 0)))
}

/// Addresses and ports that are often the same or next to each other.
fn end() -> impl Strategy<Value = End> {
    let address = prop_oneof![any::<u128>(), (0..3_u8).prop_map(host)];
    (address, prop_oneof![any::<u16>(), 0..3_u16])
}

proptest! {
    #[test]
    fn both_directions_have_one_key(
        from in end(),
        to in end(),
        protocol in any::<u8>().prop_filter("ICMP pairs types", |&number| number != ICMP && number != ICMPV6),
        version in prop_oneof![Just(4), Just(6)],
        first_ns in any::<i64>(),
    ) {
        let there = Level { version, ..level(protocol, from, to) };
        let back = Level { version, ..level(protocol, to, from) };
        let ((one, forward), (other, backward)) = (FlowKey::new(&there), FlowKey::new(&back));
        prop_assert_eq!(one, other);
        prop_assert_eq!(forward != backward, from != to);
        let keys = HashKeys::default();
        prop_assert_eq!(one.hash(&keys), other.hash(&keys));
        prop_assert_eq!(one.flow_id(first_ns), other.flow_id(first_ns));
        let (low, high) = ((one.low(), one.low_port), (one.high(), one.high_port));
        prop_assert_eq!((low, high), (from.min(to), from.max(to)));
        prop_assert_eq!((one.version(), one.protocol), (version, protocol));
    }

    #[test]
    fn other_tuples_have_other_keys(a in end(), b in end(), c in end(), d in end(), first_ns in any::<i64>()) {
        let (one, other) = (key(&level(UDP, a, b)), key(&level(UDP, c, d)));
        let same = (a.min(b), a.max(b)) == (c.min(d), c.max(d));
        prop_assert_eq!(one == other, same);
        prop_assert_eq!(one.flow_id(first_ns) == other.flow_id(first_ns), same);
    }
}

#[test]
fn protocol_version_and_tunnel_are_part_of_the_key() {
    let plain = level(UDP, (host(1), 10), (host(2), 20));
    let unlike = [
        Level {
            protocol: TCP,
            ..plain
        },
        // IPv6 packets with mapped addresses are not IPv4.
        Level {
            version: 6,
            ..plain
        },
        Level {
            tunnel: Tunnel::Gre,
            ..plain
        },
        Level {
            tunnel: Tunnel::Vxlan,
            ..plain
        },
    ];
    let keys: Vec<FlowKey> = std::iter::once(&plain).chain(&unlike).map(key).collect();
    for (number, one) in keys.iter().enumerate() {
        for other in &keys[number + 1..] {
            assert_ne!(one, other);
            assert_ne!(one.flow_id(0), other.flow_id(0));
        }
    }
}

#[test]
fn every_tunnel_is_remembered() {
    for tunnel in Tunnel::ALL.into_iter().chain([Tunnel::None]) {
        let inner = Level {
            tunnel,
            ..level(UDP, (host(1), 10), (host(2), 20))
        };
        assert_eq!(key(&inner).tunnel(), tunnel);
    }
}

#[test]
fn requests_and_replies_are_one_flow() {
    let pairs = [
        (ICMP, 8, 0),
        (ICMP, 10, 9),
        (ICMP, 13, 14),
        (ICMP, 15, 16),
        (ICMP, 17, 18),
        (ICMPV6, 128, 129),
        (ICMPV6, 130, 131),
        (ICMPV6, 133, 134),
        (ICMPV6, 135, 136),
        (ICMPV6, 139, 140),
        (ICMPV6, 144, 145),
    ];
    for (protocol, request, reply) in pairs {
        let asked = message(protocol, request, true);
        assert_eq!(asked, message(protocol, reply, false));
        assert_ne!(asked, message(protocol, request, false), "asked by another");
        assert_ne!(
            asked,
            message(protocol, reply, true),
            "an answer to another"
        );
    }
}

#[test]
fn messages_without_a_reply_keep_their_direction() {
    for (protocol, kind) in [(ICMP, 3), (ICMP, 11), (ICMPV6, 1), (ICMPV6, 137)] {
        assert_ne!(
            message(protocol, kind, true),
            message(protocol, kind, false)
        );
        assert_eq!(message(protocol, kind, true), message(protocol, kind, true));
    }
    // The numbers of the other family pair nothing.
    assert_ne!(message(ICMP, 128, true), message(ICMP, 129, false));
    assert_ne!(message(ICMPV6, 8, true), message(ICMPV6, 0, false));
}

/// Stores are joined over years by these numbers: a change is a new store format.
#[test]
fn flow_ids_are_as_ever() {
    let udp = key(&level(UDP, (host(1), 53), (host(2), 4000)));
    let in_vxlan = key(&Level {
        tunnel: Tunnel::Vxlan,
        ..level(TCP, (host(9), 443), (host(2), 50_000))
    });
    let six = key(&Level {
        version: 6,
        ..level(TCP, (1 << 125, 80), (3 << 124 | 7, 60_000))
    });
    let error = message(ICMP, 3, true);
    let found = [
        udp.flow_id(0),
        udp.flow_id(1_491_004_800_000_000_001),
        in_vxlan.flow_id(1),
        six.flow_id(i64::MIN),
        error.flow_id(-1),
    ];
    let expected = [
        15_968_157_636_467_349_129,
        8_500_746_012_629_907_488,
        10_175_876_958_047_869_402,
        4_611_969_555_162_246_652,
        1_401_159_120_522_916_937,
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_table_hash_is_secret_and_spread() {
    let (one, other) = (HashKeys::default(), HashKeys::default());
    let near = |port| key(&level(UDP, (host(1), port), (host(2), 20)));
    assert_ne!(near(1).hash(&one), near(1).hash(&other));
    let low_bits: std::collections::HashSet<u32> =
        (0..4096).map(|port| near(port).hash(&one) as u32).collect();
    assert!(low_bits.len() >= 4095, "{} of 4096", low_bits.len());
}
