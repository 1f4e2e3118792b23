//! HTTP/1.x: request line, Host, User-Agent; where the next request of the stream begins.
//!
//! Borrowing and without allocation; lenient about white space and line ends, strict about the
//! request line, which is the evidence that this is HTTP at all.

use super::Progress;

mod authority;
mod body;

pub use authority::Authority;
use body::{Body, body_end};

/// Most bytes of one header block; what stands behind is not looked at.
pub const MAX_HEADER_BYTES: usize = 16 << 10;
/// Longest method; the longest registered has 17 letters.
pub const MAX_METHOD_BYTES: usize = 20;
/// Most empty lines skipped before a request (RFC 9112, 2.2).
const MAX_EMPTY_LINES: usize = 4;

/// One request, as far as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Method, upper-case letters, `-` and `_`.
    pub method: &'a str,
    /// Target as sent.
    pub target: &'a [u8],
    /// Authority of an absolute target or of CONNECT.
    pub authority: Option<Authority<'a>>,
    /// First Host header.
    pub host: Option<Authority<'a>>,
    /// First User-Agent header, as sent.
    pub user_agent: Option<&'a [u8]>,
    /// Whether the header block has ended; until then headers may still come.
    pub complete: bool,
    /// Offset of the next request from the start of this one, possibly behind the bytes held. `None`
    /// while that is unknown, and where no request follows (CONNECT).
    pub next_request_offset: Option<u64>,
}

impl<'a> Request<'a> {
    /// The hosts this request names: that of the target first, then a Host header that differs.
    pub fn hosts(&self) -> impl Iterator<Item = Authority<'a>> {
        let header = self.host.filter(|host| {
            self.authority
                .is_none_or(|target| !target.name().eq_ignore_ascii_case(host.name()))
        });
        self.authority
            .into_iter()
            .chain(header)
            .filter(|host| !host.name().is_empty())
    }
}

/// Reads the request at the front of the stream.
///
/// Done as soon as the request line is whole; `complete` says whether all headers are. A header
/// counts when its line has ended.
pub fn request(stream: &[u8]) -> Progress<Request<'_>> {
    let Some((skipped, bytes)) = skip_empty_lines(stream) else {
        return Progress::No;
    };
    let bytes = bytes.get(..MAX_HEADER_BYTES).unwrap_or(bytes);
    let (line, behind) = match take_line(bytes) {
        Some(line) => line,
        None if bytes.len() < MAX_HEADER_BYTES && may_become_request(bytes) => {
            return Progress::More;
        }
        None => return Progress::No,
    };
    let Some((method, target)) = request_line(line) else {
        return Progress::No;
    };
    let mut request = Request {
        method,
        target,
        authority: Authority::of_target(method, target),
        host: None,
        user_agent: None,
        complete: false,
        next_request_offset: None,
    };
    let mut body = Body::default();
    let mut headers = Headers { rest: behind };
    for (name, value) in headers.by_ref() {
        if name.eq_ignore_ascii_case(b"host") {
            request.host = request.host.or(Some(Authority::new(value)));
        } else if name.eq_ignore_ascii_case(b"user-agent") {
            request.user_agent = request.user_agent.or(Some(value));
        } else {
            body.note(name, value);
        }
    }
    if let Some(rest) = headers.behind_end() {
        request.complete = true;
        if method != "CONNECT" {
            let header_bytes = bytes.len() - rest.len() + skipped;
            request.next_request_offset =
                body_end(&body, stream.get(header_bytes..).unwrap_or(&[]))
                    .map(|length| length.saturating_add(header_bytes as u64));
        }
    }
    Progress::Done(request)
}

/// The requests from `offset` on, one after another, each with its offset.
///
/// The last may be incomplete. [`Requests::offset`] then is where to go on with more bytes; it can lie
/// behind the bytes held, when a body is longer than they are.
pub fn requests(stream: &[u8], offset: u64) -> Requests<'_> {
    Requests {
        stream,
        offset,
        ended: false,
    }
}

/// See [`requests`].
#[derive(Clone, Debug)]
pub struct Requests<'a> {
    stream: &'a [u8],
    offset: u64,
    ended: bool,
}

impl Requests<'_> {
    /// Where the next request begins or will begin.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether no further request can follow: other bytes, or a tunnel.
    pub const fn ended(&self) -> bool {
        self.ended
    }
}

impl<'a> Iterator for Requests<'a> {
    type Item = (u64, Request<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let rest = self.stream.get(usize::try_from(self.offset).ok()?..)?;
        match request(rest) {
            Progress::Done(request) => {
                let at = self.offset;
                match request.next_request_offset {
                    Some(next) => self.offset = self.offset.saturating_add(next),
                    // Incomplete: yielded once, to be read again from here by another walk.
                    None => self.stream = &[],
                }
                self.ended = request.complete && request.method == "CONNECT";
                Some((at, request))
            }
            Progress::More => None,
            Progress::No => {
                self.ended = true;
                None
            }
        }
    }
}

