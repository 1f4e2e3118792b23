//! HTTP/2 without TLS by prior knowledge: preface, then the `:authority` of each HEADERS frame.

use super::Progress;
use super::hpack::{Field, fields};
use super::http::Authority;

/// What every client sends first (RFC 9113, 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Most frames looked at in one call.
pub const MAX_FRAMES: usize = 128;
const FRAME_HEADER_BYTES: usize = 9;
const TYPE_HEADERS: u8 = 1;
const FLAG_PADDED: u8 = 0x08;
const FLAG_PRIORITY: u8 = 0x20;

/// What the client's side of a connection said so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Http2 {
    /// Where to go on with more bytes; can lie behind those held.
    pub offset: u64,
    /// HEADERS frames read.
    pub requests: usize,
}

/// Reads client frames from `offset` (0 at first) and calls `found` with each authority and user
/// agent they spell out.
///
/// A repeated authority usually stands in the table that the client and server share and is not
/// called again. Once done at offset 0, later calls go on at [`Http2::offset`].
pub fn http2(
    stream: &[u8],
    offset: u64,
    mut found: impl FnMut(Field, Authority<'_>),
) -> Progress<Http2> {
    let mut at = usize::try_from(offset).unwrap_or(usize::MAX);
    if at == 0 {
        let length = stream.len().min(PREFACE.len());
        if stream.get(..length) != PREFACE.get(..length) {
            return Progress::No;
        }
        if length < PREFACE.len() {
            return Progress::More;
        }
        at = PREFACE.len();
    }
    let mut requests = 0;
    for _ in 0..MAX_FRAMES {
        let Some(&[a, b, c, kind, flags, ..]) = stream
            .get(at..)
            .filter(|rest| rest.len() >= FRAME_HEADER_BYTES)
        else {
            break;
        };
        let begin = at + FRAME_HEADER_BYTES;
        let end = begin + (usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c));
        if kind == TYPE_HEADERS {
            let Some(frame) = stream.get(begin..end) else {
                break;
            };
            requests += 1;
            if let Some(block) = block_of(frame, flags) {
                fields(block, |field, value| found(field, Authority::new(value)));
            }
        }
        at = end;
    }
    Progress::Done(Http2 {
        offset: at as u64,
        requests,
    })
}

fn block_of(frame: &[u8], flags: u8) -> Option<&[u8]> {
    let mut block = frame;
    if flags & FLAG_PADDED != 0 {
        let (&padding, rest) = block.split_first()?;
        block = rest.get(..rest.len().checked_sub(usize::from(padding))?)?;
    }
    if flags & FLAG_PRIORITY != 0 {
        block = block.get(5..)?;
    }
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn connection() -> Vec<u8> {
        let mut stream = PREFACE.to_vec();
        stream.extend(b"\0\0\0\x04\0\0\0\0\0");
        stream.extend(b"\0\0\x15\x01\x05\0\0\0\x01\x82\x86\x84\x41\x0fwww.Example.com\x90");
        stream.extend(b"\0\0\x0e\x01\x2d\0\0\0\x03\x02\0\0\0\0\x10\x41\x03a.b\x90\0\0");
        stream
    }

    fn names(stream: &[u8], offset: u64) -> (Vec<String>, Progress<Http2>) {
        let mut names = Vec::new();
        let progress = http2(stream, offset, |_, authority| {
            names.push(authority.name_text());
        });
        (names, progress)
    }

    #[test]
    fn authorities_of_two_streams() {
        let stream = connection();
        let (found, progress) = names(&stream, 0);
        assert_eq!(found, ["www.example.com", "a.b"]);
        assert_eq!(
            progress,
            Progress::Done(Http2 {
                offset: stream.len() as u64,
                requests: 2
            })
        );
    }

    #[test]
    fn goes_on_where_it_stopped() {
        let stream = connection();
        for end in 0..=stream.len() {
            let (mut found, progress) = names(&stream[..end], 0);
            match progress {
                Progress::Done(state) => {
                    found.extend(names(&stream, state.offset).0);
                    assert_eq!(found, ["www.example.com", "a.b"]);
                }
                Progress::More => assert!(end < PREFACE.len()),
                Progress::No => panic!("refused at {end}"),
            }
        }
        assert_eq!(names(b"PRI * HTTP/1.1", 0).1, Progress::No);
    }

    proptest! {
        #[test]
        fn mutations_go_in(position in 24_usize..90, value in any::<u8>()) {
            let mut stream = connection();
            if let Some(octet) = stream.get_mut(position) {
                *octet = value;
            }
            let _ = names(&stream, 0);
        }
    }
}
