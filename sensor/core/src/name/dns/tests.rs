use super::*;
use proptest::prelude::*;

const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\
    \x03wWw\x07example\x03com\x00\x00\x01\x00\x01\
    \x00\x00\x29\x10\x00\x00\x00\x80\x00\x00\x00";

/// www.example.com -> CNAME a.cdn.example -> 192.0.2.7 and 2001:db8::1, OPT with an extended rcode.
fn response() -> Vec<u8> {
    let mut bytes = b"\x12\x34\x81\x80\x00\x01\x00\x03\x00\x00\x00\x01\
        \x03www\x07example\x03com\x00\x00\x01\x00\x01"
        .to_vec();
    bytes.extend(b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x0a\x00\x0f\x01a\x03cdn\x07example\x00");
    bytes.extend(b"\xc0\x2d\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07");
    bytes.extend(b"\xc0\x2d\x00\x1c\x00\x01\x00\x00\x00\x05\x00\x10\x20\x01\x0d\xb8");
    bytes.extend(b"\0\0\0\0\0\0\0\0\0\0\0\x01");
    bytes.extend(b"\x00\x00\x29\x04\xd0\x01\x00\x80\x00\x00\x00");
    bytes
}

fn mapped(octets: [u8; 4]) -> u128 {
    0xffff_0000_0000 | u128::from(u32::from_be_bytes(octets))
}

#[test]
fn a_query_with_edns() {
    let message = parse_message(QUERY).unwrap();
    assert!(!message.is_response() && !message.truncated && !message.malformed);
    assert_eq!(
        (message.id, message.opcode(), message.rcode),
        (0x1234, 0, 0)
    );
    assert_eq!(message.first_name(), Some("www.example.com"));
    assert_eq!(
        message.edns,
        Some(Edns {
            udp_bytes: 4096,
            version: 0,
            dnssec_ok: true
        })
    );
    assert_eq!(message.bytes_read, QUERY.len());
}

#[test]
fn a_response_follows_the_chain() {
    let message = parse_message(&response()).unwrap();
    assert!(message.is_response());
    assert_eq!(message.rcode, 16);
    assert_eq!(message.min_ttl, Some(5));
    assert_eq!(message.answers().len(), 3);
    let Data::Cname(target) = message.answers()[0].data else {
        panic!("no CNAME")
    };
    assert_eq!(message.text(target), "a.cdn.example");
    let found: Vec<_> = message
        .addresses()
        .map(|a| (a.address, a.name, a.ttl))
        .collect();
    let name = "www.example.com";
    let v6 = 0x2001_0db8_0000_0000_0000_0000_0000_0001;
    assert_eq!(found, [(mapped([192, 0, 2, 7]), name, 10), (v6, name, 5)]);
}

#[test]
fn addresses_of_other_names_are_left_out() {
    let mut bytes = b"\0\x01\x81\x80\0\x01\0\x01\0\0\0\0\x01a\x02kp\0\0\x01\0\x01".to_vec();
    bytes.extend(b"\x01b\x02kp\0\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07");
    assert_eq!(parse_message(&bytes).unwrap().addresses().count(), 0);
}

#[test]
fn a_cname_loop_ends() {
    let mut bytes = b"\0\x01\x81\x80\0\x01\0\x03\0\0\0\0\x01q\0\0\x01\0\x01".to_vec();
    bytes.extend(b"\x01a\0\0\x05\0\x01\0\0\0\x3c\0\x03\x01b\0");
    bytes.extend(b"\x01b\0\0\x05\0\x01\0\0\0\x3c\0\x03\x01a\0");
    bytes.extend(b"\x01a\0\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07");
    assert_eq!(parse_message(&bytes).unwrap().addresses().count(), 0);
}

#[test]
fn multicast_bits() {
    let mut bytes = b"\0\0\x84\0\0\0\0\x01\0\0\0\0".to_vec();
    bytes.extend(b"\x05phone\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\0\0\x02");
    let message = parse_message(&bytes).unwrap();
    assert!(message.answers()[0].flushes_cache());
    let found: Vec<_> = message.addresses().map(|a| (a.address, a.name)).collect();
    assert_eq!(found, [(mapped([10, 0, 0, 2]), "phone.local")]);
    assert!(is_dns_strict(&bytes, &mut Message::default()));
}

#[test]
fn names_in_other_records() {
    let mut bytes = b"\0\x01\x81\x80\0\x01\0\x01\0\0\0\0\x02kp\0\0\x0f\0\x01".to_vec();
    bytes.extend(b"\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x09\0\x0a\x04mail\xc0\x0c");
    let message = parse_message(&bytes).unwrap();
    let Data::Name(name) = message.answers()[0].data else {
        panic!("no name")
    };
    assert_eq!(message.text(name), "mail.kp");
    assert_eq!(message.text(message.answers()[0].owner), "kp");
}

#[test]
fn every_cut_keeps_what_is_whole() {
    let whole = response();
    for end in 0..whole.len() {
        let parsed = parse_message(&whole[..end]);
        assert_eq!(parsed.is_some(), end >= 33);
        if let Some(message) = parsed {
            assert!(message.truncated);
            assert_eq!(message.questions().len(), 1);
            assert!(!is_dns_strict(&whole[..end], &mut Message::default()));
        }
    }
}

#[test]
fn strict_takes_dns_and_nothing_else() {
    let strict = |bytes: &[u8]| is_dns_strict(bytes, &mut Message::default());
    assert!(strict(QUERY));
    assert!(strict(&response()));
    assert!(!strict(&[QUERY, b"x"].concat()));
    let netbios =
        b"\x80\x01\x01\x10\0\x01\0\0\0\0\0\0\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01";
    assert!(!strict(netbios));
    assert!(
        !strict(b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x02kp\0\x03\xe8\0\x01"),
        "unknown type"
    );
    assert!(
        !strict(b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x02kp\0\0\x01\0\x09"),
        "unknown class"
    );
}

#[test]
fn a_bomb_of_pointers_is_bounded() {
    let mut bytes = b"\0\x01\x80\0\0\0\xff\xff\0\0\0\0".to_vec();
    for _ in 0..3 {
        bytes.push(63);
        bytes.extend([0; 63]);
    }
    bytes.push(0);
    bytes.extend(b"\0\x05\0\x01\0\0\0\0\0\0");
    for at in 0..4000_u16 {
        // The target changes, so no name is known yet.
        bytes.extend((0xc000 | (12 + at % 2 * 64)).to_be_bytes());
        bytes.extend(b"\0\x01\0\x01\0\0\0\0\0\0");
    }
    let message = parse_message(&bytes).unwrap();
    assert!(message.truncated);
    assert!(message.answers().len() <= MAX_ANSWERS);
    assert!(message.text.len() <= MAX_TEXT_BYTES + 1024);
}

#[test]
fn streams_are_cut_into_messages() {
    let mut stream = Vec::new();
    for message in [QUERY, &response()] {
        stream.extend((message.len() as u16).to_be_bytes());
        stream.extend(message);
    }
    let (consumed, messages) = tcp_messages(&stream);
    assert_eq!(consumed, stream.len());
    assert_eq!(messages.count(), 2);
    for end in 0..stream.len() {
        let (consumed, messages) = tcp_messages(&stream[..end]);
        let first = end >= QUERY.len() + 2;
        assert_eq!(messages.count(), usize::from(first));
        assert_eq!(consumed, if first { QUERY.len() + 2 } else { 0 });
    }
    assert_eq!(tcp_messages(b"\0\x02ab").0, 0);
}

proptest! {
    #[test]
    fn anything_goes_in(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_message(&bytes);
        let _ = tcp_messages(&bytes).1.count();
    }

    #[test]
    fn mutations_go_in(position in 0_usize..200, value in any::<u8>()) {
        let mut bytes = response();
        if let Some(octet) = bytes.get_mut(position) {
            *octet = value;
        }
        if let Some(message) = parse_message(&bytes) {
            let _ = message.addresses().count();
            prop_assert!(message.text.bytes().all(|octet| octet.is_ascii_graphic()));
        }
        let _ = is_dns_strict(&bytes, &mut Message::default());
    }
}
