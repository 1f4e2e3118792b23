//! Remote access: SSH, RDP, VNC, Telnet.

use super::bytes::be16;
use super::{Application, Streams, Verdict};

/// RFC 4253, 4.2: `SSH-protoversion-softwareversion`; the server may send other lines first.
pub(super) fn ssh(streams: Streams<'_>) -> Option<Verdict> {
    let is_banner = |bytes: &[u8]| {
        (bytes.starts_with(b"SSH-2.0-") || bytes.starts_with(b"SSH-1.")) && bytes.len() > 8
    };
    streams
        .both()
        .into_iter()
        .any(is_banner)
        .then_some(Verdict::sure(
            Application::Ssh,
            &["identification line SSH-"],
        ))
}

/// MS-RDPBCGR, 2.2.1.1 and 2.2.1.2: TPKT, X.224 connection request or confirm, then a cookie or a
/// negotiation structure. The first two alone are also other ISO protocols.
pub(super) fn rdp(streams: Streams<'_>) -> Option<Verdict> {
    const REQUEST: u8 = 0xe0;
    const CONFIRM: u8 = 0xd0;
    let request = x224(streams.client, REQUEST)
        .is_some_and(|data| data.starts_with(b"Cookie: msts") || is_negotiation(data, &[1]));
    let confirm = x224(streams.server, CONFIRM).is_some_and(|data| is_negotiation(data, &[2, 3]));
    (request || confirm).then_some(Verdict::sure(
        Application::Rdp,
        &[
            "TPKT with an X.224 connection request or confirm",
            "mstshash cookie or RDP negotiation",
        ],
    ))
}

fn x224(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    let &[3, 0, _, _, indicator, found, 0, 0, ..] = bytes else {
        return None;
    };
    let length = usize::from(be16(bytes, 2)?);
    (found == kind && usize::from(indicator) + 5 == length)
        .then(|| bytes.get(11..length.min(bytes.len())))?
}

fn is_negotiation(data: &[u8], kinds: &[u8]) -> bool {
    matches!(data.last_chunk::<8>(), Some([kind, _, 8, 0, ..]) if kinds.contains(kind))
}

/// RFC 6143, 7.1.1: `RFB xxx.yyy\n`, twelve bytes, from the server first.
pub(super) fn vnc(streams: Streams<'_>) -> Option<Verdict> {
    let is_version = |bytes: &[u8]| {
        let digits = |range: std::ops::Range<usize>| {
            bytes
                .get(range)
                .is_some_and(|part: &[u8]| part.iter().all(u8::is_ascii_digit))
        };
        bytes.starts_with(b"RFB ")
            && digits(4..7)
            && digits(8..11)
            && bytes.get(7) == Some(&b'.')
            && bytes.get(11) == Some(&b'\n')
    };
    streams
        .both()
        .into_iter()
        .any(is_version)
        .then_some(Verdict::sure(Application::Vnc, &["RFB version line"]))
}

/// RFC 854: at least two option negotiations in a row, each IAC, verb and a registered option.
pub(super) fn telnet(streams: Streams<'_>) -> Option<Verdict> {
    let negotiates = |bytes: &[u8]| {
        let is_command = |command: &[u8]| matches!(command, [0xff, 0xfb..=0xfe, 0..=49]);
        bytes.len() >= 6 && bytes.chunks_exact(3).take(2).all(is_command)
    };
    streams
        .both()
        .into_iter()
        .any(negotiates)
        .then_some(Verdict::sure(
            Application::Telnet,
            &["two IAC option negotiations"],
        ))
}

/// Each command of TeamViewer begins with one of two marks; the server answers the client's with one, too.
pub(super) fn teamviewer(streams: Streams<'_>) -> Option<Verdict> {
    let is_command = |bytes: &[u8]| {
        matches!(
            bytes,
            [0x17, 0x24, 8..=0x40, ..] | [0x11, 0x30, 8..=0x90, ..]
        )
    };
    (streams.client.starts_with(b"\x17\x24")
        && is_command(streams.client)
        && is_command(streams.server))
    .then_some(Verdict::sure(
        Application::Teamviewer,
        &["the client's command mark", "the server's command mark"],
    ))
}
