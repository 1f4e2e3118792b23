//! Connections made here: every version, scattered frames and connection IDs, Retry, limits.

use proptest::prelude::*;

use super::super::hello_for_tests::{extension, hello_message, server_name};
use super::super::quic_crypto::tests::{CONNECTION_ID, example_frames, hex, initial, initial_with};
use super::super::quic_header::{GOOGLE_T051, VERSION_1, VERSION_2};
use super::*;

const OTHER_ID: [u8; 5] = [1, 2, 3, 4, 5];

/// A CRYPTO frame with lengths of two bytes.
fn crypto(offset: u16, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![CRYPTO as u8];
    frame.extend((0x4000 | offset).to_be_bytes());
    frame.extend((0x4000 | data.len() as u16).to_be_bytes());
    frame.extend(data);
    frame
}

fn hello() -> Vec<u8> {
    let padding = extension(21, &[0; 900]);
    hello_message(0x0303, &[0x1301], &[server_name(b"quic.example"), padding])
}

fn name(progress: Progress<QuicHello>) -> Option<String> {
    progress
        .done()
        .and_then(|hello| hello.hello.sni)
        .map(|name| name.to_string())
}

/// The first answer other than `More`.
fn read_all(datagrams: &[Vec<u8>]) -> Progress<QuicHello> {
    let mut state = QuicState::default();
    datagrams
        .iter()
        .map(|datagram| client_datagram(&mut state, datagram))
        .find(|progress| *progress != Progress::More)
        .unwrap_or(Progress::More)
}

#[test]
fn the_example_of_the_standards() {
    for version in [VERSION_1, VERSION_2] {
        let datagram = initial(version, &CONNECTION_ID, &CONNECTION_ID, &example_frames());
        let found = client_datagram(&mut QuicState::default(), &datagram)
            .done()
            .expect("a hello");
        assert_eq!(found.version, version);
        assert_eq!(found.hello.sni.as_deref(), Some("example.com"));
        assert_eq!(found.hello.max_version, 0x0304);
        assert!(
            found
                .hello
                .ja4
                .expect("a fingerprint")
                .as_str()
                .starts_with("q13d0211an_")
        );
    }
}

#[test]
fn every_version_with_keys() {
    for version in (0xff00_001b..=0xff00_0022).chain([0xface_b001, 0xface_b002, GOOGLE_T051]) {
        let datagram = initial(version, &OTHER_ID, &OTHER_ID, &crypto(0, &hello()));
        assert_eq!(
            name(read_all(&[datagram])).as_deref(),
            Some("quic.example"),
            "{version:x}"
        );
    }
}

#[test]
fn google_hellos_clear_and_encrypted() {
    let message = gquic::tests::hello_message(b"google.example");
    let clear = [
        b"\x09IDIDIDIDQ039\x01hash of 12 b\xa0\x01\0\x04".as_slice(),
        &message,
    ]
    .concat();
    let found = client_datagram(&mut QuicState::default(), &clear)
        .done()
        .expect("a hello");
    assert_eq!((found.version, found.hello.ja4), (0x5130_3339, None));

    let frames = [&[8, 0, 0x40, 120][..], &message, &[0; 20]].concat();
    let encrypted = initial(GOOGLE_Q050, &CONNECTION_ID, &CONNECTION_ID, &frames);
    assert_eq!(
        name(read_all(&[encrypted])).as_deref(),
        Some("google.example")
    );
}

#[test]
fn scattered_over_frames_packets_and_datagrams() {
    let hello = hello();
    let pieces: Vec<Vec<u8>> = (0..hello.len())
        .step_by(60)
        .map(|at| crypto(at as u16, &hello[at..(at + 75).min(hello.len())]))
        .collect();
    let pack =
        |frames: &[Vec<u8>]| initial(VERSION_1, &CONNECTION_ID, &CONNECTION_ID, &frames.concat());
    let mut backwards = pieces.clone();
    backwards.reverse();
    assert_eq!(
        name(read_all(&[pack(&backwards)])).as_deref(),
        Some("quic.example")
    );

    let apart: Vec<Vec<u8>> = backwards
        .iter()
        .map(|piece| pack(std::slice::from_ref(piece)))
        .collect();
    assert_eq!(name(read_all(&apart)).as_deref(), Some("quic.example"));
    assert_eq!(
        name(read_all(&[apart.concat()])).as_deref(),
        Some("quic.example")
    );
}

#[test]
fn fragments_under_other_connection_ids_belong_together() {
    let hello = hello();
    let first = crypto(0, &hello[..400]);
    let second = crypto(400, &hello[400..]);
    for keys in [&CONNECTION_ID[..], &OTHER_ID] {
        let datagrams = [
            initial(VERSION_1, &CONNECTION_ID, &CONNECTION_ID, &first),
            initial(VERSION_1, keys, &OTHER_ID, &second),
        ];
        assert_eq!(
            name(read_all(&datagrams)).as_deref(),
            Some("quic.example"),
            "{keys:?}"
        );
    }
}

#[test]
fn pings_and_acknowledgements_are_read_over() {
    let mut frames = vec![
        PING as u8,
        ACK as u8,
        5,
        0,
        1,
        0,
        0,
        0,
        ACK_WITH_ECN as u8,
        5,
        0,
        0,
        0,
        1,
        1,
        1,
    ];
    frames.extend(crypto(0, &hello()));
    let datagram = initial(VERSION_2, &CONNECTION_ID, &CONNECTION_ID, &frames);
    assert_eq!(name(read_all(&[datagram])).as_deref(), Some("quic.example"));
}

