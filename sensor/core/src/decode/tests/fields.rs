//! The fields of a level where the usual case does not tell.

use super::super::{DropReason, Fragment, Levels, Tunnels, decode};
use super::frames::*;
use super::levels_of;

#[test]
fn a_snap_length_leaves_the_lengths_alone() {
    let frame = ethernet(TYPE_IPV4, &ip4(TCP, &tcp(&[7; 1000])));
    let mut levels = Levels::default();
    decode(
        1,
        &frame[..64],
        frame.len() as u32,
        Tunnels::default(),
        &mut levels,
    )
    .expect("a level");
    let level = levels.as_slice()[0];
    assert_eq!((level.ip_bytes, level.payload_bytes), (1040, 1000));
    assert_eq!(level.payload_in(&frame[..64]), &[7; 10]);
}

#[test]
fn ports_that_were_not_captured_are_zero_and_the_length_counts() {
    let frame = ethernet(TYPE_IPV4, &ip4(TCP, &tcp(&[7; 1000])));
    let mut levels = Levels::default();
    decode(
        1,
        &frame[..36],
        frame.len() as u32,
        Tunnels::default(),
        &mut levels,
    )
    .expect("a level");
    let level = levels.as_slice()[0];
    assert_eq!((level.source_port, level.destination_port), (0, 0));
    assert_eq!((level.ip_bytes, level.payload), (1040, 36));
}

#[test]
fn a_header_without_its_addresses_is_malformed() {
    let frame = flow_ethernet();
    let mut levels = Levels::default();
    let length = frame.len() as u32;
    let outcome = decode(1, &frame[..30], length, Tunnels::default(), &mut levels);
    let expected = DropReason::Malformed {
        layer: "ipv4",
        offset: 14,
        needed: 20,
        had: 16,
    };
    assert_eq!(outcome, Err(expected));
}

#[test]
fn a_total_length_of_zero_is_told_by_the_frame() {
    let mut frame = ethernet(TYPE_IPV4, &ip4(TCP, &tcp(&[7; 1000])));
    frame[16..18].fill(0);
    let level = levels_of(1, &frame).expect("a level")[0];
    assert_eq!((level.ip_bytes, level.payload_bytes), (1040, 1000));
    let mut frame = ethernet(TYPE_IPV6, &ip6(TCP, &tcp(&[7; 1000])));
    frame[18..20].fill(0);
    let level = levels_of(1, &frame).expect("a level")[0];
    assert_eq!((level.ip_bytes, level.payload_bytes), (1060, 1000));
}

#[test]
fn a_total_length_beyond_the_wire_is_kept() {
    let mut frame = flow_ethernet();
    frame[16..18].copy_from_slice(&[0x20, 0]);
    let level = levels_of(1, &frame).expect("a level")[0];
    assert_eq!(level.ip_bytes, 0x2000);
    assert_eq!(level.payload_in(&frame), PAYLOAD);
}

#[test]
fn a_jumbogram_has_its_length_in_an_option() {
    let data = vec![7; 70_000];
    let jumbo = (8 + 20 + data.len()) as u32;
    let body = join(&[&[TCP, 0, 0xc2, 4], &jumbo.to_be_bytes(), &tcp(&data)]);
    let mut packet = ip6(0, &body);
    packet[4..6].fill(0);
    let level = levels_of(229, &packet).expect("a level")[0];
    assert_eq!((level.ip_bytes, level.payload_bytes), (40 + jumbo, 70_000));
    assert_eq!(level.protocol, TCP);
}

