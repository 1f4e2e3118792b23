//! One frame for every tunnel, and headers that must not be taken for one.

use super::super::{Fragment, MAX_LEVELS, Tunnel};
use super::frames::*;
use super::{Case, levels_of};

fn case(name: &'static str, wrapped: &'static [Tunnel], outer: &[u8]) -> Case {
    let kind = if outer[0] >> 4 == 4 {
        TYPE_IPV4
    } else {
        TYPE_IPV6
    };
    Case {
        name,
        link: 1,
        frame: ethernet(kind, outer),
        wrapped,
    }
}

fn gre(flags: u16, kind: u16, rest: &[u8]) -> Vec<u8> {
    ip4(
        47,
        &join(&[&flags.to_be_bytes(), &kind.to_be_bytes(), rest]),
    )
}

fn over_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    ip4(UDP, &udp(50_000, port, payload))
}

const VXLAN: [u8; 8] = [8, 0, 0, 0, 0, 0, 5, 0];

fn gtp(flags: u8, options: &[u8], inner: &[u8]) -> Vec<u8> {
    let length = (options.len() + inner.len()) as u16;
    join(&[
        &[flags, 255],
        &length.to_be_bytes(),
        &[0, 0, 0, 9],
        options,
        inner,
    ])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = ip_cases();
    cases.extend(gre_cases());
    cases.extend(udp_cases());
    cases
}

fn ip_cases() -> Vec<Case> {
    vec![
        case("4 in 4", &[Tunnel::Ipip], &ip4(4, &flow4())),
        case("6 in 4", &[Tunnel::SixInFour], &ip4(41, &flow6())),
        case("4 in 6", &[Tunnel::Ipip], &ip6(4, &flow4())),
        case("6 in 6", &[Tunnel::Ipip], &ip6(41, &flow6())),
        case(
            "6 in 4 in 4",
            &[Tunnel::Ipip, Tunnel::SixInFour],
            &ip4(4, &ip4(41, &flow6())),
        ),
    ]
}

fn gre_cases() -> Vec<Case> {
    let wireless = join(&[&[0x88, 1], &[0; 24], &flow_llc()]);
    let ppp = join(&[&[0xff, 3, 0, 0x21], &flow4()]);
    vec![
        case("gre", &[Tunnel::Gre], &gre(0, 0x0800, &flow4())),
        case(
            "gre, all options",
            &[Tunnel::Gre],
            &gre(0xb000, 0x86dd, &join(&[&[0; 12], &flow6()])),
        ),
        case(
            "gre, ethernet",
            &[Tunnel::Gre],
            &gre(0x2000, 0x6558, &join(&[&[0; 4], &flow_ethernet()])),
        ),
        case(
            "gre, mpls",
            &[Tunnel::Gre],
            &gre(0, 0x8847, &join(&[&[0, 2, 1, 64], &flow4()])),
        ),
        case("gre, 802.11", &[Tunnel::Gre], &gre(0, 0x8200, &wireless)),
        case(
            "pptp",
            &[Tunnel::Gre],
            &gre(0x3081, 0x880b, &join(&[&[0; 12], &ppp])),
        ),
        case(
            "erspan 1",
            &[Tunnel::Erspan],
            &gre(0, 0x88be, &flow_ethernet()),
        ),
        case(
            "erspan 2",
            &[Tunnel::Erspan],
            &gre(
                0x1000,
                0x88be,
                &join(&[&[0; 4], &[0x10], &[0; 7], &flow_ethernet()]),
            ),
        ),
        case(
            "erspan 3",
            &[Tunnel::Erspan],
            &gre(
                0x1000,
                0x22eb,
                &join(&[&[0; 4], &[0x20], &[0; 11], &flow_ethernet()]),
            ),
        ),
        case(
            "erspan 3, subheader",
            &[Tunnel::Erspan],
            &gre(
                0x1000,
                0x22eb,
                &join(&[&[0; 4], &[0x20], &[0; 10], &[1], &[0; 8], &flow_ethernet()]),
            ),
        ),
    ]
}

