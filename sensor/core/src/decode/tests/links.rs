//! One frame for every link type and every header between link and IP.

use super::super::{DropReason, Tunnel};
use super::frames::*;
use super::{Case, levels_of};

fn case(name: &'static str, link: u16, frame: Vec<u8>) -> Case {
    Case {
        name,
        link,
        frame,
        wrapped: &[] as &[Tunnel],
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = ethernet_cases();
    cases.extend(serial_cases());
    cases.extend(wireless_cases());
    cases.extend(metadata_cases());
    cases
}

fn ethernet_cases() -> Vec<Case> {
    let padded = join(&[&flow_ethernet(), &[0; 6]]);
    let tagged = join(&[&[0, 5], &TYPE_IPV6.to_be_bytes(), &flow6()]);
    let twice = join(&[&[0, 5, 0x81, 0], &tagged]);
    let llc = flow_llc();
    let llc_length = llc.len() as u16;
    let direct = join(&[&[6, 6, 3], &flow4()]);
    let ppp_length = (flow4().len() + 2) as u16;
    let pppoe = join(&[
        &[0x11, 0, 0, 9],
        &ppp_length.to_be_bytes(),
        &[0, 0x21],
        &flow4(),
        &[0; 5],
    ]);
    let label = [0, 1, 0, 64];
    let bottom = [0, 2, 1, 64];
    let control = [0, 0, 0, 1];
    vec![
        case("ethernet", 1, flow_ethernet()),
        case("ethernet, padded", 1, padded),
        case("ethernet, ipv6", 1, ethernet(TYPE_IPV6, &flow6())),
        case("802.1q", 1, ethernet(0x8100, &tagged)),
        case("802.1ad", 1, ethernet(0x88a8, &twice)),
        case("q in q, old type", 1, ethernet(0x9100, &twice)),
        case("llc snap", 1, ethernet(llc_length, &join(&[&llc, &[0; 9]]))),
        case("llc ip", 1, ethernet(direct.len() as u16, &direct)),
        case("pppoe", 1, ethernet(0x8864, &pppoe)),
        case("pppoe link", 51, pppoe),
        case(
            "mpls",
            1,
            ethernet(0x8847, &join(&[&label, &label, &bottom, &flow4()])),
        ),
        case(
            "mpls, ipv6",
            1,
            ethernet(0x8848, &join(&[&bottom, &flow6()])),
        ),
        case(
            "mpls, ethernet",
            1,
            ethernet(0x8847, &join(&[&bottom, &control, &flow_ethernet()])),
        ),
        case(
            "mpls, ethernet without control word",
            1,
            ethernet(0x8847, &join(&[&bottom, &flow_ethernet()])),
        ),
        case(
            "backbone",
            1,
            ethernet(0x88e7, &join(&[&[0; 4], &flow_ethernet()])),
        ),
        case(
            "vn-tag",
            1,
            ethernet(0x8926, &join(&[&[0; 4], &[8, 0], &flow4()])),
        ),
        case(
            "nsh, ipv4",
            1,
            ethernet(0x894f, &join(&[&[0, 6, 1, 1], &[0; 20], &flow4()])),
        ),
        case(
            "nsh, ethernet",
            1,
            ethernet(0x894f, &join(&[&[0, 2, 2, 3], &[0; 4], &flow_ethernet()])),
        ),
        case(
            "fabricpath",
            1,
            ethernet(0x8903, &join(&[&[0, 0], &flow_ethernet()])),
        ),
        case(
            "trill",
            1,
            ethernet(
                0x22f3,
                &join(&[&[0, 0x40, 0, 1, 0, 2], &[0; 4], &flow_ethernet()]),
            ),
        ),
        case(
            "mpacket",
            274,
            join(&[&[0x55; 7], &[0xd5], &flow_ethernet()]),
        ),
    ]
}

fn serial_cases() -> Vec<Case> {
    vec![
        case("raw 12", 12, flow4()),
        case("raw 14", 14, flow6()),
        case("raw 101", 101, flow6()),
        case("ipv4", 228, flow4()),
        case("ipv6", 229, flow6()),
        case("slip", 8, join(&[&[1], &[0; 15], &flow4()])),
        case("ppp", 9, join(&[&[0xff, 3, 0, 0x21], &flow4()])),
        case("ppp, compressed", 9, join(&[&[0x57], &flow6()])),
        case(
            "ppp, mpls",
            9,
            join(&[&[0xff, 3, 2, 0x81], &[0, 2, 1, 64], &flow4()]),
        ),
        case("ppp in hdlc", 50, join(&[&[0xff, 3, 0, 0x57], &flow6()])),
        case("cisco in hdlc", 50, join(&[&[0x0f, 0, 8, 0], &flow4()])),
        case("cisco hdlc", 104, join(&[&[0x8f, 0, 0x86, 0xdd], &flow6()])),
        case("pppd", 166, join(&[&[1, 3, 0, 0x21], &flow4()])),
        case(
            "ppp with direction",
            204,
            join(&[&[0, 0xff, 3, 0, 0x21], &flow4()]),
        ),
        case(
            "frame relay",
            107,
            join(&[&[0x18, 0x41, 3, 0xcc], &flow4()]),
        ),
        case(
            "frame relay, ipv6",
            107,
            join(&[&[0x18, 0x40, 0x41, 3, 0x8e], &flow6()]),
        ),
        case(
            "frame relay, snap",
            107,
            join(&[&[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0], &flow4()]),
        ),
        case(
            "frame relay, cisco",
            107,
            join(&[&[0x18, 0x41, 8, 0], &flow4()]),
        ),
        case("atm, rfc 1483", 11, flow_llc()),
        case("sun atm", 123, join(&[&[2, 0, 0, 5], &flow_llc()])),
        case("fddi", 10, join(&[&[0x50], &[0; 12], &flow_llc()])),
        case("ip over fibre channel", 122, join(&[&[0; 16], &flow_llc()])),
        case(
            "ip over infiniband",
            242,
            join(&[&[0; 40], &[8, 0, 0, 0], &flow4()]),
        ),
        case("arcnet, bsd", 7, join(&[&[1, 2, 212, 0, 0, 7], &flow4()])),
        case(
            "arcnet, linux",
            129,
            join(&[&[1, 2, 0, 0, 196, 0, 0, 7], &flow6()]),
        ),
        case(
            "arcnet, rfc 1051",
            129,
            join(&[&[1, 2, 0, 0, 240], &flow4()]),
        ),
    ]
}

fn wireless_cases() -> Vec<Case> {
    let plain = join(&[&[0x08, 0x01], &[0; 22], &flow_llc()]);
    let quality = join(&[&[0x88, 0x02], &[0; 22], &[0, 0], &flow_llc()]);
    let four = join(&[&[0x88, 0x83], &[0; 28], &[0, 0], &[0; 4], &flow_llc()]);
    let padded = join(&[&[0x88, 0x02], &[0; 22], &[0, 0], &[0, 0], &flow_llc()]);
    let length = flow_llc().len() as u16;
    let aggregate = join(&[
        &[0x88, 0x02],
        &[0; 22],
        &[0x80, 0],
        &[0; 12],
        &length.to_be_bytes(),
        &flow_llc(),
        &[9; 30],
    ]);
    let avs = join(&[&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64], &[0; 56], &plain]);
    vec![
        case("802.11", 105, plain.clone()),
        case("802.11, quality of service", 105, quality.clone()),
        case("802.11, four addresses", 105, four),
        case("802.11, aggregate", 105, aggregate),
        case(
            "radiotap",
            127,
            join(&[&[0, 0, 8, 0, 0, 0, 0, 0], &quality]),
        ),
        case(
            "radiotap, padded",
            127,
            join(&[
                &[0, 0, 25, 0, 3, 0, 0, 0x80, 3, 0, 0, 0],
                &[0; 4],
                &[1; 8],
                &[0x20],
                &padded,
            ]),
        ),
        case(
            "prism",
            119,
            join(&[&[0, 0, 0, 0x44, 0x90, 0, 0, 0], &[0; 136], &plain]),
        ),
        case("prism, avs", 119, avs.clone()),
        case("avs", 163, avs),
        case(
            "ppi",
            192,
            join(&[&[0, 0, 12, 0, 105, 0, 0, 0], &[0; 4], &plain]),
        ),
    ]
}

