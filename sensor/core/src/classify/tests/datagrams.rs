//! UDP: what each matcher takes and refuses.

use super::*;
use Side::{Client, Server};

const C: Side = Client;
const S: Side = Server;

/// A flow: word, datagrams until the verdict, ports, datagrams.
pub(super) type Flow = (&'static str, usize, (u16, u16), Vec<(Side, Vec<u8>)>);

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn counted(side: Side, count: u8, packet: impl Fn(u8) -> Vec<u8>) -> Vec<(Side, Vec<u8>)> {
    (1..=count).map(|number| (side, packet(number))).collect()
}

fn rtp_packet(number: u8) -> Vec<u8> {
    joined(&[
        b"\x80\x08\x12",
        &[number],
        b"\0\0\x01",
        &[number],
        b"\xde\xad\xbe\xef",
        &[0xd5; 160],
    ])
}

fn esp_packet(number: u8) -> Vec<u8> {
    joined(&[b"\xc0\x01\xd0\x0d\0\0\0", &[number], &[0x5a; 64]])
}

fn wireguard_transport(number: u8) -> Vec<u8> {
    joined(&[
        b"\x04\0\0\0\x11\x22\x33\x44",
        &[number],
        &[0; 7],
        &[0x77; 32],
    ])
}

fn wireguard_initiation(second_code: u8) -> Vec<u8> {
    joined(&[
        b"\x01\0\0\0\x0a\x0b\x0c\x0d",
        &[0x99; 124],
        &[second_code; 16],
    ])
}

fn ike(version: u8, exchange: u8, next: u8, marker: &[u8]) -> Vec<u8> {
    joined(&[
        marker,
        b"INITIATE\0\0\0\0\0\0\0\0",
        &[next, version, exchange, if version == 0x20 { 8 } else { 0 }],
        b"\0\0\0\0\0\0\0\x30",
        &[0x21; 20],
    ])
}

const TIME: &[u8] = b"\x5f\x5e\x10\x00";
const SESSION: &[u8] = b"sessionA";

fn discovery(kind: u8, fields: &[u8]) -> Vec<u8> {
    joined(&[&[0x42; 96], &[1, kind], fields])
}

pub(super) fn flows() -> Vec<Flow> {
    let one = |word, ports, bytes: Vec<u8>| (word, 1, ports, vec![(C, bytes)]);
    let dhcp = joined(&[
        b"\x01\x01\x06\0",
        &[0; 232],
        b"\x63\x82\x53\x63\x35\x01\x01\xff",
    ]);
    let ntp_client = joined(&[
        b"\xe3\0\x06\xec",
        &[0; 36],
        b"\xe9\x01\x02\x03\x04\x05\x06\x07",
    ]);
    let ntp_server = joined(&[
        b"\x24\x01\x06\xec",
        &[0; 20],
        b"\xe9\x01\x02\x03\x04\x05\x06\x07",
        &[1; 16],
    ]);
    let netbios =
        b"\x80\x01\x01\x10\0\x01\0\0\0\0\0\0\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01";
    let relay = |rest: &[u8]| joined(&[b"TAGtagTAGtagTAG0", &[0xff; 12], rest]);
    vec![
        one("stun", (5000, 3478), b"\0\x01\0\x08\x21\x12\xa4\x42abcdefghijkl\x80\x22\0\x04test".to_vec()),
        one("stun", (5000, 3478), b"\0\x01\0\x080123456789abcdef\0\x03\0\x04\0\0\0\0".to_vec()),
        one("stun", (5000, 5001), b"\0\x03\0\x05\x21\x12\xa4\x42abcdefghijkl\0\x06\0\x01a".to_vec()),
        (
            "stun",
            2,
            (5000, 5001),
            vec![
                (C, b"\0\x01\0\x080123456789abcdef\0\x03\0\x04\0\0\0\0".to_vec()),
                (S, b"\x01\x01\0\x0c0123456789abcdef\0\x01\0\x08\0\x01\x12\x34\xc0\0\x02\x07".to_vec()),
            ],
        ),
        one("sip", (5060, 5060), b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n".to_vec()),
        one("dhcp", (68, 67), dhcp),
        one("dhcp", (546, 547), b"\x01\xab\xcd\xef\0\x08\0\x02\0\0\0\x01\0\x04abcd".to_vec()),
        one("snmp", (5000, 161), b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\0\x02\x01\0\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x05\0".to_vec()),
        one("netbios", (137, 137), netbios.to_vec()),
        one("ssdp", (5000, 1900), b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n".to_vec()),
        one("ntp", (123, 123), ntp_client.clone()),
        one("ntp", (5000, 123), b"\x16\x02\0\x01\0\0\0\0\0\0\0\0".to_vec()),
        ("ntp", 2, (5000, 5001), vec![(C, ntp_client), (S, ntp_server)]),
        one("dnscrypt", (5000, 443), b"r6fnvWj8".repeat(8)),
        one("ldap", (5000, 389), b"\x30\x25\x02\x01\x01\x63\x20\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\x87\x0bobjectclass\x30\0".to_vec()),
        one("bittorrent_dht", (6881, 6881), b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe".to_vec()),
        one("bittorrent_tracker", (5000, 6969), b"\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0abcd".to_vec()),
        (
            "utp",
            2,
            (5000, 6000),
            vec![
                (C, joined(&[b"\x41\0\x30\x39\0\0\0\x01\0\0\0\0\0\x10\0\0\0\x01\0\0"])),
                (S, joined(&[b"\x21\0\x30\x39\0\0\0\x02\0\0\0\x01\0\x10\0\0\x77\x77\0\x01"])),
            ],
        ),
        one("bittorrent", (5000, 6000), joined(&[b"\x01\0\x30\x3a\0\0\0\x02\0\0\0\x01\0\x10\0\0\0\x02\x77\x77", b"\x13BitTorrent protocol\0"])),
        one("ethereum", (30303, 30303), discovery(1, b"\xd2\x04\xc7\x84\x7f\0\0\x01\x01\x02\xc3\x01\x02\x03\x84\x5f\x5e\x10\0")),
        one("ethereum", (30303, 30303), discovery(3, &joined(&[b"\xf8\x47\xb8\x40", &[7; 64], b"\x84\x5f\x5e\x10\0"]))),
        one("steam", (27036, 27036), b"\xff\xff\xff\xff\x21\x4c\x5f\xa0\x05\0\0\0".to_vec()),
        one("ikev1", (500, 500), ike(0x10, 2, 1, b"")),
        one("ikev2", (500, 500), ike(0x20, 34, 33, b"")),
        one("ikev2", (4500, 4500), ike(0x20, 34, 33, &[0; 4])),
        one("l2tp", (1701, 1701), b"\xc8\x02\0\x14\0\0\0\0\0\0\0\0\x80\x08\0\0\0\0\0\x01".to_vec()),
        one("softether", (5000, 5004), b"\0\0\0\x02\0\0\0\x07opcode\0\0\0\x02\0\0\0\x01\0\0\0\x09get_token\0\0\0\x09trans_id\0\0\0\x04".to_vec()),
        one("wireguard", (5000, 51820), wireguard_initiation(0)),
        (
            "wireguard",
            2,
            (5000, 5001),
            vec![(C, wireguard_initiation(7)), (S, joined(&[b"\x02\0\0\0\xaa\xbb\xcc\xdd\x0a\x0b\x0c\x0d", &[9; 80]]))],
        ),
        ("wireguard", 3, (5000, 5001), counted(S, 3, wireguard_transport)),
        one("openvpn", (5000, 1194), joined(&[b"\x38", SESSION, &[0; 5]])),
        one("openvpn", (5000, 1194), joined(&[b"\x38", SESSION, &[0xaa; 20], b"\0\0\0\x01", TIME, &[0; 5]])),
        one("openvpn", (5000, 1194), joined(&[b"\x38", SESSION, b"\0\0\0\x01", TIME, &[0xaa; 37]])),
        one("openvpn", (5000, 1194), joined(&[b"\x50", SESSION, b"\0\0\0\x01", TIME, &[0xaa; 300]])),
        one("openvpn", (5000, 1194), joined(&[b"\x40sessionB\x01\0\0\0\0", SESSION, &[0; 4]])),
        (
            "openvpn",
            2,
            (5000, 443),
            vec![(C, joined(&[b"\x38", SESSION, &[0xaa; 60]])), (S, joined(&[b"\x40sessionB", &[0xbb; 30], SESSION, b"\0\0\0\0"]))],
        ),
        (
            "openvpn",
            3,
            (5000, 443),
            vec![
                (C, joined(&[b"\x38", SESSION, &[0xaa; 60]])),
                (S, joined(&[b"\x40sessionB", &[0xbb; 60]])),
                (C, joined(&[b"\x28", SESSION, &[0xcc; 50]])),
            ],
        ),
        ("esp", 3, (4500, 4500), counted(C, 3, esp_packet)),
        ("rtp", 5, (5004, 5004), counted(C, 5, rtp_packet)),
        ("telegram", 2, (5000, 521), vec![(C, relay(&[0xfe; 12])), (S, relay(&[0x11; 36]))]),
    ]
}

#[test]
fn datagrams_are_known() {
    for (expected, needed, ports, flow) in flows() {
        assert_eq!(
            classify_datagrams(&flow, ports),
            (expected, needed),
            "{:02x?}",
            flow.first()
        );
    }
}

#[test]
fn only_consistency_is_heuristic() {
    let mut state = UdpState::default();
    let verdict = counted(C, 5, rtp_packet).iter().find_map(|(side, bytes)| {
        udp(
            &Datagram {
                bytes,
                length: bytes.len(),
                side: *side,
                source_port: 5004,
                destination_port: 5004,
            },
            &mut state,
        )
    });
    assert!(verdict.is_some_and(|verdict| verdict.heuristic));
}

/// What comes near and is something else.
#[allow(clippy::too_many_lines)] // A table.
fn others() -> Vec<Flow> {
    let skipping = |packet: fn(u8) -> Vec<u8>| -> Vec<_> {
        (1..=8)
            .map(|number| (C, packet(if number % 2 == 0 { 1 } else { 200 })))
            .collect()
    };
    vec![
        ("RTP that jumps", 8, (5004, 5004), skipping(rtp_packet)),
        (
            "RTP on a system port",
            8,
            (53, 5004),
            counted(C, 8, rtp_packet),
        ),
        ("ESP elsewhere", 8, (5000, 5001), counted(C, 8, esp_packet)),
        ("ESP that jumps", 8, (4500, 4500), skipping(esp_packet)),
        (
            "WireGuard that jumps",
            8,
            (5000, 5001),
            skipping(wireguard_transport),
        ),
        (
            "initiation under load alone",
            1,
            (5000, 51820),
            vec![(C, wireguard_initiation(7))],
        ),
        (
            "an answer to another",
            2,
            (5000, 51820),
            vec![
                (C, wireguard_initiation(7)),
                (
                    S,
                    joined(&[b"\x02\0\0\0\xaa\xbb\xcc\xdd\x01\x01\x01\x01", &[9; 80]]),
                ),
            ],
        ),
        (
            "IKE with another length",
            1,
            (500, 500),
            vec![(C, joined(&[&ike(0x20, 34, 33, b""), b"x"]))],
        ),
        (
            "IKE of version 3",
            1,
            (500, 500),
            vec![(C, ike(0x30, 34, 33, b""))],
        ),
        (
            "NTP's form elsewhere",
            1,
            (5000, 5001),
            vec![(C, joined(&[b"\x23\0\x06\xec", &[1; 44]]))],
        ),
        (
            "noise on NTP's port",
            1,
            (123, 123),
            vec![(C, vec![0xff; 48])],
        ),
        (
            "a reset alone",
            1,
            (5000, 1194),
            vec![(C, joined(&[b"\x38", SESSION, &[0xaa; 60]]))],
        ),
        (
            "DNS",
            1,
            (5000, 53),
            vec![(
                C,
                b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x02kp\0\0\x01\0\x01".to_vec(),
            )],
        ),
        (
            "discovery with other fields",
            1,
            (30303, 30303),
            vec![(C, discovery(1, b"\xc1\x80"))],
        ),
        (
            "a dictionary",
            1,
            (5000, 5001),
            vec![(C, b"d1:a1:be".to_vec())],
        ),
        (
            "a cut length",
            1,
            (5000, 3478),
            vec![(C, b"\0\x01\0\x10\x21\x12\xa4\x42abcdefghijkl".to_vec())],
        ),
        (
            "a request without an answer to another port",
            1,
            (5000, 5001),
            vec![(
                C,
                b"\0\x01\0\x080123456789abcdef\0\x03\0\x04\0\0\0\0".to_vec(),
            )],
        ),
    ]
}

#[test]
fn others_are_not() {
    for (what, _, ports, flow) in others() {
        assert_eq!(classify_datagrams(&flow, ports).0, "", "{what}");
    }
}

#[test]
fn cuts_never_say_something_else() {
    for (expected, _, ports, flow) in flows() {
        let longest = flow.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0);
        for end in 0..longest {
            let cut: Vec<_> = flow
                .iter()
                .map(|(side, bytes)| (*side, bytes.get(..end).unwrap_or(bytes).to_vec()))
                .collect();
            let (found, _) = classify_datagrams(&cut, ports);
            assert!(
                found.is_empty() || found == expected,
                "{found} for {expected} at {end}"
            );
        }
    }
}

proptest! {
    #[test]
    fn mutated_datagrams_go_in(which in any::<prop::sample::Index>(), position in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut flows = flows();
        let which = which.index(flows.len());
        let (_, _, ports, flow) = &mut flows[which];
        for (_, bytes) in flow.iter_mut() {
            let at = position.index(bytes.len());
            bytes[at] = value;
        }
        let _ = classify_datagrams(flow, *ports);
    }
}
