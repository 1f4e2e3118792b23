//! SOCKS, and Telegram's MTProto.

use super::bytes::{be16, be32, be64, le32};
use super::tracked::{Candidate, UdpState};
use super::{Application, Datagram, Streams, Verdict};

/// Both sides of the handshake: RFC 1928, 3, and SOCKS 4.
pub(super) fn socks(streams: Streams<'_>) -> Option<Verdict> {
    match (streams.client, streams.server) {
        ([5, count @ 1..=16, rest @ ..], [5, method, ..]) => {
            let offered = rest.get(..usize::from(*count))?;
            let is_offered = offered.contains(method) || *method == 0xff;
            let behind = rest.get(usize::from(*count)..)?;
            // What follows is a request, or authentication by name and password (RFC 1929).
            let goes_on =
                behind.is_empty() || matches!(behind, [5, 1..=3, 0, 1 | 3 | 4, ..] | [1, ..]);
            let offers = offered
                .iter()
                .all(|method| matches!(method, 0..=9 | 0x80..=0xfe));
            let asks = matches!(behind, [5, 1..=3, 0, 1 | 3 | 4, ..] | [1, ..]);
            (is_offered && offers && goes_on && (asks || streams.server.len() == 2)).then_some(
                Verdict::sure(
                    Application::Socks,
                    &["offer of methods", "server chose one of them"],
                ),
            )
        }
        ([4, 1 | 2, rest @ ..], [0, 0x5a..=0x5d, answer @ ..]) => {
            let user = rest.get(6..)?;
            (user.contains(&0) && answer.len() >= 6 && be16(rest, 0)? != 0).then_some(
                Verdict::sure(Application::Socks, &["SOCKS 4 request", "answer code"]),
            )
        }
        _ => None,
    }
}

/// Telegram's transports that are not obfuscated: the abridged and the intermediate framing.
///
/// Signs: the transport's mark, and either the unencrypted start of a key exchange, or both sides naming one
/// key in their first message.
pub(super) fn telegram(streams: Streams<'_>) -> Option<Verdict> {
    const EXCHANGE: Verdict = Verdict::sure(
        Application::Telegram,
        &["mark of the transport", "unencrypted req_pq"],
    );
    const KEY: Verdict = Verdict::sure(
        Application::Telegram,
        &["mark of the transport", "both sides name one key"],
    );
    let (message, answer) = match streams.client {
        [0xef, rest @ ..] => (abridged(rest)?, abridged(streams.server)),
        [0xee, 0xee, 0xee, 0xee, rest @ ..] => (rest.get(4..)?, streams.server.get(4..)),
        _ => return None,
    };
    let key = be64(message, 0)?;
    if key == 0 {
        // Key 0, message number, length, constructor.
        let length = le32(message, 16)?;
        let constructor = le32(message, 20)?;
        return (length == 20 && matches!(constructor, 0x6046_9778 | 0xbe7e_8ef1))
            .then_some(EXCHANGE);
    }
    (be64(answer?, 0)? == key).then_some(KEY)
}

/// Calls over Telegram's relays: a tag of sixteen bytes, then twelve of ones in a request; the relay answers in the
/// same form with the same tag.
pub(super) fn telegram_relay(datagram: &Datagram<'_>, state: &mut UdpState) -> Option<Verdict> {
    const TAG_BYTES: usize = 16;
    let ones = datagram.bytes.get(TAG_BYTES..TAG_BYTES + 12)?;
    let tag = be64(datagram.bytes, 0)?;
    if ones.iter().any(|&octet| octet != 0xff)
        || matches!(tag, 0 | u64::MAX)
        || !datagram.length.is_multiple_of(8)
    {
        return None;
    }
    let rest = be32(datagram.bytes, 8)?;
    let (own, other) = state.tracks(Candidate::Telegram, datagram.side);
    own.key = tag;
    own.counter = rest;
    own.hits = 1;
    (other.hits > 0 && other.key == tag && other.counter == rest).then_some(Verdict::sure(
        Application::Telegram,
        &[
            "relay request of twelve ones behind a tag",
            "answer with the same tag",
        ],
    ))
}

/// The message behind an abridged length, in words: one octet, or 0x7f and three.
fn abridged(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x7f, _, _, _, message @ ..] | [1..=0x7e, message @ ..] => Some(message),
        _ => None,
    }
}
