//! DTLS hellos made here: whole, fragmented, repeated with a cookie, cut and changed.

use proptest::prelude::*;

use super::super::hello_for_tests::{extension, hello_message, server_name};
use super::*;

fn hello() -> Vec<u8> {
    let versions = extension(43, &[4, 0xfe, 0xfc, 0xfe, 0xfd]);
    hello_message(
        DTLS_1_2,
        &[0x1301, 0xc02b],
        &[server_name(b"dtls.example"), versions],
    )
}

fn fragment(message: &[u8], number: u8, offset: usize, length: usize) -> Vec<u8> {
    let mut bytes = message[..4].to_vec();
    bytes.extend([0, number, 0, 0, offset as u8, 0, 0, length as u8]);
    bytes.extend(&message[4 + offset..4 + offset + length]);
    bytes
}

fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0xfe, 0xff, 0, epoch, 0, 0, 0, 0, 0, 1];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn whole(message: &[u8]) -> Vec<u8> {
    record(HANDSHAKE, 0, &fragment(message, 0, 0, message.len() - 4))
}

#[test]
fn one_datagram() {
    let hello = client_datagram(&mut DtlsState::default(), &whole(&hello()))
        .done()
        .expect("a hello");
    assert_eq!(hello.sni.as_deref(), Some("dtls.example"));
    assert_eq!(hello.max_version, 0xfefc);
    assert!(
        hello
            .ja4
            .expect("a fingerprint")
            .as_str()
            .starts_with("dd3d020200_")
    );
}

#[test]
fn fragments_in_any_order_over_records_and_datagrams() {
    let message = hello();
    let body_length = message.len() - 4;
    for size in [1, 7, 30, body_length] {
        let mut pieces: Vec<Vec<u8>> = (0..body_length)
            .step_by(size)
            .map(|at| {
                record(
                    HANDSHAKE,
                    0,
                    &fragment(&message, 0, at, size.min(body_length - at)),
                )
            })
            .collect();
        pieces.reverse();
        for datagrams in [
            pieces.clone(),
            pieces.chunks(5).map(<[_]>::concat).collect(),
        ] {
            let mut state = DtlsState::default();
            let answers: Vec<_> = datagrams
                .iter()
                .map(|datagram| client_datagram(&mut state, datagram))
                .collect();
            let found = answers.into_iter().find_map(Progress::done);
            // One byte a fragment reaches the limits.
            assert_eq!(
                found.is_some(),
                datagrams.len() <= usize::from(MAX_DATAGRAMS),
                "{size}"
            );
        }
    }
}

#[test]
fn another_message_number_begins_anew() {
    let message = hello();
    let mut state = DtlsState::default();
    let first = record(HANDSHAKE, 0, &fragment(&message, 0, 0, 20));
    assert_eq!(client_datagram(&mut state, &first), Progress::More);
    let length = message.len() - 4;
    let second = record(HANDSHAKE, 0, &fragment(&message, 1, 20, length - 20));
    assert_eq!(client_datagram(&mut state, &second), Progress::More);
    let first_again = record(HANDSHAKE, 0, &fragment(&message, 1, 0, 20));
    assert!(client_datagram(&mut state, &first_again).done().is_some());
}

#[test]
fn other_datagrams_are_refused() {
    let mut state = DtlsState::default();
    let encrypted = record(HANDSHAKE, 1, &[7; 60]);
    let data = record(23, 0, &[7; 60]);
    for other in [
        &b""[..],
        &[22, 3, 1, 0, 5],
        &encrypted,
        &data,
        b"\x16\xfe\xff",
    ] {
        assert_eq!(
            client_datagram(&mut state, other),
            Progress::No,
            "{other:?}"
        );
    }
    assert!(
        client_datagram(&mut state, &whole(&hello()))
            .done()
            .is_some()
    );
}

#[test]
fn answers_of_servers() {
    let mut message = hello();
    assert!(!is_server_answer(&whole(&message)));
    message[0] = HELLO_VERIFY_REQUEST;
    assert!(is_server_answer(&whole(&message)));
    assert!(!is_server_answer(&record(HANDSHAKE, 1, &message)));
}

#[test]
fn cut_and_changed_anywhere_nothing_panics() {
    let datagram = whole(&hello());
    for place in 0..datagram.len() {
        assert_eq!(
            client_datagram(&mut DtlsState::default(), &datagram[..place]),
            Progress::No
        );
        for value in 0..=255 {
            let mut changed = datagram.clone();
            changed[place] = value;
            let mut state = DtlsState::default();
            let _ = client_datagram(&mut state, &changed);
            let _ = client_datagram(&mut state, &datagram);
            let _ = is_server_answer(&changed);
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut state = DtlsState::default();
        let _ = client_datagram(&mut state, &bytes);
        let _ = client_datagram(&mut state, &record(HANDSHAKE, 0, &bytes));
        let _ = client_datagram(&mut state, &whole(&[&[1, 0, 0, bytes.len() as u8][..], &bytes[..bytes.len().min(255)]].concat()));
    }
}
