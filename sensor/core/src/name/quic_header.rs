//! Long headers of QUIC packets: which version, which connection, where each packet of a datagram ends.
//!
//! ```text
//! Long Header Packet {                          RFC 9000, section 17.2
//!   Header Form (1) = 1, Fixed Bit (1), Long Packet Type (2), Type-Specific Bits (4),
//!   Version (32),
//!   Destination Connection ID Length (8), Destination Connection ID (0..160),
//!   Source Connection ID Length (8), Source Connection ID (0..160),
//!   Token Length (i), Token (..),               Initial only
//!   Length (i),                                 not in Retry
//!   Packet Number (8..32), Packet Payload (..),
//! }
//! ```

use super::gquic;
use super::reader::Reader;

/// Longest connection ID of the versions read here.
pub const MAX_CONNECTION_ID_BYTES: usize = 20;

/// QUIC version 1 (RFC 9000).
pub const VERSION_1: u32 = 0x0000_0001;
/// QUIC version 2 (RFC 9369).
pub const VERSION_2: u32 = 0x6b33_43cf;
/// Google's Q050: an Initial in the manner of the drafts around a hello of its own.
pub const GOOGLE_Q050: u32 = 0x5130_3530;
/// Google's T050, with TLS inside.
pub const GOOGLE_T050: u32 = 0x5430_3530;
/// Google's T051, with TLS inside.
pub const GOOGLE_T051: u32 = 0x5430_3531;

/// Smallest datagram that may force a version negotiation.
const MIN_FORCING_DATAGRAM_BYTES: usize = 1200;

const LONG_FORM: u8 = 0x80;
const FIXED_BIT: u8 = 0x40;

/// What a long header packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongKind {
    /// First flight, readable by anyone who saw its beginning.
    Initial,
    /// Data sent before the handshake is over.
    ZeroRtt,
    /// Encrypted rest of the handshake.
    Handshake,
    /// The server wants its token back first.
    Retry,
}

/// One packet of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongPacket<'a> {
    /// What it is for.
    pub kind: LongKind,
    /// Its version.
    pub version: u32,
    /// Connection ID of the receiver.
    pub destination: &'a [u8],
    /// Its bytes from the first to the last.
    pub bytes: &'a [u8],
    /// Where its packet number begins within `bytes`; the end of `bytes` for a Retry.
    pub number_offset: usize,
}

/// What a datagram can be taken for without decrypting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuicKind {
    /// A long header of this known version.
    Version(u32),
    /// A version reserved to force a negotiation, in a datagram large enough for that.
    Reserved(u32),
    /// A list of versions from the server.
    Negotiation,
    /// Google QUIC before Q050, of this version.
    Google(u32),
}

/// Whether and how a datagram looks like the beginning of a QUIC connection, or an answer to one.
pub fn looks_like_quic(datagram: &[u8]) -> Option<QuicKind> {
    if let Some((version, _)) = gquic::header(datagram) {
        return Some(QuicKind::Google(version));
    }
    let mut reader = Reader::new(datagram);
    let first = reader.u8()?;
    if first & LONG_FORM == 0 {
        return None;
    }
    let version = reader.u32()?;
    if version == 0 {
        reader.vector8()?;
        reader.vector8()?;
        let versions = reader.rest();
        return (!versions.is_empty() && versions.len().is_multiple_of(4))
            .then_some(QuicKind::Negotiation);
    }
    if is_reserved(version) {
        let fits = first & FIXED_BIT != 0
            && datagram.len() >= MIN_FORCING_DATAGRAM_BYTES
            && reader.vector8()?.len() <= MAX_CONNECTION_ID_BYTES
            && reader.vector8()?.len() <= MAX_CONNECTION_ID_BYTES;
        return fits.then_some(QuicKind::Reserved(version));
    }
    next_packet(datagram).map(|_| QuicKind::Version(version))
}

/// Whether packets of this version have the long header read here.
pub fn is_known(version: u32) -> bool {
    matches!(
        version,
        VERSION_1
            | VERSION_2
            | 0xff00_0017..=0xff00_0022
            | 0xface_b000..=0xface_b0ff
            | GOOGLE_Q050
            | GOOGLE_T050
            | GOOGLE_T051
    )
}

/// Versions of the form `0x?a?a?a?a` exist to force a negotiation (RFC 9000, section 15).
fn is_reserved(version: u32) -> bool {
    version & 0x0f0f_0f0f == 0x0a0a_0a0a
}

