//! Voice and media: SIP, RTP, RTSP, STUN.

use super::bytes::{be16, be32, be64, contains, first_line};
use super::tracked::{Candidate, UdpState};
use super::{Application, Datagram, Streams, Verdict};

const SIP_METHODS: [&[u8]; 14] = [
    b"INVITE ",
    b"REGISTER ",
    b"OPTIONS ",
    b"ACK ",
    b"BYE ",
    b"CANCEL ",
    b"SUBSCRIBE ",
    b"NOTIFY ",
    b"MESSAGE ",
    b"INFO ",
    b"PRACK ",
    b"UPDATE ",
    b"REFER ",
    b"PUBLISH ",
];

pub(super) fn sip(datagram: &Datagram<'_>) -> Option<Verdict> {
    is_sip(datagram.bytes).then_some(SIP)
}

pub(super) fn sip_tcp(streams: Streams<'_>) -> Option<Verdict> {
    streams.both().into_iter().any(is_sip).then_some(SIP)
}

const SIP: Verdict = Verdict::sure(
    Application::Sip,
    &["SIP/2.0 request or status line", "Via or Call-ID header"],
);

/// RFC 3261, 7: the start line names the version, and Via and Call-ID are in every message.
fn is_sip(bytes: &[u8]) -> bool {
    if !bytes.starts_with(b"SIP/2.0 ")
        && !SIP_METHODS.iter().any(|method| bytes.starts_with(method))
    {
        return false;
    }
    let Some(line) = first_line(bytes) else {
        return false;
    };
    let is_start = line.starts_with(b"SIP/2.0 ") || line.ends_with(b" SIP/2.0");
    is_start
        && [
            &b"\nVia:"[..],
            b"\nv:",
            b"\nCall-ID:",
            b"\ni:",
            b"\nCALL-ID:",
            b"\nVIA:",
        ]
        .iter()
        .any(|header| contains(bytes, header))
}

/// RFC 7826 and 2326: request line with the version, or status line.
pub(super) fn rtsp(streams: Streams<'_>) -> Option<Verdict> {
    let is_rtsp = |bytes: &[u8]| {
        bytes.starts_with(b"RTSP/1.0 ")
            || bytes.starts_with(b"RTSP/2.0 ")
            || bytes.first().is_some_and(u8::is_ascii_uppercase)
                && first_line(bytes).is_some_and(|line| {
                    line.ends_with(b" RTSP/1.0") || line.ends_with(b" RTSP/2.0")
                })
    };
    streams
        .both()
        .into_iter()
        .any(is_rtsp)
        .then_some(Verdict::sure(
            Application::Rtsp,
            &["RTSP version in the start line"],
        ))
}

/// RFC 8489, 5: two zero bits, length that fills the datagram, magic cookie.
pub(super) fn stun(datagram: &Datagram<'_>) -> Option<Verdict> {
    is_stun(datagram.bytes, datagram.length).then_some(STUN)
}

/// The same over TCP, where messages follow one another.
pub(super) fn stun_tcp(streams: Streams<'_>) -> Option<Verdict> {
    streams
        .both()
        .into_iter()
        .any(|bytes| {
            let length = usize::from(be16(bytes, 2).unwrap_or(u16::MAX)) + 20;
            length <= 1024 && is_stun(bytes, length)
        })
        .then_some(STUN)
}

/// RFC 3489, before the magic cookie: attributes that fill a message, and the port of such servers or an answer
/// with its transaction.
pub(super) fn stun_classic(datagram: &Datagram<'_>, state: &mut UdpState) -> Option<Verdict> {
    let bytes = datagram.bytes;
    let kind = be16(bytes, 0)?;
    if kind >> 14 != 0
        || usize::from(be16(bytes, 2)?) + STUN_HEADER_BYTES != datagram.length
        || !attributes_fill(bytes)
    {
        return None;
    }
    let (first, last) = (be64(bytes, 4)?, be32(bytes, 16)?);
    let has_attributes = bytes.len() > STUN_HEADER_BYTES;
    if kind == BINDING_REQUEST && has_attributes && datagram.has_port(STUN_PORT) {
        return Some(Verdict::sure(
            Application::Stun,
            &[
                "binding request whose length and attributes fit",
                "the port of STUN",
            ],
        ));
    }
    if kind == BINDING_REQUEST {
        let (own, _) = state.tracks(Candidate::Stun, datagram.side);
        own.key = first;
        own.counter = last;
        own.hits = 1;
        return None;
    }
    if !state.holds(Candidate::Stun) {
        return None;
    }
    let (_, other) = state.tracks(Candidate::Stun, datagram.side);
    (other.hits > 0 && other.key == first && other.counter == last).then_some(Verdict::sure(
        Application::Stun,
        &[
            "binding request whose length and attributes fit",
            "answer with its transaction",
        ],
    ))
}

fn attributes_fill(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(STUN_HEADER_BYTES..).unwrap_or(&[]);
    while !rest.is_empty() {
        let Some(length) = be16(rest, 2) else {
            return false;
        };
        let Some(behind) = rest.get(4 + usize::from(length).next_multiple_of(4)..) else {
            return false;
        };
        rest = behind;
    }
    true
}

const STUN_HEADER_BYTES: usize = 20;
const STUN_PORT: u16 = 3478;
const BINDING_REQUEST: u16 = 1;
const STUN: Verdict = Verdict::sure(Application::Stun, &["magic cookie", "message length"]);

fn is_stun(bytes: &[u8], length: usize) -> bool {
    let kind = be16(bytes, 0).unwrap_or(u16::MAX);
    let content = usize::from(be16(bytes, 2).unwrap_or(u16::MAX));
    // Drafts of TURN do not pad their last attribute, so the length need not count whole words.
    kind >> 14 == 0 && content + STUN_HEADER_BYTES == length && be32(bytes, 4) == Some(0x2112_a442)
}

/// RFC 3550, 5.1: version 2, a payload type in use, one source, sequence numbers that go up by little.
pub(super) fn rtp(datagram: &Datagram<'_>, state: &mut UdpState) -> Option<Verdict> {
    /// Consistent packets of one side that make a verdict.
    const NEEDED: u8 = 5;
    const MAX_STEP: u16 = 8;
    let &[first, second, ..] = datagram.bytes else {
        return None;
    };
    let payload_type = second & 0x7f;
    let is_type_used = matches!(payload_type, 0 | 3..=18 | 25 | 26 | 28 | 31..=34 | 96..=127);
    let ports_fit = datagram.source_port >= 1024 && datagram.destination_port >= 1024;
    if first >> 6 != 2 || !is_type_used || !ports_fit || datagram.length < 13 {
        return None;
    }
    let sequence = be16(datagram.bytes, 2)?;
    let source = be32(datagram.bytes, 8)?;
    let key = u64::from(source) << 8 | u64::from(payload_type);
    if source == 0 {
        return None;
    }
    let (own, _) = state.tracks(Candidate::Rtp, datagram.side);
    let step = sequence.wrapping_sub(own.counter as u16);
    own.hits = if own.hits > 0 && own.may_be_of(key) && (1..=MAX_STEP).contains(&step) {
        own.hits + 1
    } else {
        1
    };
    own.key = key;
    own.counter = u32::from(sequence);
    (own.hits >= NEEDED).then_some(Verdict::likely(
        Application::Rtp,
        &[
            "version 2 and a payload type in use",
            "one source over five packets",
            "sequence numbers go up",
        ],
    ))
}
