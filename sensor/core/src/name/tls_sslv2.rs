//! The client hello of SSL 2.0, which old clients also sent to offer SSL 3.0 and TLS (RFC 5246, appendix E.2).

use super::Progress;
use super::reader::Reader;
use super::tls::ClientHello;

const CLIENT_HELLO: u8 = 1;
/// Longest hello; one that offers every cipher suite of its time has about 200 bytes.
const MAX_HELLO_BYTES: usize = 1023;
const SSL_2_0: u16 = 0x0002;

/// Recognises the hello at the beginning of a stream. It has no place for a name.
pub fn client_hello(stream: &[u8]) -> Progress<ClientHello> {
    if stream
        .first()
        .is_some_and(|&first| usize::from(first & 0x7f) > MAX_HELLO_BYTES >> 8)
    {
        return Progress::No;
    }
    let mut reader = Reader::new(stream);
    let Some(length) = reader.u16().map(|header| usize::from(header & 0x7fff)) else {
        return Progress::More;
    };
    let Some(kind) = reader.u8() else {
        return Progress::More;
    };
    if kind != CLIENT_HELLO {
        return Progress::No;
    }
    let Some(version) = reader.u16() else {
        return Progress::More;
    };
    if version != SSL_2_0 && version >> 8 != 3 {
        return Progress::No;
    }
    let (Some(ciphers), Some(session_id), Some(challenge)) =
        (reader.u16(), reader.u16(), reader.u16())
    else {
        return Progress::More;
    };
    let parts = [ciphers, session_id, challenge].map(usize::from);
    let sizes_fit = ciphers > 0
        && ciphers % 3 == 0
        && matches!(session_id, 0 | 16)
        && (16..=32).contains(&challenge)
        && length == 9 + parts.iter().sum::<usize>();
    if !sizes_fit {
        return Progress::No;
    }
    if stream.len() < 2 + length {
        return Progress::More;
    }
    Progress::Done(ClientHello {
        max_version: version,
        ..ClientHello::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Vec<u8> {
        let mut bytes = vec![0x80, 9 + 3 + 16, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x35];
        bytes.extend([7; 16]);
        bytes
    }

    #[test]
    fn recognised_whole_and_awaited_until_then() {
        let bytes = hello();
        let whole = client_hello(&bytes).done().expect("a whole hello");
        assert_eq!(
            (whole.max_version, whole.sni, whole.ja4),
            (0x0301, None, None)
        );
        for length in 0..bytes.len() {
            assert_eq!(client_hello(&bytes[..length]), Progress::More, "{length}");
        }
    }

    #[test]
    fn lengths_must_agree() {
        for place in [0, 1, 2, 3, 6, 8, 10] {
            let mut bytes = hello();
            bytes[place] ^= 0x40;
            assert_eq!(client_hello(&bytes), Progress::No, "{place}");
        }
    }
}
