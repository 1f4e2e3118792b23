//! BitTorrent: peers, distributed hash table, trackers, micro transport.

use super::bytes::{be16, be32, be64, contains};
use super::tracked::{Candidate, UdpState};
use super::{Application, Datagram, Streams, Verdict};

const HANDSHAKE: &[u8] = b"\x13BitTorrent protocol";
const UTP_HEADER_BYTES: usize = 20;

/// BEP 3: nineteen, then the protocol's name.
pub(super) fn bittorrent(streams: Streams<'_>) -> Option<Verdict> {
    streams
        .both()
        .into_iter()
        .any(|bytes| bytes.starts_with(HANDSHAKE))
        .then_some(HANDSHAKE_SEEN)
}

const HANDSHAKE_SEEN: Verdict = Verdict::sure(
    Application::Bittorrent,
    &["handshake with the protocol's name"],
);

/// BEP 5: a bencoded dictionary with a kind and twenty bytes of node id; BEP 14: local discovery.
pub(super) fn dht(datagram: &Datagram<'_>) -> Option<Verdict> {
    let bytes = datagram.bytes;
    if bytes.starts_with(b"BT-SEARCH * HTTP/1.1\r\n") {
        return Some(Verdict::sure(
            Application::BittorrentDht,
            &["BT-SEARCH request"],
        ));
    }
    if !bytes.starts_with(b"d1:") && !bytes.starts_with(b"d2:") {
        return None;
    }
    let kind = [&b"1:y1:q"[..], b"1:y1:r", b"1:y1:e"]
        .iter()
        .any(|kind| contains(bytes, kind));
    let identity =
        contains(bytes, b"d2:id20:") || contains(bytes, b"1:eli20") || contains(bytes, b"2:id20:");
    (kind && identity).then_some(Verdict::sure(
        Application::BittorrentDht,
        &["bencoded query, response or error", "node id or error code"],
    ))
}

/// BEP 15: a connect request's magic number, action 0, sixteen bytes.
pub(super) fn tracker(datagram: &Datagram<'_>) -> Option<Verdict> {
    (datagram.length == 16
        && be64(datagram.bytes, 0) == Some(0x0417_2710_1980)
        && be32(datagram.bytes, 8) == Some(0))
    .then_some(Verdict::sure(
        Application::BittorrentTracker,
        &["connect request's magic number"],
    ))
}

/// BEP 29: version 1 header; an answer that acknowledges the other side's number with its connection id.
pub(super) fn utp(datagram: &Datagram<'_>, state: &mut UdpState) -> Option<Verdict> {
    const STATE: u8 = 2;
    const SYN: u8 = 4;
    let bytes = datagram.bytes;
    let &[first, extension @ 0..=2, ..] = bytes else {
        return None;
    };
    let kind = first >> 4;
    if first & 15 != 1 || kind > SYN || datagram.length < UTP_HEADER_BYTES {
        return None;
    }
    let (id, sequence, acknowledged) = (be16(bytes, 2)?, be16(bytes, 16)?, be16(bytes, 18)?);
    let is_bare = extension == 0 && datagram.length == UTP_HEADER_BYTES;
    if bytes
        .get(UTP_HEADER_BYTES..)
        .is_some_and(|payload| payload.starts_with(HANDSHAKE))
    {
        return Some(HANDSHAKE_SEEN);
    }
    if kind == SYN && acknowledged == 0 && be32(bytes, 8) == Some(0) {
        let (own, _) = state.tracks(Candidate::Utp, datagram.side);
        own.key = u64::from(id);
        own.counter = u32::from(sequence);
        own.hits = 1;
        return None;
    }
    if kind != STATE || !is_bare || !state.holds(Candidate::Utp) {
        return None;
    }
    let (_, other) = state.tracks(Candidate::Utp, datagram.side);
    (other.hits > 0 && other.key == u64::from(id) && other.counter == u32::from(acknowledged))
        .then_some(Verdict::sure(
            Application::Utp,
            &[
                "SYN of version 1",
                "answer with its connection id and number",
            ],
        ))
}
