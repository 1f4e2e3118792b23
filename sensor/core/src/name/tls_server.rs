//! The server hello of TLS: enough to know that the server answered, and with what.

use super::Progress;
use super::reader::Reader;
use super::tls_records::first_message;

const SERVER_HELLO: u8 = 2;
const SUPPORTED_VERSIONS: u16 = 43;

/// The random that makes a server hello a request to try again (RFC 8446, section 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a server chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerHello {
    /// Version in force (`supported_versions` where it is there).
    pub version: u16,
    /// Cipher suite.
    pub cipher: u16,
    /// The server asks for another client hello (HelloRetryRequest).
    pub retry: bool,
}

/// Reads the server hello at the beginning of a TCP stream, or of a stream after STARTTLS.
pub fn server_hello(stream: &[u8]) -> Progress<ServerHello> {
    match first_message(stream, SERVER_HELLO) {
        Progress::Done(message) => match parse(&message) {
            Some(hello) => Progress::Done(hello),
            None => Progress::No,
        },
        Progress::More => Progress::More,
        Progress::No => Progress::No,
    }
}

fn parse(message: &[u8]) -> Option<ServerHello> {
    let mut reader = Reader::new(message);
    reader.take(4)?;
    let mut version = reader.u16()?;
    if version >> 8 != 3 {
        return None;
    }
    let retry = reader.take(32)? == RETRY_RANDOM;
    reader.vector8()?;
    let cipher = reader.u16()?;
    reader.u8()?;
    let mut extensions = Reader::new(reader.vector16().unwrap_or_default());
    while let (Some(kind), Some(data)) = (extensions.u16(), extensions.vector16()) {
        if kind == SUPPORTED_VERSIONS {
            version = Reader::new(data).u16().unwrap_or(version);
        }
    }
    Some(ServerHello {
        version,
        cipher,
        retry,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(random: [u8; 32], extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend(random);
        body.extend([0, 0x13, 0x01, 0]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        let mut bytes = vec![
            22,
            3,
            3,
            0,
            body.len() as u8 + 4,
            SERVER_HELLO,
            0,
            0,
            body.len() as u8,
        ];
        bytes.extend(body);
        bytes
    }

    #[test]
    fn version_of_the_extension_counts() {
        let bytes = stream([1; 32], &[0, 43, 0, 2, 3, 4]);
        let hello = ServerHello {
            version: 0x0304,
            cipher: 0x1301,
            retry: false,
        };
        assert_eq!(server_hello(&bytes), Progress::Done(hello));
        for length in 0..bytes.len() {
            assert_eq!(server_hello(&bytes[..length]), Progress::More, "{length}");
        }
    }

    #[test]
    fn retry_is_told_apart() {
        let hello = ServerHello {
            version: 0x0303,
            cipher: 0x1301,
            retry: true,
        };
        assert_eq!(
            server_hello(&stream(RETRY_RANDOM, &[])),
            Progress::Done(hello)
        );
    }

    #[test]
    fn a_warning_before_it_is_passed_over() {
        let mut bytes = vec![21, 3, 3, 0, 2, 1, 112];
        bytes.extend(stream([1; 32], &[]));
        assert!(server_hello(&bytes).done().is_some());
    }

    #[test]
    fn other_streams_are_refused() {
        for other in [
            &b"HTTP/1.1 200 OK\r\n"[..],
            &[22, 3, 1, 0, 4, 1],
            &[23, 3, 3],
            &[22, 2],
        ] {
            assert_eq!(server_hello(other), Progress::No);
        }
    }
}
