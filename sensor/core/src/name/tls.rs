//! The client hello of TLS: what a client says in the clear before anything is encrypted.
//!
//! ```text
//! struct {                                      RFC 8446, section 4.1.2
//!     ProtocolVersion legacy_version;
//!     Random random;                            32 bytes
//!     opaque legacy_session_id<0..32>;
//!     opaque cookie<0..2^8-1>;                  DTLS only
//!     CipherSuite cipher_suites<2..2^16-2>;
//!     opaque legacy_compression_methods<1..2^8-1>;
//!     Extension extensions<8..2^16-1>;          absent in old hellos
//! } ClientHello;
//! ```

use super::hostname::{Name, printable};
use super::ja4::{Carrier, Ingredients, Ja4, is_grease};
use super::reader::Reader;
use super::tls_records::{MAX_HANDSHAKE_BYTES, first_message};
use super::{Progress, tls_sslv2};

const CLIENT_HELLO: u8 = 1;
const RANDOM_BYTES: usize = 32;
const MAX_SESSION_ID_BYTES: usize = 32;
const HOST_NAME: u8 = 0;
/// More than nearly every hello has.
const USUAL_EXTENSIONS: usize = 32;

const SERVER_NAME: u16 = 0;
const SIGNATURE_ALGORITHMS: u16 = 13;
const PROTOCOLS: u16 = 16;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// What a client hello says of its connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientHello {
    /// Server name; with `ech` the outer one, which may be a front.
    pub sni: Option<Name>,
    /// Encrypted Client Hello was offered (in earnest or as GREASE: the two look alike).
    pub ech: bool,
    /// Fingerprint; none for forms of hello that JA4 does not know (SSL 2.0, Google QUIC).
    pub ja4: Option<Ja4>,
    /// First application protocol offered, printable (`h2`, `dot`, `h3`).
    pub alpn_first: Option<Box<str>>,
    /// Highest version offered, GREASE left out.
    pub max_version: u16,
    /// Data was announced to follow before the server answers.
    pub early_data: bool,
}

/// Reads the client hello at the beginning of a TCP stream, or of a stream after STARTTLS.
///
/// The hello may lie in any number of records. SSL 2.0 compatible hellos are recognised; they carry no name.
pub fn client_hello(stream: &[u8], carrier: Carrier) -> Progress<ClientHello> {
    if stream.first().is_some_and(|first| first & 0x80 != 0) {
        return tls_sslv2::client_hello(stream);
    }
    match first_message(stream, CLIENT_HELLO) {
        Progress::Done(message) => client_hello_message(&message, carrier),
        Progress::More => Progress::More,
        Progress::No => Progress::No,
    }
}

/// Reads a client hello that begins at `handshake`, header included: QUIC CRYPTO data, DTLS put together.
pub fn client_hello_message(handshake: &[u8], carrier: Carrier) -> Progress<ClientHello> {
    if handshake.first().is_some_and(|&kind| kind != CLIENT_HELLO) {
        return Progress::No;
    }
    let mut reader = Reader::new(handshake);
    let (Some(_), Some(length)) = (reader.u8(), reader.u24()) else {
        return Progress::More;
    };
    if length as usize > MAX_HANDSHAKE_BYTES {
        return Progress::No;
    }
    let Some(body) = reader.take(length as usize) else {
        return Progress::More;
    };
    match parse(body, carrier) {
        Some(hello) => Progress::Done(hello),
        None => Progress::No,
    }
}

fn parse(body: &[u8], carrier: Carrier) -> Option<ClientHello> {
    let mut reader = Reader::new(body);
    let legacy_version = reader.u16()?;
    if !matches!(
        (carrier, legacy_version >> 8),
        (Carrier::Dtls, 0xfe) | (Carrier::Tcp | Carrier::Quic, 0x03)
    ) {
        return None;
    }
    reader.take(RANDOM_BYTES)?;
    if reader.vector8()?.len() > MAX_SESSION_ID_BYTES {
        return None;
    }
    if carrier == Carrier::Dtls {
        reader.vector8()?;
    }
    let ciphers = reader.vector16()?;
    if ciphers.len() % 2 != 0 || reader.vector8()?.is_empty() {
        return None;
    }
    let mut hello = ClientHello {
        max_version: legacy_version,
        ..ClientHello::default()
    };
    let mut ingredients = Ingredients {
        ciphers: without_grease(ciphers),
        extensions: Vec::with_capacity(USUAL_EXTENSIONS),
        ..Ingredients::default()
    };
    if !reader.is_empty() {
        extensions(reader.vector16()?, carrier, &mut hello, &mut ingredients);
    }
    ingredients.version = hello.max_version;
    hello.ja4 = Some(Ja4::new(carrier, &mut ingredients));
    Some(hello)
}

/// Takes what is needed from the extensions; one that overruns ends them, those before it count.
fn extensions<'a>(
    block: &'a [u8],
    carrier: Carrier,
    hello: &mut ClientHello,
    ingredients: &mut Ingredients<'a>,
) {
    let mut reader = Reader::new(block);
    while let (Some(kind), Some(data)) = (reader.u16(), reader.vector16()) {
        if is_grease(kind) {
            continue;
        }
        ingredients.extensions.push(kind);
        match kind {
            SERVER_NAME if hello.sni.is_none() => hello.sni = server_name(data),
            SIGNATURE_ALGORITHMS => {
                let list = Reader::new(data).vector16().unwrap_or_default();
                ingredients.signature_algorithms = without_grease(list);
            }
            PROTOCOLS => {
                ingredients.first_protocol = first_protocol(data);
                hello.alpn_first = Some(printable(ingredients.first_protocol, |&byte| byte))
                    .filter(|protocol| !protocol.is_empty());
            }
            EARLY_DATA => hello.early_data = true,
            SUPPORTED_VERSIONS => {
                let list = Reader::new(data).vector8().unwrap_or_default();
                hello.max_version = highest_version(list, carrier).unwrap_or(hello.max_version);
            }
            ENCRYPTED_CLIENT_HELLO => hello.ech = true,
            _ => {}
        }
    }
}

/// The first host name of the list (RFC 6066, section 3).
fn server_name(data: &[u8]) -> Option<Name> {
    let mut list = Reader::new(Reader::new(data).vector16()?);
    loop {
        let kind = list.u8()?;
        let name = list.vector16()?;
        if kind == HOST_NAME {
            return Name::from_wire(name);
        }
    }
}

fn first_protocol(data: &[u8]) -> &[u8] {
    Reader::new(data)
        .vector16()
        .and_then(|list| Reader::new(list).vector8())
        .unwrap_or_default()
}

/// The newest version of a list; those of DTLS count downwards.
fn highest_version(list: &[u8], carrier: Carrier) -> Option<u16> {
    let versions = values_without_grease(list);
    match carrier {
        Carrier::Dtls => versions.min(),
        Carrier::Tcp | Carrier::Quic => versions.max(),
    }
}

fn without_grease(list: &[u8]) -> Vec<u16> {
    let mut values = Vec::with_capacity(list.len() / size_of::<u16>());
    values.extend(values_without_grease(list));
    values
}

fn values_without_grease(list: &[u8]) -> impl Iterator<Item = u16> {
    let pairs = list.as_chunks().0.iter();
    pairs
        .map(|&pair| u16::from_be_bytes(pair))
        .filter(|&value| !is_grease(value))
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
