//! OpenVPN: the resets that open a session, plain, under tls-auth and under tls-crypt.
//!
//! A packet is an octet of opcode and key number, eight of session, and then
//! plain: acknowledgements, packet number; tls-auth: HMAC, replay number, time, then as plain;
//! tls-crypt: replay number, time, HMAC, then encrypted. The first reset has key 0, no
//! acknowledgement, packet number 0, and replay number 1.

use super::bytes::{be16, be32, be64};
use super::tracked::{Candidate, UdpState};
use super::{Application, Datagram, Side, Streams, Verdict};

const CLIENT_RESET_V1: u8 = 1 << 3;
const SERVER_RESET_V1: u8 = 2 << 3;
const CONTROL: u8 = 4 << 3;
const ACKNOWLEDGE: u8 = 5 << 3;
const CLIENT_RESET_V2: u8 = 7 << 3;
const SERVER_RESET_V2: u8 = 8 << 3;
const CLIENT_RESET_V3: u8 = 10 << 3;

/// Opcode, session, no acknowledgement, packet number.
const PLAIN_BYTES: usize = 14;
/// One acknowledged packet number and the session it belongs to.
const ACKNOWLEDGED_BYTES: usize = 12;
/// Replay number and time.
const REPLAY_BYTES: usize = 8;
/// HMAC sizes of tls-auth in use: MD5, SHA-1, SHA-256, SHA-384, SHA-512.
const HMAC_BYTES: [usize; 5] = [16, 20, 32, 48, 64];
const CRYPT_BYTES: usize = 1 + 8 + REPLAY_BYTES + 32 + 5;
const MAX_RESET_BYTES: usize = 1400;
/// Times taken for plausible, seconds: 2001 to 2039.
const TIMES: std::ops::Range<u32> = 1_000_000_000..2_200_000_000;

/// A first reset of either side, known by its form alone.
pub(super) fn udp(datagram: &Datagram<'_>) -> Option<Verdict> {
    is_first_reset(datagram.bytes, datagram.length).then_some(FIRST_RESET)
}

/// The same behind the length that TCP needs.
pub(super) fn tcp(streams: Streams<'_>) -> Option<Verdict> {
    let begins = |bytes: &[u8]| {
        let length = usize::from(be16(bytes, 0).unwrap_or(0));
        bytes
            .get(2..2 + length)
            .is_some_and(|packet| is_first_reset(packet, length))
    };
    streams
        .both()
        .into_iter()
        .any(begins)
        .then_some(FIRST_RESET)
}

const FIRST_RESET: Verdict = Verdict::sure(
    Application::Openvpn,
    &[
        "hard reset with key 0",
        "packet or replay number of a first packet",
    ],
);

/// A session whose first reset has another form: the server's reset repeats the client's session, or the client
/// goes on with its own after a reset of the server.
pub(super) fn session(datagram: &Datagram<'_>, state: &mut UdpState) -> Option<Verdict> {
    let opcode = *datagram.bytes.first()?;
    let session = be64(datagram.bytes, 1)?;
    match (datagram.side, opcode) {
        (Side::Client, CLIENT_RESET_V2 | CLIENT_RESET_V3 | CLIENT_RESET_V1) => {
            if session != 0 && (PLAIN_BYTES..=MAX_RESET_BYTES).contains(&datagram.length) {
                state.tracks(Candidate::Openvpn, Side::Client).0.key = session;
            }
            None
        }
        (Side::Server, SERVER_RESET_V2 | SERVER_RESET_V1) if state.holds(Candidate::Openvpn) => {
            let (own, client) = state.tracks(Candidate::Openvpn, Side::Server);
            own.hits = 1;
            let repeats = datagram
                .bytes
                .get(9..)?
                .windows(8)
                .any(|part| part == client.key.to_be_bytes());
            repeats.then_some(Verdict::sure(
                Application::Openvpn,
                &[
                    "resets of client and server",
                    "the server repeats the client's session",
                ],
            ))
        }
        (Side::Client, CONTROL | ACKNOWLEDGE) if state.holds(Candidate::Openvpn) => {
            let (client, server) = state.tracks(Candidate::Openvpn, Side::Client);
            (server.hits > 0 && client.key == session).then_some(Verdict::sure(
                Application::Openvpn,
                &[
                    "resets of client and server",
                    "the client goes on with its session",
                ],
            ))
        }
        _ => None,
    }
}

fn is_first_reset(packet: &[u8], length: usize) -> bool {
    let Some(&opcode) = packet.first() else {
        return false;
    };
    // What stands behind the session when nothing is encrypted: acknowledgements, then packet number 0.
    let (plain_bytes, is_answer) = match opcode {
        CLIENT_RESET_V2 => (PLAIN_BYTES, false),
        SERVER_RESET_V2 => (PLAIN_BYTES + ACKNOWLEDGED_BYTES, true),
        CLIENT_RESET_V3 => (usize::MAX, false),
        _ => return false,
    };
    if be64(packet, 1).is_none_or(|session| session == 0) {
        return false;
    }
    let ends_plain = packet.len() == length && packet.ends_with(&[0; 4]) && {
        let acknowledgements = packet
            .get(length.wrapping_sub(plain_bytes - 9)..)
            .unwrap_or(&[]);
        if is_answer {
            acknowledgements.starts_with(&[1, 0, 0, 0, 0])
        } else {
            acknowledgements.starts_with(&[0])
        }
    };
    if length == plain_bytes {
        return ends_plain;
    }
    let is_replay = |at: usize| {
        be32(packet, at) == Some(1)
            && be32(packet, at + 4).is_some_and(|time| TIMES.contains(&time))
    };
    let authenticated = || {
        let hmac = HMAC_BYTES
            .iter()
            .find(|&&hmac| plain_bytes.saturating_add(REPLAY_BYTES + hmac) == length);
        ends_plain && hmac.is_some_and(|hmac| is_replay(9 + hmac))
    };
    // Version 3 has the client's wrapped key behind the packet, and servers may append options.
    let encrypted = || {
        let fits = if opcode == CLIENT_RESET_V2 {
            length == CRYPT_BYTES
        } else {
            (CRYPT_BYTES..=MAX_RESET_BYTES).contains(&length)
        };
        fits && is_replay(9)
    };
    authenticated() || encrypted()
}
