//! WireGuard, L2TP, PPTP, SSTP.

use super::bytes::{be16, be32, contains, le32, le64};
use super::tracked::{Candidate, UdpState};
use super::{Application, Datagram, Streams, Verdict};

const INITIATION: u32 = 1;
const RESPONSE: u32 = 2;
const COOKIE: u32 = 3;
const TRANSPORT: u32 = 4;
const INITIATION_BYTES: usize = 148;
const RESPONSE_BYTES: usize = 92;
const COOKIE_BYTES: usize = 64;

/// Type 1 with three zeros, exact size, and the second code empty, as it is unless a server is under load.
pub(super) fn wireguard_initiation(datagram: &Datagram<'_>) -> Option<Verdict> {
    let second_code = datagram
        .bytes
        .get(INITIATION_BYTES - 16..INITIATION_BYTES)?;
    (datagram.length == INITIATION_BYTES
        && le32(datagram.bytes, 0) == Some(INITIATION)
        && second_code.iter().all(|&octet| octet == 0))
    .then_some(Verdict::sure(
        Application::Wireguard,
        &[
            "initiation of 148 bytes, reserved bytes zero",
            "second code empty",
        ],
    ))
}

/// An answer that names the initiator's index, or transport packets to one receiver whose counter goes up.
pub(super) fn wireguard(datagram: &Datagram<'_>, state: &mut UdpState) -> Option<Verdict> {
    /// Consistent transport packets of one side that make a verdict.
    const NEEDED: u8 = 3;
    const MAX_STEP: u32 = 64;
    let kind = le32(datagram.bytes, 0)?;
    let fits = match kind {
        INITIATION => datagram.length == INITIATION_BYTES,
        RESPONSE => datagram.length == RESPONSE_BYTES,
        COOKIE => datagram.length == COOKIE_BYTES,
        TRANSPORT => datagram.length >= 32 && datagram.length.is_multiple_of(16),
        _ => false,
    };
    if !fits {
        return None;
    }
    let index = u64::from(le32(datagram.bytes, 4)?);
    let (own, other) = state.tracks(Candidate::Wireguard, datagram.side);
    match kind {
        // The sender's index, in the upper half so that it is not taken for a receiver's.
        INITIATION => own.key = 1 << 32 | index,
        RESPONSE | COOKIE => {
            let receiver = if kind == RESPONSE {
                u64::from(le32(datagram.bytes, 8)?)
            } else {
                index
            };
            return (other.key == 1 << 32 | receiver).then_some(Verdict::sure(
                Application::Wireguard,
                &[
                    "message sizes, reserved bytes zero",
                    "answer names the initiator's index",
                ],
            ));
        }
        _ => {
            let counter = le64(datagram.bytes, 8)?;
            if counter >> 40 != 0 {
                return None;
            }
            let counter = counter as u32;
            let goes_up = own.hits > 0
                && own.key == index
                && (1..=MAX_STEP).contains(&counter.wrapping_sub(own.counter));
            own.hits = if goes_up { own.hits + 1 } else { 1 };
            own.key = index;
            own.counter = counter;
            if own.hits >= NEEDED {
                return Some(Verdict::sure(
                    Application::Wireguard,
                    &[
                        "type 4, reserved bytes zero, whole blocks",
                        "one receiver index, counter goes up",
                    ],
                ));
            }
        }
    }
    None
}

/// RFC 2661, 3.1: a control message whose length fills the datagram and whose first attribute is its type.
pub(super) fn l2tp(datagram: &Datagram<'_>) -> Option<Verdict> {
    let bytes = datagram.bytes;
    let is_control =
        be16(bytes, 0) == Some(0xc802) && be16(bytes, 2).map(usize::from) == Some(datagram.length);
    let names_type = be32(bytes, 12) == Some(0x8008_0000)
        && be16(bytes, 16) == Some(0)
        && matches!(be16(bytes, 18), Some(1..=16));
    let is_empty = datagram.length == 12 && datagram.has_port(1701);
    (is_control && (names_type || is_empty)).then_some(Verdict::sure(
        Application::L2tp,
        &[
            "control header of version 2 with its length",
            "message type attribute, or an acknowledgement on port 1701",
        ],
    ))
}

/// RFC 2637, 2: length, message type, magic cookie.
pub(super) fn pptp(streams: Streams<'_>) -> Option<Verdict> {
    let is_message =
        |bytes: &[u8]| be16(bytes, 2) == Some(1) && be32(bytes, 4) == Some(0x1a2b_3c4d);
    streams
        .both()
        .into_iter()
        .any(is_message)
        .then_some(Verdict::sure(
            Application::Pptp,
            &["control message", "magic cookie"],
        ))
}

/// MS-SSTP, 3.2.4.1: its own HTTP method; usually inside TLS and then not seen.
pub(super) fn sstp(streams: Streams<'_>) -> Option<Verdict> {
    streams
        .client
        .starts_with(b"SSTP_DUPLEX_POST ")
        .then_some(Verdict::sure(
            Application::Sstp,
            &["method SSTP_DUPLEX_POST"],
        ))
}

/// SoftEther's traversal of address translation: a pack of named values with an opcode.
///
/// Its tunnels run inside TLS, or encrypted over UDP, and are not seen.
pub(super) fn softether(datagram: &Datagram<'_>) -> Option<Verdict> {
    const MAX_VALUES: u32 = 32;
    const MAX_NAME_BYTES: u32 = 64;
    let is_pack = matches!(be32(datagram.bytes, 0)?, 1..=MAX_VALUES)
        && matches!(be32(datagram.bytes, 4)?, 2..=MAX_NAME_BYTES);
    let has = |name: &[u8]| contains(datagram.bytes, name);
    (is_pack
        && has(b"\0\x07opcode\0")
        && (has(b"nat_traversal_version")
            || has(b"\0\x0cmachine_key\0")
            || has(b"\0\x09trans_id\0")))
    .then_some(Verdict::sure(
        Application::Softether,
        &[
            "pack of named values",
            "opcode and a value of its address traversal",
        ],
    ))
}
