//! Hellos of TLS over records, without them, and of DTLS.

use std::fmt::Debug;

use blocktap_core::name::Progress;
use blocktap_core::name::dtls::{DtlsState, client_datagram, is_server_answer};
use blocktap_core::name::hostname::MAX_NAME_BYTES;
use blocktap_core::name::ja4::{Carrier, Ingredients, JA4_LENGTH, Ja4};
use blocktap_core::name::tls::{ClientHello, client_hello, client_hello_message};
use blocktap_core::name::tls_server::server_hello;

use super::pieces::Pieces;

/// Longest name as text: every byte an escape of four characters.
const MOST_NAME_CHARACTERS: usize = 4 * MAX_NAME_BYTES;
const CARRIERS: [Carrier; 3] = [Carrier::Tcp, Carrier::Quic, Carrier::Dtls];

/// The beginning of a client's stream.
pub fn client_stream(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let cut = pieces.u16();
    is_steady(cut, pieces.rest(), |stream| {
        client_hello(stream, Carrier::Tcp).map(checked)
    });
}

/// A handshake message.
pub fn client_message(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let cut = pieces.u16();
    let carrier = pieces.choose(&CARRIERS);
    is_steady(cut, pieces.rest(), |message| {
        client_hello_message(message, carrier).map(checked)
    });
}

/// The beginning of a server's stream.
pub fn server_stream(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let cut = pieces.u16();
    is_steady(cut, pieces.rest(), server_hello);
}

/// Datagrams of a flow's client.
pub fn datagrams(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let mut state = DtlsState::default();
    while !pieces.is_empty() {
        let datagram = pieces.piece();
        let _ = client_datagram(&mut state, datagram).map(checked);
        is_server_answer(datagram);
    }
}

/// A fingerprint of any lists.
pub fn ja4(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let carrier = pieces.choose(&CARRIERS);
    let version = pieces.u16();
    let [ciphers, extensions, signature_algorithms] = [(); 3].map(|()| numbers(pieces.piece()));
    let mut hello = Ingredients {
        version,
        ciphers,
        extensions,
        signature_algorithms,
        first_protocol: pieces.rest(),
    };
    check_ja4(&Ja4::new(carrier, &mut hello));
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    let mut pieces = Pieces::new(bytes);
    std::iter::from_fn(|| (!pieces.is_empty()).then(|| pieces.u16())).collect()
}

/// Fewer bytes never say anything else than all of them do, unless they want more.
fn is_steady<T: PartialEq + Debug>(cut: u16, bytes: &[u8], parse: impl Fn(&[u8]) -> Progress<T>) {
    let whole = parse(bytes);
    let part = parse(&bytes[..bytes.len().min(usize::from(cut))]);
    assert!(
        matches!(part, Progress::More) || part == whole,
        "{part:?}, then {whole:?}"
    );
}

/// A hello that fits what the columns hold.
pub fn checked(hello: ClientHello) -> ClientHello {
    if let Some(name) = &hello.sni {
        assert!((1..=MOST_NAME_CHARACTERS).contains(&name.len()));
    }
    if let Some(ja4) = &hello.ja4 {
        check_ja4(ja4);
    }
    if let Some(protocol) = &hello.alpn_first {
        assert!(protocol.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }
    hello
}

fn check_ja4(ja4: &Ja4) {
    assert_eq!(ja4.as_str().len(), JA4_LENGTH);
    assert!(ja4.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
}
