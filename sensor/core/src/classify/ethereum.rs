//! Ethereum between nodes: RLPx over TCP, discovery version 4 over UDP.

use super::bytes::be16;
use super::curve::is_public_key;
use super::{Application, Datagram, Streams, Verdict};

/// The first message of RLPx is encrypted to the other node, but in front of it stands, in the clear, a public
/// key on Ethereum's curve; random bytes are on it once in 2^256.
///
/// The message of EIP-8 has its length in front; the older one has not.
pub(super) fn rlpx(streams: Streams<'_>) -> Option<Verdict> {
    const LENGTHS: std::ops::Range<u16> = 150..2048;
    const MARK: Option<&u8> = Some(&4);
    let has_key = |bytes: &[u8], at: usize| {
        bytes.get(at) == MARK && bytes.get(at + 1..at + 65).is_some_and(is_public_key)
    };
    let is_handshake = |bytes: &[u8]| {
        has_key(bytes, 0)
            || be16(bytes, 0).is_some_and(|length| LENGTHS.contains(&length)) && has_key(bytes, 2)
    };
    streams.both().into_iter().any(is_handshake).then_some(RLPX)
}

const RLPX: Verdict = Verdict::sure(
    Application::Ethereum,
    &[
        "mark of an uncompressed key",
        "point on the curve secp256k1",
    ],
);

/// Hash, signature with recovery id, packet type, and RLP of the form that type has.
pub(super) fn discovery(datagram: &Datagram<'_>) -> Option<Verdict> {
    const RECOVERY_ID: usize = 96;
    let bytes = datagram.bytes;
    let [0..=1, kind, rest @ ..] = bytes.get(RECOVERY_ID..)? else {
        return None;
    };
    let (true, fields, _) = item(rest)? else {
        return None;
    };
    let (first_is_list, first, behind) = item(fields)?;
    let fits = match kind {
        // Ping: version, sender, receiver, time.
        1 => !first_is_list && matches!(first, [3..=5]) && item(behind)?.0,
        // Pong: receiver, hash of the ping, time.
        2 => first_is_list && item(behind)?.1.len() == 32,
        // Find a node: public key, time.
        3 => !first_is_list && first.len() == 64,
        // Neighbours: list of nodes, time.
        4 => first_is_list && matches!(item(behind)?.1.len(), 4..=8),
        // Request for a record: time.
        5 => !first_is_list && first.len() == 4,
        // Record: hash of the request, record.
        6 => !first_is_list && first.len() == 32 && item(behind)?.0,
        _ => false,
    };
    fits.then_some(Verdict::sure(
        Application::Ethereum,
        &[
            "signature with recovery id, packet type",
            "fields of that type",
        ],
    ))
}

/// One RLP item: whether it is a list, its content, what follows.
fn item(bytes: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (is_list, length, rest) = match first {
        0..=0x7f => return Some((false, bytes.get(..1)?, rest)),
        0x80..=0xb7 => (false, usize::from(first - 0x80), rest),
        0xc0..=0xf7 => (true, usize::from(first - 0xc0), rest),
        _ => {
            let is_list = first >= 0xf8;
            let digits = usize::from(first - if is_list { 0xf7 } else { 0xb7 });
            if digits > 2 {
                return None;
            }
            let (digits, rest) = rest.split_at_checked(digits)?;
            (
                is_list,
                digits
                    .iter()
                    .fold(0, |length, &digit| length << 8 | usize::from(digit)),
                rest,
            )
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((is_list, content, rest))
}