/// The first packet of `datagram`, which must have a long header of a known version, and the bytes after it.
///
/// The fixed bit is not looked at: clients may send either value (RFC 9287).
pub fn next_packet(datagram: &[u8]) -> Option<(LongPacket<'_>, &[u8])> {
    let mut reader = Reader::new(datagram);
    let first = reader.u8()?;
    let version = reader.u32()?;
    if first & LONG_FORM == 0 || !is_known(version) {
        return None;
    }
    let destination = reader.vector8()?;
    let source = reader.vector8()?;
    if destination.len().max(source.len()) > MAX_CONNECTION_ID_BYTES {
        return None;
    }
    let kind = long_kind(first, version);
    if kind == LongKind::Retry {
        let packet = LongPacket {
            kind,
            version,
            destination,
            bytes: datagram,
            number_offset: datagram.len(),
        };
        return Some((packet, &[]));
    }
    if kind == LongKind::Initial {
        let token_length = reader.varint()?;
        reader.take(usize::try_from(token_length).ok()?)?;
    }
    let length = usize::try_from(reader.varint()?).ok()?;
    let number_offset = datagram.len() - reader.rest().len();
    let (bytes, after) = datagram.split_at_checked(number_offset.checked_add(length)?)?;
    Some((
        LongPacket {
            kind,
            version,
            destination,
            bytes,
            number_offset,
        },
        after,
    ))
}

/// Version 2 counts its types from another beginning.
fn long_kind(first: u8, version: u32) -> LongKind {
    let number = (first >> 4) & 3;
    let in_version_1 = if version == VERSION_2 {
        number.wrapping_sub(1) & 3
    } else {
        number
    };
    match in_version_1 {
        0 => LongKind::Initial,
        1 => LongKind::ZeroRtt,
        2 => LongKind::Handshake,
        _ => LongKind::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, version: u32, token: bool, length: u8) -> Vec<u8> {
        let mut bytes = vec![first];
        bytes.extend(version.to_be_bytes());
        bytes.extend([2, 0xd1, 0xd2, 1, 0x51]);
        if token {
            bytes.extend([1, 0x70]);
        }
        bytes.push(length);
        bytes.resize(bytes.len() + usize::from(length), 0);
        bytes
    }

    #[test]
    fn types_of_both_versions() {
        use LongKind::{Handshake, Initial, Retry, ZeroRtt};
        for (version, kinds) in [
            (VERSION_1, [Initial, ZeroRtt, Handshake, Retry]),
            (VERSION_2, [Retry, Initial, ZeroRtt, Handshake]),
        ] {
            for (number, kind) in (0..).zip(kinds) {
                assert_eq!(long_kind(0xc0 | number << 4, version), kind);
            }
        }
    }

    #[test]
    fn coalesced_packets_are_walked() {
        let datagram = [
            packet(0xc0, 1, true, 5),
            packet(0xe0, 1, false, 7),
            vec![0x40, 9],
        ]
        .concat();
        let (initial, rest) = next_packet(&datagram).expect("an initial");
        assert_eq!(
            (initial.kind, initial.destination),
            (LongKind::Initial, &[0xd1, 0xd2][..])
        );
        assert_eq!(initial.bytes.len() - initial.number_offset, 5);
        let (handshake, rest) = next_packet(rest).expect("a handshake packet");
        assert_eq!(handshake.kind, LongKind::Handshake);
        assert_eq!(next_packet(rest), None);
    }

    #[test]
    fn cut_anywhere_there_is_no_packet() {
        let whole = packet(0xc0, VERSION_2, false, 9);
        for length in 0..whole.len() {
            assert_eq!(
                next_packet(&whole[..length]).filter(|(found, _)| found.kind != LongKind::Retry),
                None
            );
        }
    }

    #[test]
    fn what_a_datagram_looks_like() {
        assert_eq!(
            looks_like_quic(&packet(0xc0, 1, true, 5)),
            Some(QuicKind::Version(1))
        );
        assert_eq!(looks_like_quic(&packet(0xc0, 77, true, 5)), None);
        let mut forcing = packet(0xc0, 0x1a2a_3a4a, true, 5);
        assert_eq!(looks_like_quic(&forcing), None);
        forcing.resize(1200, 0);
        assert_eq!(
            looks_like_quic(&forcing),
            Some(QuicKind::Reserved(0x1a2a_3a4a))
        );
        let negotiation = [0xc0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1];
        assert_eq!(looks_like_quic(&negotiation), Some(QuicKind::Negotiation));
        assert_eq!(looks_like_quic(&negotiation[..11]), None);
        assert_eq!(looks_like_quic(&[0x40, 0, 0, 0, 1]), None);
    }
}
