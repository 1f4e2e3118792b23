//! HTTP in a client's stream: each request's hosts, one after another.

use super::Naming;
use crate::flow::Head;
use crate::name::hpack::Field;
use crate::name::http::{request, requests};
use crate::name::proxied::proxied_offset;
use crate::name::{Progress, http2};

/// How a client's stream goes on.
pub(super) enum HttpStep {
    /// With a request at this offset, perhaps behind the bytes held.
    Next(u64),
    /// With a tunnel, from this offset on.
    Tunnel(usize),
    /// With HTTP/2, from this offset on.
    Http2(u64),
    /// With something else.
    Ended,
}

/// Whether these bytes begin with a whole request line.
pub(super) fn begins_request(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_uppercase) && request(bytes).done().is_some()
}

/// Reads the requests that are there from `offset` on.
pub(super) fn follow(client: &Head, offset: u64, naming: &mut Naming<'_>) -> HttpStep {
    let bytes = client.bytes();
    let mut walk = requests(bytes, offset);
    for (at, request) in walk.by_ref() {
        for host in request.hosts() {
            naming.found.add_host(host);
        }
        if let Some(agent) = request.user_agent {
            naming.found.add_user_agent(agent);
        }
        if request.complete && request.method == "CONNECT" {
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            let tunnel = proxied_offset(bytes.get(at..).unwrap_or_default(), &[]);
            return match tunnel {
                Some(tunnel) => HttpStep::Tunnel(at.saturating_add(tunnel.client_offset)),
                None => HttpStep::Ended,
            };
        }
    }
    let next = walk.offset();
    if !walk.ended() {
        return HttpStep::Next(next);
    }
    let rest = usize::try_from(next).ok().and_then(|at| bytes.get(at..));
    match rest {
        Some(rest) if rest.starts_with(http2::PREFACE) => HttpStep::Http2(next),
        _ => HttpStep::Ended,
    }
}

/// Reads the frames that are there from `offset` on, and moves the window; the offset to go on with there.
pub(super) fn follow_http2(client: &mut Head, offset: u64, naming: &mut Naming<'_>) -> Option<u64> {
    let found = &mut *naming.found;
    let progress = http2::http2(client.bytes(), offset, |field, value| match field {
        Field::Authority | Field::Host => found.add_host(value),
        Field::UserAgent => found.add_user_agent(value.as_sent()),
    });
    let next = match progress {
        Progress::Done(state) => state.offset,
        Progress::More => return Some(offset),
        Progress::No => return None,
    };
    // One byte stays in front: offset 0 stands for the preface.
    let moved = client.consume(next.saturating_sub(1)) && !client.is_full();
    moved.then_some(1)
}
