use proptest::prelude::*;

use super::*;

fn ipv4(text: &str, length: u8, block: u32) -> Prefix {
    let address: std::net::Ipv4Addr = text.parse().expect("an address");
    Prefix {
        address: address.to_ipv6_mapped().into(),
        length: 96 + length,
        block,
        valid_from_ns: i64::MIN,
        valid_until_ns: i64::MAX,
    }
}

fn at(watch: &Watch, text: &str, time_ns: i64) -> Option<u32> {
    match text.parse().expect("an address") {
        std::net::IpAddr::V4(address) => watch.lookup(4, address.to_ipv6_mapped().into(), time_ns),
        std::net::IpAddr::V6(address) => watch.lookup(6, address.into(), time_ns),
    }
    .index()
}

#[test]
fn most_specific_wins() {
    let watch = Watch::new(&[
        ipv4("10.0.0.0", 8, 0),
        ipv4("10.1.0.0", 16, 1),
        ipv4("10.1.2.0", 24, 2),
        ipv4("10.1.2.3", 32, 3),
        ipv4("0.0.0.0", 0, 4),
    ])
    .expect("a plan");
    assert_eq!(at(&watch, "10.9.9.9", 0), Some(0));
    assert_eq!(at(&watch, "10.1.9.9", 0), Some(1));
    assert_eq!(at(&watch, "10.1.2.9", 0), Some(2));
    assert_eq!(at(&watch, "10.1.2.3", 0), Some(3));
    assert_eq!(at(&watch, "11.0.0.1", 0), Some(4));
    assert_eq!(at(&watch, "2001:db8::1", 0), None);
}

#[test]
fn first_of_equal_prefixes_wins() {
    let watch = Watch::new(&[ipv4("10.0.0.0", 8, 7), ipv4("10.0.0.0", 8, 8)]).expect("a plan");
    assert_eq!(at(&watch, "10.0.0.1", 0), Some(7));
}

#[test]
fn validity_follows_packet_time() {
    let dated = |mut prefix: Prefix, from, until| {
        prefix.valid_from_ns = from;
        prefix.valid_until_ns = until;
        prefix
    };
    let watch = Watch::new(&[
        ipv4("10.0.0.0", 8, 0),
        dated(ipv4("10.1.0.0", 16, 1), 100, 200),
        dated(ipv4("10.1.0.0", 16, 2), 200, 300),
        dated(ipv4("10.1.1.0", 24, 3), 150, 160),
    ])
    .expect("a plan");
    for (time, expected) in [
        (99, 0),
        (100, 1),
        (149, 1),
        (150, 3),
        (160, 1),
        (200, 2),
        (300, 0),
    ] {
        assert_eq!(at(&watch, "10.1.1.1", time), Some(expected), "at {time}");
    }
}

#[test]
fn bad_prefixes_are_refused() {
    assert_eq!(
        Watch::new(&[ipv4("10.0.0.1", 8, 0)]).err(),
        Some(WatchError::BadPrefix(0))
    );
    let mut long = ipv4("10.0.0.0", 8, 0);
    long.length = 129;
    assert_eq!(Watch::new(&[long]).err(), Some(WatchError::BadPrefix(0)));
    assert_eq!(
        Watch::new(&[ipv4("10.0.0.0", 8, MAX_BLOCKS)]).err(),
        Some(WatchError::BadBlock(0))
    );
}

/// The lookup as its definition reads.
fn linear(prefixes: &[Prefix], version: u8, address: u128, time_ns: i64) -> Option<u32> {
    let mut best: Option<(u8, bool, &Prefix)> = None;
    for prefix in prefixes
        .iter()
        .filter(|prefix| prefix.is_ipv4() == (version == 4))
    {
        let host_bits = u128::MAX.checked_shr(u32::from(prefix.length)).unwrap_or(0);
        let holds = address & !host_bits == prefix.address
            && prefix.valid_from_ns <= time_ns
            && time_ns < prefix.valid_until_ns;
        let rank = (prefix.length, prefix.is_dated());
        if holds && best.is_none_or(|(length, dated, _)| rank > (length, dated)) {
            best = Some((rank.0, rank.1, prefix));
        }
    }
    best.map(|(_, _, prefix)| prefix.block)
}

prop_compose! {
    // Few distinct bits, so that prefixes nest and addresses hit.
    fn any_prefix()(v4 in any::<bool>(), bits in any::<u128>(), keep in any::<u128>(), length in 0u8..=128,
                    block in 0u32..50, dates in prop::option::of((0i64..10, 0i64..10))) -> Prefix {
        let length = if v4 { 96 + length % 33 } else { length };
        let host_bits = u128::MAX.checked_shr(u32::from(length)).unwrap_or(0);
        let bits = bits & keep & 0x8000_8000_8000_8000_8000_8000_8888_8888;
        let address = if v4 { 0xffff_0000_0000 | (bits & 0xffff_ffff) } else { bits } & !host_bits;
        let (valid_from_ns, valid_until_ns) = dates.unwrap_or((i64::MIN, i64::MAX));
        Prefix { address, length, block, valid_from_ns, valid_until_ns }
    }
}

proptest! {
    #[test]
    fn equals_the_definition(prefixes in prop::collection::vec(any_prefix(), 0..60),
                             noise in prop::collection::vec((any::<u128>(), any::<u128>()), 20), time in 0i64..10) {
        let watch = Watch::new(&prefixes).expect("a plan");
        let near = prefixes.iter().map(|prefix| prefix.address);
        for (address, flip) in near.zip(noise.iter().cycle().map(|(a, b)| a & b & (a >> 3))) {
            for address in [address, address ^ flip, address | (flip & 0xffff_ffff)] {
                let version = if address >> 32 == 0xffff { 4 } else { 6 };
                prop_assert_eq!(watch.lookup(version, address, time).index(), linear(&prefixes, version, address, time));
            }
        }
    }
}
