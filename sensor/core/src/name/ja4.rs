//! JA4, the fingerprint of a TLS client hello, as FoxIO's specification defines it.
//!
//! Only the client fingerprint: its sister methods are not freely licensed.
//!
//! `t13d1516h2_8daaf6152771_e5627efa2ab1` reads: TLS over TCP, version 1.3, a name was sent, 15 cipher
//! suites, 16 extensions, first protocol `h2`; hash of the sorted cipher suites; hash of the sorted
//! extensions and of the signature algorithms in their order. GREASE values (RFC 8701) count nowhere.

use std::fmt;

use sha2::{Digest, Sha256};

/// Length of every JA4 in characters.
pub const JA4_LENGTH: usize = 36;

/// Hexadecimal characters kept of each hash.
const HASH_LENGTH: usize = 12;

/// Highest count that two digits show.
const MAX_COUNT: usize = 99;

const SERVER_NAME: u16 = 0x0000;
const PROTOCOLS: u16 = 0x0010;

/// What carried the hello: the first letter of the fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// TLS records over TCP, `t`.
    Tcp,
    /// QUIC CRYPTO frames, `q`.
    Quic,
    /// DTLS records, `d`.
    Dtls,
}

/// What of a hello goes into its fingerprint.
#[derive(Debug, Default)]
pub struct Ingredients<'a> {
    /// Highest version offered.
    pub version: u16,
    /// Cipher suites in the order of the hello, GREASE left out.
    pub ciphers: Vec<u16>,
    /// Extension types in the order of the hello, GREASE left out.
    pub extensions: Vec<u16>,
    /// Signature algorithms in the order of the hello, GREASE left out.
    pub signature_algorithms: Vec<u16>,
    /// First protocol of the ALPN extension; empty without one.
    pub first_protocol: &'a [u8],
}

/// A JA4 fingerprint: printable ASCII of fixed length.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ja4([u8; JA4_LENGTH]);

impl Ja4 {
    /// The fingerprint of a hello.
    pub fn new(carrier: Carrier, hello: &mut Ingredients) -> Self {
        let named = hello.extensions.contains(&SERVER_NAME);
        let extension_count = two_digits(hello.extensions.len());
        let [protocol_first, protocol_last] = protocol_ends(hello.first_protocol);
        let cipher_count = two_digits(hello.ciphers.len());
        let version = version_code(hello.version);
        hello.ciphers.sort_unstable();
        hello
            .extensions
            .retain(|&kind| kind != SERVER_NAME && kind != PROTOCOLS);
        hello.extensions.sort_unstable();

        let mut text = [b'_'; JA4_LENGTH];
        let parts: [&[u8]; 9] = [
            match carrier {
                Carrier::Tcp => b"t",
                Carrier::Quic => b"q",
                Carrier::Dtls => b"d",
            },
            version,
            if named { b"d" } else { b"i" },
            &cipher_count,
            &extension_count,
            &[protocol_first, protocol_last, b'_'],
            &short_hash(&hello.ciphers, &[]),
            b"_",
            &short_hash(&hello.extensions, &hello.signature_algorithms),
        ];
        for (place, &character) in text.iter_mut().zip(parts.into_iter().flatten()) {
            *place = character;
        }
        Self(text)
    }