fn udp_cases() -> Vec<Case> {
    let geneve = join(&[&[2, 0, 0x65, 0x58, 0, 0, 5, 0], &[0; 8], &flow_ethernet()]);
    let extensions = [0, 0, 0, 0x85, 1, 0, 9, 0x85, 2, 0, 9, 0, 0, 0, 0, 0];
    let authentication = join(&[&[0, 1, 2, 3], &[7; 5], &[7; 9]]);
    let origin = [0, 0, 1, 2, 3, 4, 5, 6];
    let l2tp_length = (2 + flow4().len() + 16) as u16;
    let l2tp = join(&[
        &[0x4a, 2],
        &l2tp_length.to_be_bytes(),
        &[0, 1, 0, 2, 0, 0, 0, 0, 0, 2, 0, 0],
        &[0, 0x21],
        &flow4(),
    ]);
    vec![
        case(
            "vxlan",
            &[Tunnel::Vxlan],
            &over_udp(4789, &join(&[&VXLAN, &flow_ethernet()])),
        ),
        case(
            "vxlan, old port",
            &[Tunnel::Vxlan],
            &over_udp(8472, &join(&[&VXLAN, &flow_ethernet()])),
        ),
        case(
            "vxlan, group policy",
            &[Tunnel::Vxlan],
            &over_udp(
                4789,
                &join(&[&[0x88, 0x40, 0, 9, 0, 0, 5, 0], &flow_ethernet()]),
            ),
        ),
        case(
            "vxlan-gpe",
            &[Tunnel::VxlanGpe],
            &over_udp(4790, &join(&[&[0x0c, 0, 0, 2, 0, 0, 5, 0], &flow6()])),
        ),
        case("geneve", &[Tunnel::Geneve], &over_udp(6081, &geneve)),
        case(
            "gtp",
            &[Tunnel::Gtp],
            &over_udp(2152, &gtp(0x30, &[], &flow4())),
        ),
        case(
            "gtp, sequence",
            &[Tunnel::Gtp],
            &over_udp(2152, &gtp(0x32, &[0; 4], &flow6())),
        ),
        case(
            "gtp, extensions",
            &[Tunnel::Gtp],
            &over_udp(2152, &gtp(0x34, &extensions, &flow4())),
        ),
        case("teredo", &[Tunnel::Teredo], &over_udp(3544, &flow6())),
        case(
            "teredo, indications",
            &[Tunnel::Teredo],
            &over_udp(3544, &join(&[&authentication, &origin, &flow6()])),
        ),
        case("l2tp", &[Tunnel::L2tp], &over_udp(1701, &l2tp)),
        case(
            "teredo in gtp",
            &[Tunnel::Gtp, Tunnel::Teredo],
            &over_udp(2152, &gtp(0x30, &[], &over_udp(3544, &flow6()))),
        ),
    ]
}

#[test]
fn a_port_alone_opens_nothing() {
    let mut foreign = flow6();
    foreign[8] = 0x24;
    let arp = ethernet(0x0806, &[0; 28]);
    let longer = {
        let mut packet = flow4();
        packet[3] += 1;
        packet
    };
    let table = [
        (
            "vxlan, no flag",
            over_udp(4789, &join(&[&[0; 8], &flow_ethernet()])),
        ),
        (
            "vxlan, reserved flags",
            over_udp(
                4789,
                &join(&[&[0x0a, 0, 0, 0, 0, 0, 5, 0], &flow_ethernet()]),
            ),
        ),
        ("vxlan, arp", over_udp(4789, &join(&[&VXLAN, &arp]))),
        (
            "vxlan-gpe, no protocol",
            over_udp(4790, &join(&[&VXLAN, &flow_ethernet()])),
        ),
        (
            "geneve, version",
            over_udp(6081, &join(&[&[0x40, 0, 8, 0, 0, 0, 0, 0], &flow4()])),
        ),
        (
            "gtp, echo",
            over_udp(2152, &join(&[&[0x30, 1, 0, 47, 0, 0, 0, 0], &flow4()])),
        ),
        (
            "gtp, longer than the datagram",
            over_udp(2152, &join(&[&[0x30, 255, 9, 9, 0, 0, 0, 0], &flow4()])),
        ),
        (
            "gtp, inner packet too long",
            over_udp(2152, &gtp(0x30, &[], &longer)),
        ),
        (
            "gtp, extension of length 0",
            over_udp(2152, &gtp(0x34, &[0, 0, 0, 0x85, 0, 0], &flow4())),
        ),
        ("teredo, ipv4", over_udp(3544, &flow4())),
        ("teredo, other addresses", over_udp(3544, &foreign)),
        (
            "l2tp, control",
            over_udp(1701, &join(&[&[0xc8, 2, 0, 12], &[0; 40]])),
        ),
        ("gre, no ethertype", gre(0, 0x0040, &flow_llc())),
        ("gre, routing", gre(0x4000, 0x0800, &flow4())),
        ("gre, version", gre(0x0003, 0x0800, &flow4())),
        ("6in4, version", ip4(41, &flow4())),
    ];
    for (name, outer) in table {
        let levels = levels_of(1, &ethernet(TYPE_IPV4, &outer)).expect(name);
        assert_eq!(levels.len(), 1, "{name}");
    }
}

#[test]
fn behind_a_later_fragment_nothing_is_opened() {
    let later = ip4_fragment(4, 100, &flow4());
    let levels = levels_of(228, &later).expect("an outer level");
    assert_eq!(levels.len(), 1);
    assert_eq!(
        (levels[0].fragment, levels[0].fragment_id),
        (Fragment::Later, 0x1234)
    );
}

#[test]
fn a_first_fragment_may_hold_a_longer_inner_packet() {
    let inner = ip4(TCP, &tcp(&[9; 2000]));
    let whole = udp(1, 2152, &gtp(0x30, &[], &inner));
    let first = ip4_fragment(UDP, 0x2000, &whole[..1400]);
    let levels = levels_of(228, &first).expect("levels");
    assert_eq!(levels.len(), 2);
    assert_eq!(levels[1].ip_bytes, 2040);
    assert_eq!(levels[1].payload_in(&first), &[9; 1400 - 8 - 8 - 40]);
}

#[test]
fn nesting_has_an_end() {
    let mut packet = flow4();
    for _ in 0..MAX_LEVELS + 3 {
        packet = ip4(4, &packet);
    }
    assert_eq!(levels_of(228, &packet).expect("levels").len(), MAX_LEVELS);
}
