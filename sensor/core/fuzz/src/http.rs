//! HTTP/1.x, HTTP/2 and its header compression.

use blocktap_core::name::Progress;
use blocktap_core::name::hpack::{MAX_VALUE_BYTES, fields};
use blocktap_core::name::http::{MAX_METHOD_BYTES, Request, request, requests, response};
use blocktap_core::name::http2::http2 as read_http2;

use super::pieces::Pieces;

/// The requests of a stream: all that its beginning has are there in the whole of it.
pub fn stream(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let cut = usize::from(pieces.u16());
    let stream = pieces.rest();
    let part = &stream[..cut.min(stream.len())];
    let whole: Vec<_> = requests_of(stream);
    for (number, (offset, early)) in requests_of(part).into_iter().enumerate() {
        let Some((later_offset, later)) = whole.get(number) else {
            panic!("{early:?} is gone");
        };
        assert_eq!(offset, *later_offset);
        if early.complete {
            // The end of a body in chunks is known once it is there.
            let next_request_offset = early.next_request_offset.or(later.next_request_offset);
            assert_eq!(
                &Request {
                    next_request_offset,
                    ..early
                },
                later
            );
        } else {
            assert_eq!((early.method, early.target), (later.method, later.target));
        }
    }
    if let Progress::Done(code) = response(stream) {
        assert!((100..1000).contains(&code));
    }
    if !matches!(request(part), Progress::More) {
        assert_eq!(
            request(part) == Progress::No,
            request(stream) == Progress::No
        );
    }
}

fn requests_of(stream: &[u8]) -> Vec<(u64, Request<'_>)> {
    let mut walk = requests(stream, 0);
    let mut found = Vec::new();
    for (offset, request) in walk.by_ref() {
        assert!(request.method.len() <= MAX_METHOD_BYTES);
        for host in request.hosts() {
            assert!(!host.name().is_empty() && host.as_sent().len() >= host.name().len());
            host.name_text();
        }
        found.push((offset, request));
    }
    assert!(walk.ended() || walk.offset() >= found.last().map_or(0, |(offset, _)| *offset));
    found
}

/// A client's stream, read again from where the first reading stopped.
pub fn http2(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let cut = usize::from(pieces.u16());
    let stream = pieces.rest();
    let part = &stream[..cut.min(stream.len())];
    let count = |stream: &[u8], offset| {
        let mut found = 0;
        let progress = read_http2(stream, offset, |_, authority| {
            assert!(authority.as_sent().len() <= MAX_VALUE_BYTES);
            found += 1;
        });
        (progress, found)
    };
    if let (Progress::Done(first), _) = count(part, 0) {
        assert!(first.offset > 0);
        if let (Progress::Done(second), _) = count(stream, first.offset) {
            assert!(second.offset >= first.offset);
        }
    }
    let is_other = |stream| matches!(count(stream, 0), (Progress::No, _));
    assert!(is_other(stream) || !is_other(part));
}

/// A header block.
pub fn hpack(bytes: &[u8]) {
    fields(bytes, |_, value| assert!(value.len() <= MAX_VALUE_BYTES));
}
