//! Steam.

use super::bytes::{be64, le32};
use super::{Application, Datagram, Streams, Verdict};

/// Client connections (`VT01`, older `VS01`), discovery in the local network, and server queries.
pub(super) fn steam(datagram: &Datagram<'_>) -> Option<Verdict> {
    let bytes = datagram.bytes;
    if be64(bytes, 0) == Some(0xffff_ffff_214c_5fa0) {
        return Some(Verdict::sure(
            Application::Steam,
            &["magic number of discovery"],
        ));
    }
    if bytes.starts_with(b"\xff\xff\xff\xffTSource Engine Query\0") {
        return Some(Verdict::sure(Application::Steam, &["server query"]));
    }
    // Magic, length of what follows the header of 36 bytes, type.
    let length = usize::from(super::bytes::be16(bytes, 4)?.swap_bytes());
    (bytes.starts_with(b"VS01")
        && length + 36 == datagram.length
        && matches!(bytes.get(6), Some(0..=8)))
    .then_some(Verdict::sure(
        Application::Steam,
        &["magic VS01", "length fills the datagram"],
    ))
}

/// Length, magic `VT01`, message.
pub(super) fn steam_tcp(streams: Streams<'_>) -> Option<Verdict> {
    let is_message = |bytes: &[u8]| {
        bytes.get(4..8) == Some(b"VT01")
            && le32(bytes, 0).is_some_and(|length| (1..1 << 24).contains(&length))
    };
    streams
        .both()
        .into_iter()
        .any(is_message)
        .then_some(Verdict::sure(
            Application::Steam,
            &["magic VT01", "plausible length"],
        ))
}