#[test]
fn another_version_begins_anew() {
    let hello = hello();
    let datagrams = [
        initial(
            0xff00_001d,
            &CONNECTION_ID,
            &CONNECTION_ID,
            &crypto(0, &hello[..50]),
        ),
        initial(VERSION_1, &OTHER_ID, &OTHER_ID, &crypto(0, &hello)),
    ];
    assert_eq!(name(read_all(&datagrams)).as_deref(), Some("quic.example"));
}

#[test]
fn another_connection_begins_anew() {
    let hello = hello();
    let mut older = hello.clone();
    older[10] ^= 1;
    let datagrams = [
        initial(
            VERSION_1,
            &CONNECTION_ID,
            &CONNECTION_ID,
            &crypto(0, &older[..300]),
        ),
        initial(VERSION_1, &OTHER_ID, &OTHER_ID, &crypto(0, &hello)),
    ];
    assert_eq!(name(read_all(&datagrams)).as_deref(), Some("quic.example"));
}

#[test]
fn a_cleared_fixed_bit_is_no_hindrance() {
    let frames = crypto(0, &hello());
    let datagram = initial_with(
        0x83,
        &[],
        VERSION_1,
        &CONNECTION_ID,
        &CONNECTION_ID,
        &frames,
    );
    assert_eq!(name(read_all(&[datagram])).as_deref(), Some("quic.example"));
}

#[test]
fn after_a_retry_the_keys_are_new() {
    let hello = hello();
    let datagrams = [
        initial(
            VERSION_1,
            &CONNECTION_ID,
            &CONNECTION_ID,
            &crypto(0, &hello[..600]),
        ),
        initial_with(
            0xc3,
            b"token",
            VERSION_1,
            &OTHER_ID,
            &OTHER_ID,
            &crypto(0, &hello[..600]),
        ),
        initial_with(
            0xc3,
            b"token",
            VERSION_1,
            &OTHER_ID,
            &OTHER_ID,
            &crypto(600, &hello[600..]),
        ),
    ];
    assert_eq!(name(read_all(&datagrams)).as_deref(), Some("quic.example"));
    assert_eq!(
        name(read_all(&datagrams[1..])).as_deref(),
        Some("quic.example")
    );
}

#[test]
fn what_cannot_be_decrypted_is_given_up() {
    let strange = initial(VERSION_1, &OTHER_ID, &CONNECTION_ID, &crypto(0, &hello()));
    let mut state = QuicState::default();
    let answers: Vec<_> = (0..100)
        .map(|_| client_datagram(&mut state, &strange))
        .collect();
    assert_eq!(answers[0], Progress::More);
    assert_eq!(
        answers
            .iter()
            .filter(|&answer| *answer == Progress::More)
            .count(),
        63
    );
    assert!(state.decryptions <= MAX_DECRYPTIONS);

    let mut state = QuicState::default();
    assert_eq!(
        client_datagram(&mut state, &strange.repeat(200)),
        Progress::No
    );
    assert!(state.decryptions <= MAX_DECRYPTIONS);
}

#[test]
fn other_datagrams_are_no_quic_and_quic_may_still_follow() {
    let mut state = QuicState::default();
    for other in [
        &b""[..],
        b"\x40short header",
        b"\x00\x01\x00\x00stun",
        b"\xc0\0\0\0\x09unknown version",
    ] {
        assert_eq!(client_datagram(&mut state, other), Progress::No);
    }
    let datagram = initial(
        VERSION_1,
        &CONNECTION_ID,
        &CONNECTION_ID,
        &crypto(0, &hello()),
    );
    assert!(client_datagram(&mut state, &datagram).done().is_some());
    assert_eq!(client_datagram(&mut state, &datagram), Progress::No);
}

#[test]
fn answers_of_servers() {
    let handshake = initial(VERSION_1, &CONNECTION_ID, &OTHER_ID, &crypto(0, &hello()));
    assert_eq!(server_answer(&handshake), Some(QuicAnswer::Handshake));
    assert_eq!(
        server_answer(&hex("f000000001000174")),
        Some(QuicAnswer::Retry)
    );
    assert_eq!(
        server_answer(&hex("c000000000000000000001")),
        Some(QuicAnswer::Negotiation)
    );
    assert_eq!(server_answer(b"\x40"), None);
}

#[test]
fn cut_and_changed_anywhere_nothing_panics() {
    let datagram = initial(
        VERSION_1,
        &CONNECTION_ID,
        &CONNECTION_ID,
        &crypto(0, &hello()[..200]),
    );
    for place in 0..datagram.len() {
        let _ = client_datagram(&mut QuicState::default(), &datagram[..place]);
        for bit in 0..8 {
            let mut changed = datagram.clone();
            changed[place] ^= 1 << bit;
            let _ = client_datagram(&mut QuicState::default(), &changed);
        }
    }
}

proptest! {
    #[test]
    fn random_frames_never_panic(frames in prop::collection::vec(any::<u8>(), 20..300)) {
        let mut state = QuicState::default();
        let _ = client_datagram(&mut state, &initial(VERSION_1, &CONNECTION_ID, &CONNECTION_ID, &frames));
        let _ = client_datagram(&mut state, &initial(GOOGLE_Q050, &CONNECTION_ID, &CONNECTION_ID, &frames));
    }

    #[test]
    fn random_datagrams_never_panic(version in 0u32..3, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut state = QuicState::default();
        let _ = client_datagram(&mut state, &bytes);
        let datagram = [&[0xc0][..], &version.to_be_bytes(), &bytes].concat();
        let _ = client_datagram(&mut state, &datagram);
        let _ = server_answer(&datagram);
    }
}