#[test]
fn options_and_extension_headers_are_passed() {
    let mut packet = ip4(TCP, &join(&[&[1; 8], &tcp(PAYLOAD)]));
    packet[0] = 0x47;
    assert_flow(
        &levels_of(228, &packet).expect("a level")[0],
        &packet,
        "options",
    );
    let chain = join(&[
        &[43, 0, 1, 4, 0, 0, 0, 0],
        &[60, 1],
        &[0; 14],
        &[135, 0, 1, 4, 0, 0, 0, 0],
        &[51, 0, 0, 0, 0, 0, 0, 0],
        &[TCP, 4],
        &[0; 22],
        &tcp(PAYLOAD),
    ]);
    let packet = ip6(0, &chain);
    assert_flow(
        &levels_of(229, &packet).expect("a level")[0],
        &packet,
        "extension headers",
    );
    let packet = ip4(51, &join(&[&[TCP, 4], &[0; 22], &tcp(PAYLOAD)]));
    assert_flow(&levels_of(228, &packet).expect("a level")[0], &packet, "ah");
}

#[test]
fn extension_headers_have_an_end() {
    let packet = ip6(60, &[60, 0, 1, 4, 0, 0, 0, 0].repeat(40));
    let level = levels_of(229, &packet).expect("a level")[0];
    assert_eq!((level.source_port, level.payload_bytes), (0, 0));
}

#[test]
fn fragments_say_where_they_stand() {
    let fragment = |place: u16| {
        let header = join(&[&[UDP, 0], &place.to_be_bytes(), &[1, 2, 3, 4]]);
        ip6(44, &join(&[&header, &udp(5, 6, PAYLOAD)]))
    };
    let table = [
        (0, Fragment::Whole, 0, 5),
        (1, Fragment::First, 0x0102_0304, 5),
        (8, Fragment::Later, 0x0102_0304, 0),
        (9, Fragment::Later, 0x0102_0304, 0),
    ];
    for (place, stands, identification, port) in table {
        let level = levels_of(229, &fragment(place)).expect("a level")[0];
        assert_eq!(level.fragment, stands, "{place}");
        assert_eq!(level.fragment_id, identification, "{place}");
        assert_eq!((level.source_port, level.protocol), (port, UDP), "{place}");
    }
    let first =
        levels_of(228, &ip4_fragment(UDP, 0x2000, &udp(5, 6, PAYLOAD))).expect("a level")[0];
    assert_eq!(
        (first.fragment, first.destination_port),
        (Fragment::First, 6)
    );
    let later = levels_of(228, &ip4_fragment(UDP, 0x0001, PAYLOAD)).expect("a level")[0];
    assert_eq!((later.destination_port, later.payload_bytes), (0, 7));
}

#[test]
fn other_transports() {
    let icmp = levels_of(228, &ip4(1, &[3, 4, 0, 0, 0, 0, 0, 0, 0x45, 0])).expect("a level")[0];
    assert_eq!(
        (icmp.source_port, icmp.destination_port, icmp.payload_bytes),
        (3, 4, 2)
    );
    let sctp = join(&[&[0, 5, 0, 6], &[0; 8], PAYLOAD]);
    let level = levels_of(228, &ip4(132, &sctp)).expect("a level")[0];
    assert_eq!((level.source_port, level.destination_port), (5, 6));
    assert_eq!(level.payload_bytes, 7);
    let ospf = levels_of(228, &ip4(89, &[1; 44])).expect("a level")[0];
    assert_eq!(
        (ospf.source_port, ospf.protocol, ospf.payload_bytes),
        (0, 89, 44)
    );
}

#[test]
fn a_transport_header_that_contradicts_itself_has_no_payload() {
    let mut packet = flow4();
    packet[32] = 0x40;
    let level = levels_of(228, &packet).expect("a level")[0];
    assert_eq!((level.source_port, level.payload_bytes), (SOURCE_PORT, 0));
    let mut short = ip4(UDP, &udp(5, 6, &join(&[PAYLOAD, &[0; 4]])));
    short[25] = 15;
    let level = levels_of(228, &short).expect("a level")[0];
    assert_eq!(level.payload_in(&short), PAYLOAD);
}

#[test]
fn headers_quoted_in_an_icmp_error_are_no_level() {
    let error = ip4(1, &join(&[&[3, 1, 0, 0, 0, 0, 0, 0], &flow4()]));
    assert_eq!(levels_of(228, &error).expect("levels").len(), 1);
}
