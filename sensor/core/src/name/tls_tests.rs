//! Client hellos made here: whole, split, cut at every byte, changed at every byte.

use proptest::prelude::*;

use super::super::hello_for_tests::{extension, hello_message, records, server_name};
use super::*;

fn read(message: &[u8]) -> ClientHello {
    client_hello_message(message, Carrier::Tcp)
        .done()
        .expect("a whole hello")
}

fn typical() -> Vec<u8> {
    hello_message(
        0x0303,
        &[0x0a0a, 0x1301, 0xc02b],
        &[
            extension(0x1a1a, &[]),
            server_name(b"WWW.Example.org"),
            extension(ENCRYPTED_CLIENT_HELLO, &[0]),
            extension(PROTOCOLS, b"\x00\x0c\x02h2\x08http/1.1"),
            extension(SIGNATURE_ALGORITHMS, &[0, 4, 4, 3, 8, 4]),
            extension(SUPPORTED_VERSIONS, &[6, 0x2a, 0x2a, 3, 4, 3, 3]),
        ],
    )
}

#[test]
fn everything_is_read() {
    let hello = read(&typical());
    assert_eq!(hello.sni.as_deref(), Some("www.example.org"));
    assert!(hello.ech && !hello.early_data);
    assert_eq!(hello.alpn_first.as_deref(), Some("h2"));
    assert_eq!(hello.max_version, 0x0304);
    assert!(
        hello
            .ja4
            .expect("a fingerprint")
            .as_str()
            .starts_with("t13d0205h2_")
    );
}

#[test]
fn a_hello_without_extensions() {
    let mut message = hello_message(0x0301, &[0x002f], &[]);
    message.truncate(message.len() - 2);
    message[3] -= 2;
    let hello = read(&message);
    assert_eq!(
        (hello.sni, hello.ech, hello.max_version),
        (None, false, 0x0301)
    );
    assert!(
        hello
            .ja4
            .expect("a fingerprint")
            .as_str()
            .starts_with("t10i010000_")
    );
}

#[test]
fn an_address_as_name_stays_as_sent() {
    let hello = read(&hello_message(0x0303, &[1], &[server_name(b"192.0.2.7")]));
    assert_eq!(hello.sni.as_deref(), Some("192.0.2.7"));
}

#[test]
fn names_of_other_kinds_are_passed_over() {
    let list = [&[0, 9, 1, 0, 1, b'x', 0, 0, 2][..], b"ab"].concat();
    let hello = read(&hello_message(
        0x0303,
        &[1],
        &[extension(SERVER_NAME, &list)],
    ));
    assert_eq!(hello.sni.as_deref(), Some("ab"));
}

#[test]
fn an_overrunning_extension_ends_the_list() {
    let block = [server_name(b"kept.example"), vec![0, 16, 0, 99, 0]];
    let hello = read(&hello_message(0x0303, &[1], &block));
    assert_eq!(
        (hello.sni.as_deref(), hello.alpn_first),
        (Some("kept.example"), None)
    );
}

#[test]
fn split_over_records_of_any_size() {
    let message = typical();
    let expected = read(&message);
    for size in 1..=message.len() {
        let stream = records(&message, size);
        assert_eq!(
            client_hello(&stream, Carrier::Tcp),
            Progress::Done(expected.clone()),
            "{size}"
        );
    }
}

#[test]
fn other_records_before_are_passed_over_but_not_for_ever() {
    let mut stream = vec![20, 3, 3, 0, 1, 1, 21, 3, 3, 0, 2, 1, 0];
    stream.extend(records(&typical(), 100));
    assert!(client_hello(&stream, Carrier::Tcp).done().is_some());
    assert_eq!(
        client_hello(&[20, 3, 3, 0, 1, 1].repeat(5), Carrier::Tcp),
        Progress::No
    );
}

#[test]
fn a_hello_in_countless_records_is_refused() {
    let message = hello_message(0x0303, &[1], &[extension(21, &[0; 2000])]);
    assert_eq!(
        client_hello(&records(&message, 1), Carrier::Tcp),
        Progress::No
    );
    assert!(
        client_hello(&records(&message, 3), Carrier::Tcp)
            .done()
            .is_some()
    );
}

#[test]
fn bytes_after_the_hello_do_not_matter() {
    let message = [typical(), vec![11, 0, 0, 1, 0]].concat();
    let stream = [records(&message, 40), b"anything".to_vec()].concat();
    assert!(client_hello(&stream, Carrier::Tcp).done().is_some());
}

#[test]
fn cut_anywhere_more_is_awaited() {
    let stream = records(&typical(), 70);
    for length in 0..stream.len() {
        assert_eq!(
            client_hello(&stream[..length], Carrier::Tcp),
            Progress::More,
            "{length}"
        );
    }
}

#[test]
fn cut_with_the_lengths_made_to_fit_nothing_panics() {
    let message = typical();
    for length in 4..message.len() {
        let mut cut = message[..length].to_vec();
        let body = (length as u32 - 4).to_be_bytes();
        cut[1..4].copy_from_slice(&body[1..]);
        let _ = client_hello_message(&cut, Carrier::Tcp);
    }
}

#[test]
fn changed_anywhere_nothing_panics() {
    let stream = records(&typical(), 70);
    for place in 0..stream.len() {
        for value in 0..=255 {
            let mut changed = stream.clone();
            changed[place] = value;
            let _ = client_hello(&changed, Carrier::Tcp);
        }
    }
}

#[test]
fn other_protocols_are_refused_at_once() {
    for other in [
        &b"GET / HTTP/1.1"[..],
        b"SSH-2.0",
        &[22, 3, 1, 0, 5, 2],
        &[22, 4],
        &[23, 3, 3],
        &[0x80, 1, 2],
    ] {
        assert_eq!(client_hello(other, Carrier::Tcp), Progress::No, "{other:?}");
    }
    assert_eq!(
        client_hello(&[22, 3, 1, 1, 0, 1, 1, 0, 0], Carrier::Tcp),
        Progress::No
    );
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = client_hello(&bytes, Carrier::Tcp);
        let _ = client_hello_message(&bytes, Carrier::Dtls);
    }

    #[test]
    fn random_bodies_never_panic(body in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut message = vec![CLIENT_HELLO, 0];
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(&body);
        if message.len() > 5 {
            message[4] = 3;
        }
        let _ = client_hello_message(&message, Carrier::Quic);
    }
}