    /// The fingerprint as text.
    pub fn as_str(&self) -> &str {
        // Every part above is ASCII, so the empty default is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Ja4 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Whether a value is one of the reserved values that keep implementations tolerant (RFC 8701).
pub fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

fn version_code(version: u16) -> &'static [u8] {
    match version {
        0x0304 => b"13",
        0x0303 => b"12",
        0x0302 => b"11",
        0x0301 => b"10",
        0x0300 => b"s3",
        0x0002 => b"s2",
        0xfeff => b"d1",
        0xfefd => b"d2",
        0xfefc => b"d3",
        _ => b"00",
    }
}

fn two_digits(count: usize) -> [u8; 2] {
    let count = count.min(MAX_COUNT) as u8;
    [b'0' + count / 10, b'0' + count % 10]
}

/// First and last character of the first protocol; of its hexadecimal form when either is no letter or digit.
fn protocol_ends(protocol: &[u8]) -> [u8; 2] {
    let (Some(&first), Some(&last)) = (protocol.first(), protocol.last()) else {
        return *b"00";
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [first, last]
    } else {
        [hex_digit(first >> 4), hex_digit(last)]
    }
}

/// The low four bits as a lower-case hexadecimal digit.
fn hex_digit(value: u8) -> u8 {
    match value & 0x0f {
        digit @ 0..=9 => b'0' + digit,
        digit => b'a' + digit - 10,
    }
}

/// Start of the SHA-256 of `first` and, after an underscore where there are any, `second`; zeros for an empty `first`.
fn short_hash(first: &[u16], second: &[u16]) -> [u8; HASH_LENGTH] {
    let mut text = [b'0'; HASH_LENGTH];
    if first.is_empty() {
        return text;
    }
    let mut hash = Sha256::new();
    update(&mut hash, first);
    if !second.is_empty() {
        hash.update(b"_");
        update(&mut hash, second);
    }
    for (pair, byte) in text.chunks_exact_mut(2).zip(hash.finalize()) {
        pair.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(byte)]);
    }
    text
}

/// Adds the values as four hexadecimal digits each, comma between them.
fn update(hash: &mut Sha256, values: &[u16]) {
    for (place, value) in values.iter().enumerate() {
        let [high, low] = value.to_be_bytes();
        let text = [
            b',',
            hex_digit(high >> 4),
            hex_digit(high),
            hex_digit(low >> 4),
            hex_digit(low),
        ];
        hash.update(if place == 0 { &text[1..] } else { &text[..] });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Ingredients<'static> {
        Ingredients {
            version: 0x0304,
            ciphers: vec![
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
                0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
                0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
            ],
            signature_algorithms: vec![
                0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
            ],
            first_protocol: b"h2",
        }
    }

    #[test]
    fn example_of_the_specification() {
        let ja4 = Ja4::new(Carrier::Tcp, &mut example());
        assert_eq!(ja4.as_str(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn without_signature_algorithms_no_underscore_is_hashed() {
        let mut hello = Ingredients {
            signature_algorithms: Vec::new(),
            ..example()
        };
        let ja4 = Ja4::new(Carrier::Quic, &mut hello);
        assert_eq!(ja4.as_str(), "q13d1516h2_8daaf6152771_6d807ffa2a79");
    }

    #[test]
    fn empty_lists_are_zeros() {
        let ja4 = Ja4::new(Carrier::Dtls, &mut Ingredients::default());
        assert_eq!(ja4.as_str(), "d00i000000_000000000000_000000000000");
    }

    #[test]
    fn only_name_and_protocols_leave_an_empty_list() {
        let mut hello = Ingredients {
            extensions: vec![0x10, 0],
            ..example()
        };
        let ja4 = Ja4::new(Carrier::Tcp, &mut hello);
        assert_eq!(ja4.as_str(), "t13d1502h2_8daaf6152771_000000000000");
    }

    #[test]
    fn counts_stop_at_99() {
        let mut hello = Ingredients {
            ciphers: (0..300).collect(),
            ..Ingredients::default()
        };
        assert!(
            Ja4::new(Carrier::Tcp, &mut hello)
                .as_str()
                .starts_with("t00i990000_")
        );
    }

    #[test]
    fn protocol_ends_of_the_specification() {
        for (protocol, ends) in [
            (&b""[..], b"00"),
            (b"h2", b"h2"),
            (b"http/1.1", b"h1"),
            (b"x", b"xx"),
            (&[0xab], b"ab"),
            (&[0xab, 0xcd], b"ad"),
            (&[0x30, 0xab], b"3b"),
            (&[0x30, 0x31, 0xab, 0xcd], b"3d"),
            (&[0x30, 0xab, 0xcd, 0x31], b"01"),
        ] {
            assert_eq!(&protocol_ends(protocol), ends, "{protocol:x?}");
        }
    }

    #[test]
    fn grease_is_sixteen_values() {
        assert_eq!((0..=u16::MAX).filter(|&value| is_grease(value)).count(), 16);
        assert!(is_grease(0x0a0a) && is_grease(0xfafa) && !is_grease(0x0a1a));
    }
}
