//! Ports of later fragments.

use super::super::FragmentLimits;
use super::super::Packet;
use super::super::fragment::Fragments;
use super::build::{ESP, End, SECOND, Stream, TCP, UDP, fragment, host, level};
use crate::decode::{Fragment, Level, Tunnel};

const FROM: End = (host(1), 1000);
const TO: End = (host(200), 2000);

fn first(id: u32) -> Level {
    fragment(level(UDP, FROM, TO), Fragment::First, id)
}

fn later(id: u32) -> Level {
    fragment(level(UDP, FROM, TO), Fragment::Later, id)
}

/// Takes fragments a second apart; the ports given back by each.
fn ports_after(levels: &[Level]) -> Vec<Vec<(u16, u16)>> {
    let mut fragments = Fragments::new(FragmentLimits::MOST);
    let mut stream = Stream::default();
    (0..)
        .zip(levels)
        .map(|(second, level)| {
            let mut ready = Vec::new();
            fragments.take(&stream.packet(second * SECOND, level), &mut ready);
            ready.iter().map(ports).collect()
        })
        .collect()
}

fn ports(packet: &Packet) -> (u16, u16) {
    (packet.key.low_port, packet.key.high_port)
}

const PORTS: (u16, u16) = (1000, 2000);

#[test]
fn later_fragments_behind_the_first_are_counted_at_once() {
    assert_eq!(
        ports_after(&[first(1), later(1), later(1)]),
        [[PORTS], [PORTS], [PORTS]]
    );
}

#[test]
fn later_fragments_before_the_first_wait_for_it() {
    assert_eq!(
        ports_after(&[later(1), later(1), first(1), later(1)]),
        [vec![], vec![], vec![PORTS; 3], vec![PORTS]]
    );
}

#[test]
fn what_makes_another_datagram() {
    let back = fragment(level(UDP, TO, FROM), Fragment::Later, 1);
    let elsewhere = fragment(level(UDP, (host(2), 1000), TO), Fragment::Later, 1);
    let other_protocol = fragment(level(ESP, FROM, TO), Fragment::Later, 1);
    let tunnelled = Level {
        tunnel: Tunnel::Vxlan,
        ..later(1)
    };
    let six = Level {
        version: 6,
        ..later(1)
    };
    for other in [later(2), back, elsewhere, other_protocol, tunnelled, six] {
        let ready = ports_after(&[first(1), other]);
        assert!(ready[1].is_empty(), "{other:?}");
    }
}

#[test]
fn a_later_ipv6_fragment_need_not_know_the_protocol() {
    let six = |level: Level| Level {
        version: 6,
        ..level
    };
    let first = six(fragment(level(TCP, FROM, TO), Fragment::First, 7));
    // Behind a fragment header that names destination options.
    let later = six(fragment(level(60, FROM, TO), Fragment::Later, 7));
    for order in [[first, later], [later, first]] {
        let mut fragments = Fragments::new(FragmentLimits::MOST);
        let mut stream = Stream::default();
        let mut ready = Vec::new();
        for level in &order {
            fragments.take(&stream.packet(0, level), &mut ready);
        }
        assert_eq!(ready.len(), 2);
        assert!(ready.iter().all(|packet| packet.key.protocol == TCP));
    }
}

#[test]
fn fragments_of_many_hosts_with_one_identification_do_not_mix() {
    let datagram = |number: u8, kind| {
        let from = (host(number), 1000 + u16::from(number));
        fragment(level(UDP, from, TO), kind, 99)
    };
    let mut levels = Vec::new();
    for kind in [Fragment::Later, Fragment::First, Fragment::Later] {
        levels.extend((1..9).map(|number| datagram(number, kind)));
    }
    let mut fragments = Fragments::new(FragmentLimits::MOST);
    let mut stream = Stream::default();
    let mut ready = Vec::new();
    for level in &levels {
        fragments.take(&stream.packet(0, level), &mut ready);
    }
    assert_eq!(ready.len(), 24);
    for packet in &ready {
        let number = (packet.key.low() & 0xff) as u16;
        assert_eq!(ports(packet), (1000 + number, 2000));
    }
}

#[test]
fn what_waits_is_given_back_without_ports() {
    let mut fragments = Fragments::new(FragmentLimits::MOST);
    let mut stream = Stream::default();
    let mut ready = Vec::new();
    fragments.take(&stream.packet(0, &later(1)), &mut ready);
    fragments.expire(30 * SECOND.unsigned_abs(), &mut ready);
    assert!(ready.is_empty());
    fragments.expire(30 * SECOND.unsigned_abs() + 1, &mut ready);
    assert_eq!(ready.iter().map(ports).collect::<Vec<_>>(), [(0, 0)]);
    fragments.take(&stream.packet(31 * SECOND, &later(2)), &mut ready);
    fragments.finish(31 * SECOND.unsigned_abs(), &mut ready);
    assert_eq!(ready.len(), 2);
    assert_eq!(fragments.evicted, 0);
}

#[test]
fn datagrams_have_a_limit() {
    const DATAGRAMS: u32 = 8192;
    let mut fragments = Fragments::new(FragmentLimits::MOST);
    let mut stream = Stream::default();
    let mut ready = Vec::new();
    for id in 0..DATAGRAMS {
        fragments.take(&stream.packet(0, &later(id)), &mut ready);
    }
    assert!(ready.is_empty());
    fragments.take(&stream.packet(0, &later(DATAGRAMS)), &mut ready);
    assert_eq!((ready.len(), fragments.evicted), (1, 1));
    assert_eq!(ready[0].fragment_id, 0, "the oldest");
    fragments.finish(0, &mut ready);
    assert_eq!(ready.len() as u32, DATAGRAMS + 1);
}

#[test]
fn waiting_fragments_have_a_limit_and_room_comes_back() {
    const WAITING: usize = 32_768;
    let mut fragments = Fragments::new(FragmentLimits::MOST);
    let mut stream = Stream::default();
    let mut ready = Vec::new();
    for _ in 0..WAITING {
        fragments.take(&stream.packet(0, &later(1)), &mut ready);
    }
    assert!(ready.is_empty());
    fragments.take(&stream.packet(0, &later(2)), &mut ready);
    assert_eq!((ready.len(), fragments.evicted), (1, 1));
    ready.clear();
    fragments.take(&stream.packet(0, &first(1)), &mut ready);
    assert_eq!(ready.len(), WAITING + 1);
    ready.clear();
    fragments.take(&stream.packet(0, &later(2)), &mut ready);
    assert!(ready.is_empty(), "there is room again");
}
