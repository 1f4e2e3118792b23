//! Where a connection through a proxy begins: after the requests of SOCKS 4 and 5, and of HTTP CONNECT.

use memchr::memmem;

use super::reader::Reader;

/// Bytes looked at from the beginning of each direction.
pub const MAX_REQUEST_BYTES: usize = 8 * 1024;

const SOCKS_4: u8 = 4;
const SOCKS_5: u8 = 5;
const CONNECT: u8 = 1;
const PASSWORD: u8 = 2;
const PASSWORD_VERSION: u8 = 1;

const ADDRESS_V4: u8 = 1;
const ADDRESS_NAME: u8 = 3;
const ADDRESS_V6: u8 = 4;

/// The language spoken with the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// SOCKS 4 and 4a.
    Socks4,
    /// SOCKS 5 (RFC 1928), with or without a password (RFC 1929).
    Socks5,
    /// The CONNECT method of HTTP.
    HttpConnect,
}

impl Proxy {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Socks4 => "socks4",
            Self::Socks5 => "socks5",
            Self::HttpConnect => "http_connect",
        }
    }
}

/// Where the connection that the proxy carries begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxied {
    /// The language spoken before.
    pub proxy: Proxy,
    /// First byte that is for the far end, once it has come.
    pub client_offset: usize,
    /// First byte that is from the far end, once the proxy's answers have come whole.
    pub server_offset: Option<usize>,
}

/// Finds the end of a request to connect at the beginning of the client's stream, once it is whole.
pub fn proxied_offset(client: &[u8], server: &[u8]) -> Option<Proxied> {
    let client = client.get(..MAX_REQUEST_BYTES).unwrap_or(client);
    let server = server.get(..MAX_REQUEST_BYTES).unwrap_or(server);
    let (proxy, client_offset, server_offset) = match *client.first()? {
        SOCKS_5 => (
            Proxy::Socks5,
            socks5_request(client)?,
            socks5_answer(server),
        ),
        SOCKS_4 => (
            Proxy::Socks4,
            socks4_request(client)?,
            socks4_answer(server),
        ),
        b'C' => {
            client.starts_with(b"CONNECT ").then_some(())?;
            let answer = server
                .starts_with(b"HTTP/1.")
                .then(|| after_headers(server))
                .flatten();
            (Proxy::HttpConnect, after_headers(client)?, answer)
        }
        _ => return None,
    };
    Some(Proxied {
        proxy,
        client_offset,
        server_offset,
    })
}

fn after_headers(stream: &[u8]) -> Option<usize> {
    memmem::find(stream, b"\r\n\r\n").map(|end| end + 4)
}

fn socks5_request(client: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(client);
    (reader.u8()? == SOCKS_5).then_some(())?;
    let methods = reader.vector8()?;
    if methods.contains(&PASSWORD) && reader.rest().first() == Some(&PASSWORD_VERSION) {
        reader.u8()?;
        reader.vector8()?;
        reader.vector8()?;
    }
    (reader.take(3)? == [SOCKS_5, CONNECT, 0]).then_some(())?;
    skip_address(&mut reader)?;
    Some(client.len() - reader.rest().len())
}

fn socks5_answer(server: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(server);
    let [version, method] = *reader.take(2)?.first_chunk()?;
    (version == SOCKS_5).then_some(())?;
    if method == PASSWORD {
        reader.take(2)?;
    }
    (reader.take(3)? == [SOCKS_5, 0, 0]).then_some(())?;
    skip_address(&mut reader)?;
    Some(server.len() - reader.rest().len())
}

fn skip_address(reader: &mut Reader) -> Option<()> {
    match reader.u8()? {
        ADDRESS_V4 => reader.take(4)?,
        ADDRESS_NAME => reader.vector8()?,
        ADDRESS_V6 => reader.take(16)?,
        _ => return None,
    };
    reader.u16().map(|_port| ())
}

fn socks4_request(client: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(client);
    (reader.take(2)? == [SOCKS_4, CONNECT]).then_some(())?;
    let _port = reader.u16()?;
    let address = reader.u32()?;
    skip_text(&mut reader)?;
    // An impossible address means that a name follows (SOCKS 4a).
    if (1..=255).contains(&address) {
        skip_text(&mut reader)?;
    }
    Some(client.len() - reader.rest().len())
}

fn socks4_answer(server: &[u8]) -> Option<usize> {
    const LENGTH: usize = 8;
    (server.starts_with(&[0, 90]) && server.len() >= LENGTH).then_some(LENGTH)
}

/// Reads over a text that ends with a zero byte.
fn skip_text(reader: &mut Reader) -> Option<()> {
    let end = memchr::memchr(0, reader.rest())?;
    reader.take(end + 1).map(|_text| ())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_proxy() {
        for (proxy, client, server) in [
            (
                Proxy::Socks5,
                &b"\x05\x01\0\x05\x01\0\x01\x01\x02\x03\x04\x01\xbb"[..],
                &b"\x05\0\x05\0\0\x01\0\0\0\0\0\0"[..],
            ),
            (
                Proxy::Socks5,
                b"\x05\x02\0\x02\x01\x01u\x02pw\x05\x01\0\x03\x04a.bc\x01\xbb",
                b"\x05\x02\x01\0\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            ),
            (
                Proxy::Socks4,
                b"\x04\x01\x01\xbb\x01\x02\x03\x04me\0",
                b"\0\x5a\0\0\0\0\0\0",
            ),
            (
                Proxy::Socks4,
                b"\x04\x01\x01\xbb\0\0\0\x01\0a.bc\0",
                b"\0\x5a\0\0\0\0\0\0",
            ),
            (
                Proxy::HttpConnect,
                b"CONNECT a.bc:443 HTTP/1.1\r\nHost: a.bc\r\n\r\n",
                b"HTTP/1.1 200 OK\r\n\r\n",
            ),
        ] {
            let found = proxied_offset(&[client, b"next"].concat(), &[server, b"next"].concat());
            let (client_offset, server_offset) = (client.len(), Some(server.len()));
            assert_eq!(
                found,
                Some(Proxied {
                    proxy,
                    client_offset,
                    server_offset
                })
            );
            for length in 0..client.len() {
                assert_eq!(proxied_offset(&client[..length], server), None);
            }
            for length in 0..server.len() {
                let found =
                    proxied_offset(client, &server[..length]).expect("the request is whole");
                assert_eq!(found.server_offset, None);
            }
        }
    }

    #[test]
    fn other_streams_have_no_proxy() {
        for other in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"\x05\x01\0\x05\x02\0",
            b"\x16\x03\x01",
            b"",
        ] {
            assert_eq!(proxied_offset(other, b""), None);
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(first in 3u8..6, bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let stream = [&[first][..], &bytes].concat();
            let _ = proxied_offset(&stream, &stream);
        }
    }
}