fn metadata_cases() -> Vec<Case> {
    let cooked = join(&[
        &[0, 0, 0, 1, 0, 6],
        &[0; 8],
        &TYPE_IPV4.to_be_bytes(),
        &flow4(),
    ]);
    let cooked_2 = join(&[&TYPE_IPV6.to_be_bytes(), &[0; 18], &flow6()]);
    let cooked_llc = join(&[&[0; 14], &[0, 4], &flow_llc()]);
    let whole = (flow4().len() + 4) as u16;
    let log_little = join(&[
        &[2, 0, 0, 0, 5, 0, 10, 0, b'x', 0, 0, 0],
        &whole.to_le_bytes(),
        &[9, 0],
        &flow4(),
    ]);
    let log_big = join(&[
        &[2, 0, 0, 0, 0, 8, 0, 1, 8, 0, 0, 0],
        &whole.to_be_bytes(),
        &[0, 9],
        &flow4(),
    ]);
    vec![
        case("linux cooked", 113, cooked),
        case("linux cooked, llc", 113, cooked_llc),
        case("linux cooked 2", 276, cooked_2),
        case("null, little", 0, join(&[&[2, 0, 0, 0], &flow4()])),
        case("null, big", 0, join(&[&[0, 0, 0, 30], &flow6()])),
        case("loop", 108, join(&[&[0, 0, 0, 24], &flow6()])),
        case("enc", 109, join(&[&[2, 0, 0, 0], &[0; 8], &flow4()])),
        case("pflog", 117, join(&[&[61, 2], &[0; 62], &flow4()])),
        case("nflog, little", 239, log_little),
        case("nflog, big", 239, log_big),
    ]
}

