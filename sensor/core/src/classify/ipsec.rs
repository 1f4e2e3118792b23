//! IKE, and ESP in UDP.

use super::bytes::{be32, be64};
use super::tracked::{Candidate, UdpState};
use super::{Application, Datagram, Verdict};

const IKE_HEADER_BYTES: usize = 28;
const NAT_PORT: u16 = 4500;

/// RFC 7296, 3.1 and RFC 2408, 3.1; behind four zeros where it shares a port with ESP (RFC 3948).
pub(super) fn ike(datagram: &Datagram<'_>) -> Option<Verdict> {
    let marker = if be32(datagram.bytes, 0) == Some(0) {
        4
    } else {
        0
    };
    is_ike(
        datagram.bytes.get(marker..)?,
        datagram.length.checked_sub(marker)?,
    )
}

fn is_ike(bytes: &[u8], length: usize) -> Option<Verdict> {
    let header = bytes.first_chunk::<IKE_HEADER_BYTES>()?;
    let (initiator, responder) = (be64(header, 0)?, be64(header, 8)?);
    let [next, version, exchange, flags] = [header[16], header[17], header[18], header[19]];
    let message = be32(header, 20)?;
    if initiator == 0 || be32(header, 24)? as usize != length {
        return None;
    }
    match (version, exchange) {
        // Main, aggressive, informational, transaction, quick mode; encryption, commit and authentication bits.
        (0x10, 2 | 4 | 5 | 6 | 32) if flags & 0xf8 == 0 && next <= 20 => Some(Verdict::sure(
            Application::Ikev1,
            &[
                "version 1.0 and an exchange of it",
                "length fills the datagram",
            ],
        )),
        // The first exchange has message 0; others come with both indices.
        (0x20, 34..=44) if flags & 0xc7 == 0 && matches!(next, 0 | 33..=54) => {
            let fits = if exchange == 34 {
                message <= 1
            } else {
                responder != 0
            };
            fits.then_some(Verdict::sure(
                Application::Ikev2,
                &[
                    "version 2.0 and an exchange of it",
                    "length fills the datagram",
                ],
            ))
        }
        _ => None,
    }
}

/// RFC 4303: an IP protocol of its own, whose header has an index and a number that begins with 1. The
/// protocol is specific, so indices that are only reserved are let through: some set theirs by hand.
pub(super) fn esp(payload: &[u8]) -> Option<Verdict> {
    let (index, number) = (be32(payload, 0)?, be32(payload, 4)?);
    (index != 0 && number != 0).then_some(Verdict::sure(
        Application::Esp,
        &["IP protocol 50", "an index and a number"],
    ))
}

/// RFC 3948: on its port, one index with a number that goes up.
pub(super) fn esp_in_udp(datagram: &Datagram<'_>, state: &mut UdpState) -> Option<Verdict> {
    /// Consistent packets of one side that make a verdict.
    const NEEDED: u8 = 3;
    const MAX_STEP: u32 = 64;
    /// Indices below are reserved (RFC 4303, 2.1).
    const LEAST_INDEX: u32 = 256;
    if !datagram.has_port(NAT_PORT) || datagram.length < 24 || !datagram.length.is_multiple_of(4) {
        return None;
    }
    let (index, number) = (be32(datagram.bytes, 0)?, be32(datagram.bytes, 4)?);
    if index < LEAST_INDEX || number == 0 {
        return None;
    }
    let (own, _) = state.tracks(Candidate::Esp, datagram.side);
    let goes_up = own.hits > 0
        && own.key == u64::from(index)
        && (1..=MAX_STEP).contains(&number.wrapping_sub(own.counter));
    own.hits = if goes_up { own.hits + 1 } else { 1 };
    own.key = u64::from(index);
    own.counter = number;
    (own.hits >= NEEDED).then_some(Verdict::sure(
        Application::Esp,
        &["port 4500", "one index over three packets, number goes up"],
    ))
}
