//! DNS over TCP: every message of both directions, however split.

use super::{Naming, Step};
use crate::classify::{Application, Verdict};
use crate::flow::Head;
use crate::name::dns::{HEADER_BYTES, is_dns_strict, parse_message, tcp_messages};
use crate::name::dns_table::DnsTransport;

pub(super) const DNS: Verdict =
    Verdict::sure(Application::Dns, &["length of a message", "message of DNS"]);

const LENGTH_BYTES: usize = 2;

/// Whether the bytes begin with a whole message behind its length.
///
/// On port 53 any message will do; elsewhere it must be one beyond doubt.
pub(super) fn begins_dns(stream: &[u8], strict: bool) -> bool {
    let Some((&length, rest)) = stream.split_first_chunk::<LENGTH_BYTES>() else {
        return false;
    };
    let length = usize::from(u16::from_be_bytes(length));
    let Some(bytes) = rest.get(..length).filter(|_| length > HEADER_BYTES) else {
        return false;
    };
    // Once a flow, hence memory of its own.
    match parse_message(bytes) {
        Some(mut message) => !strict || is_dns_strict(bytes, &mut message),
        None => false,
    }
}

/// Takes the whole messages that are there, and moves the window behind them.
pub(super) fn take(head: &mut Head, naming: &mut Naming<'_>) -> Step {
    let (mut consumed, messages) = tcp_messages(head.bytes());
    for bytes in messages {
        if naming.message.parse(bytes) {
            naming.take_message(DnsTransport::Tcp);
        }
    }
    let rest = head.bytes().get(consumed..).unwrap_or_default();
    if let Some((&length, _)) = rest.split_first_chunk::<LENGTH_BYTES>() {
        let length = usize::from(u16::from_be_bytes(length));
        if length < HEADER_BYTES {
            return Step::Settled;
        }
        // A message larger than the window is passed over.
        if head.is_full() {
            consumed += LENGTH_BYTES + length;
        }
    }
    head.consume(consumed as u64);
    Step::Continue
}