#[test]
fn frames_without_ip_say_what_they_are() {
    let table: [(&str, u16, Vec<u8>, u16); 9] = [
        ("arp", 1, ethernet(0x0806, &[0; 46]), 0x0806),
        ("macsec", 1, ethernet(0x88e5, &[0; 46]), 0x88e5),
        ("spanning tree", 1, ethernet(38, &[0x42; 46]), 0x4242),
        ("pppoe discovery", 1, ethernet(0x8863, &[0; 46]), 0x8863),
        (
            "mpls, control channel",
            1,
            ethernet(0x8847, &join(&[&[0, 2, 1, 64], &[0x10; 40]])),
            0x8847,
        ),
        (
            "ppp, link control",
            9,
            join(&[&[0xff, 3, 0xc0, 0x21], &[0; 20]]),
            0xc021,
        ),
        ("802.11, beacon", 105, join(&[&[0x80, 0], &[0; 60]]), 0x8000),
        (
            "802.11, protected",
            105,
            join(&[&[0x08, 0x41], &[0; 60]]),
            0x0841,
        ),
        (
            "802.11, no data",
            105,
            join(&[&[0x48, 0x01], &[0; 60]]),
            0x4801,
        ),
    ];
    for (name, link, frame, number) in table {
        assert_eq!(
            levels_of(link, &frame),
            Err(DropReason::NotIp(number)),
            "{name}"
        );
    }
}

#[test]
fn label_stacks_and_tags_have_an_end() {
    let labels = ethernet(0x8847, &[0; 400]);
    assert!(matches!(
        levels_of(1, &labels),
        Err(DropReason::Invalid { layer: "mpls", .. })
    ));
    let tags = ethernet(0x8100, &[0x81, 0, 0x81, 0].repeat(100));
    assert!(matches!(
        levels_of(1, &tags),
        Err(DropReason::Invalid {
            layer: "nested headers",
            ..
        })
    ));
}