/// Whether the stream begins with an HTTP/1.x status line; done with its status code.
pub fn response(stream: &[u8]) -> Progress<u16> {
    const START: &[u8] = b"HTTP/1.";
    const STATUS_BYTES: usize = "HTTP/1.1 200".len();
    let length = stream.len().min(START.len());
    if stream.get(..length) != START.get(..length) {
        return Progress::No;
    }
    let Some(line) = stream.get(..=STATUS_BYTES) else {
        return Progress::More;
    };
    match line.get(START.len()..) {
        Some(
            &[
                b'0' | b'1',
                b' ',
                a @ b'1'..=b'5',
                b,
                c,
                b' ' | b'\r' | b'\n',
            ],
        ) if b.is_ascii_digit() && c.is_ascii_digit() => Progress::Done(
            [a, b, c]
                .iter()
                .fold(0, |code, digit| code * 10 + u16::from(digit - b'0')),
        ),
        _ => Progress::No,
    }
}

fn skip_empty_lines(stream: &[u8]) -> Option<(usize, &[u8])> {
    let skipped = stream
        .iter()
        .take_while(|octet| matches!(octet, b'\r' | b'\n'))
        .count();
    (skipped <= MAX_EMPTY_LINES * 2).then(|| (skipped, stream.get(skipped..).unwrap_or(&[])))
}

/// The line without its end, and what follows; a bare LF ends a line too.
fn take_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    let line = bytes.get(..end)?;
    Some((
        line.strip_suffix(b"\r").unwrap_or(line),
        bytes.get(end + 1..)?,
    ))
}

const fn is_method_octet(octet: u8) -> bool {
    octet.is_ascii_uppercase() || octet == b'-' || octet == b'_'
}

/// Whether a line without an end can still turn out to be a request line.
fn may_become_request(bytes: &[u8]) -> bool {
    let method = bytes
        .iter()
        .take_while(|&&octet| is_method_octet(octet))
        .count();
    if method == bytes.len() {
        return method <= MAX_METHOD_BYTES;
    }
    let rest = bytes.get(method..).unwrap_or(&[]);
    (3..=MAX_METHOD_BYTES).contains(&method)
        && rest.starts_with(b" ")
        && rest
            .iter()
            .all(|octet| *octet >= b' ' || octet.is_ascii_whitespace())
}

/// Method and target of `METHOD target HTTP/1.x`.
fn request_line(line: &[u8]) -> Option<(&str, &[u8])> {
    let line = line.trim_ascii_end();
    let (rest, version) = line.split_at_checked(line.len().checked_sub("HTTP/1.1".len())?)?;
    if !matches!(version, b"HTTP/1.1" | b"HTTP/1.0") {
        return None;
    }
    let space = memchr::memchr(b' ', rest)?;
    let (method, target) = rest.split_at_checked(space)?;
    let separated = target.len() > target.trim_ascii_end().len();
    let target = target.trim_ascii();
    let plausible = (3..=MAX_METHOD_BYTES).contains(&method.len())
        && method.iter().all(|&octet| is_method_octet(octet));
    if !plausible || !separated || target.is_empty() || target.iter().any(|&octet| octet < b' ') {
        return None;
    }
    Some((std::str::from_utf8(method).ok()?, target))
}

/// Header lines that have ended, folded ones with the first line's value.
struct Headers<'a> {
    rest: &'a [u8],
}

impl<'a> Headers<'a> {
    /// What follows the empty line, if the walk came to it.
    fn behind_end(&self) -> Option<&'a [u8]> {
        match take_line(self.rest) {
            Some(([], rest)) => Some(rest),
            _ => None,
        }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, mut rest) = take_line(self.rest)?;
            if line.is_empty() {
                return None;
            }
            let colon = memchr::memchr(b':', line);
            let name = line
                .get(..colon.unwrap_or(0))
                .unwrap_or(&[])
                .trim_ascii_end();
            let mut value = line
                .get(colon.map_or(0, |at| at + 1)..)
                .unwrap_or(&[])
                .trim_ascii();
            // Folded: the value stands on the next line (RFC 9112, 5.2).
            if value.is_empty() && matches!(rest.first(), Some(b' ' | b'\t')) {
                let (folded, behind) = take_line(rest)?;
                value = folded.trim_ascii();
                rest = behind;
            }
            self.rest = rest;
            // A line without a colon, or one that goes on from the line before, is passed over.
            if !name.is_empty() && !line.starts_with(b" ") && !line.starts_with(b"\t") {
                return Some((name, value));
            }
        }
    }
}

#[cfg(test)]
mod tests;
