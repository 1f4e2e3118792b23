//! Keys of QUIC Initial packets, which follow from the first destination connection ID (RFC 9001, section 5.2).

use std::ops::Range;

use aes::Aes128;
use aes::cipher::BlockCipherEncrypt;
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;

use super::quic_header::{GOOGLE_Q050, GOOGLE_T050, GOOGLE_T051, LongPacket, VERSION_1, VERSION_2};

/// Longest Initial packet that is decrypted; clients stay below the size of an Ethernet frame.
pub const MAX_INITIAL_BYTES: usize = 4096;

const KEY_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const SAMPLE_BYTES: usize = 16;
const MAX_NUMBER_BYTES: usize = 4;

/// How a version makes its Initial keys.
#[derive(Debug, PartialEq, Eq)]
pub struct Scheme {
    salt: [u8; 20],
    labels: &'static Labels,
}

#[derive(Debug, PartialEq, Eq)]
struct Labels {
    key: &'static [u8],
    nonce: &'static [u8],
    header: &'static [u8],
}

const LABELS_1: Labels = Labels {
    key: b"quic key",
    nonce: b"quic iv",
    header: b"quic hp",
};
const LABELS_2: Labels = Labels {
    key: b"quicv2 key",
    nonce: b"quicv2 iv",
    header: b"quicv2 hp",
};

const fn scheme(salt: [u8; 20]) -> Scheme {
    Scheme {
        salt,
        labels: &LABELS_1,
    }
}

/// Drafts 23 to 28.
const DRAFT_23: Scheme = scheme([
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65,
    0xbe, 0xf9, 0xf5, 0x02,
]);
/// Drafts 29 to 32.
const DRAFT_29: Scheme = scheme([
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0,
    0x43, 0x90, 0xa8, 0x99,
]);
/// Version 1 and the drafts 33 and 34 before it.
const FIRST: Scheme = scheme([
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
    0xcc, 0xbb, 0x7f, 0x0a,
]);
/// Version 2.
const SECOND: Scheme = Scheme {
    salt: [
        0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d,
        0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
    ],
    labels: &LABELS_2,
};
const Q050: Scheme = scheme([
    0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0,
    0xd3, 0xb5, 0x6b, 0x45,
]);
const T050: Scheme = scheme([
    0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c,
    0x60, 0x48, 0x83, 0x10,
]);
const T051: Scheme = scheme([
    0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc,
    0xda, 0x6e, 0x03, 0x3d,
]);

/// The schemes a version may use, likeliest first. Facebook's own versions do not say which of the drafts they follow.
pub fn schemes(version: u32) -> &'static [Scheme] {
    match version {
        VERSION_1 | 0xff00_0021..=0xff00_0022 => &[FIRST],
        VERSION_2 => &[SECOND],
        0xff00_001d..=0xff00_0020 => &[DRAFT_29],
        0xff00_0017..=0xff00_001c => &[DRAFT_23],
        0xface_b000..=0xface_b0ff => &[DRAFT_23, DRAFT_29, FIRST],
        GOOGLE_Q050 => &[Q050],
        GOOGLE_T050 => &[T050],
        GOOGLE_T051 => &[T051],
        _ => &[],
    }
}

/// Keys of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InitialKeys {
    key: [u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
    header: [u8; KEY_BYTES],
}

impl InitialKeys {
    /// The client's keys of the connection that began with the connection ID `destination`.
    pub fn of_client(scheme: &Scheme, destination: &[u8]) -> Self {
        Self::derive(scheme, destination, b"client in")
    }

    fn derive(scheme: &Scheme, destination: &[u8], side: &[u8]) -> Self {
        let (_, initial) = Hkdf::<Sha256>::extract(Some(&scheme.salt), destination);
        let secret: [u8; 32] = expand_label(&initial, side);
        // A secret of 32 bytes is never too short.
        let Ok(secret) = Hkdf::<Sha256>::from_prk(&secret) else {
            return Self::default();
        };
        Self {
            key: expand_label(&secret, scheme.labels.key),
            nonce: expand_label(&secret, scheme.labels.nonce),
            header: expand_label(&secret, scheme.labels.header),
        }
    }

    /// Decrypts `packet` into `buffer`, when it was encrypted with these keys: where its frames lie.
    pub fn open(
        &self,
        packet: &LongPacket,
        buffer: &mut [u8; MAX_INITIAL_BYTES],
    ) -> Option<Range<usize>> {
        let bytes = buffer.get_mut(..packet.bytes.len())?;
        bytes.copy_from_slice(packet.bytes);
        let number = self.unprotect(bytes, packet.number_offset)?;
        let start = packet.number_offset + number.length;
        let (header, rest) = bytes.split_at_mut_checked(start)?;
        let (payload, tag) = rest.split_at_mut_checked(rest.len().checked_sub(TAG_BYTES)?)?;
        let tag: &[u8; TAG_BYTES] = (&*tag).try_into().ok()?;
        let mut nonce = self.nonce;
        for (place, byte) in nonce.iter_mut().rev().zip(number.value.to_le_bytes()) {
            *place ^= byte;
        }
        Aes128Gcm::new(&self.key.into())
            .decrypt_inout_detached(&nonce.into(), header, (&mut *payload).into(), tag.into())
            .ok()?;
        Some(start..start + payload.len())
    }

    /// Takes the header protection off (RFC 9001, section 5.4) and reads the packet number.
    fn unprotect(&self, bytes: &mut [u8], number_offset: usize) -> Option<PacketNumber> {
        let mask = self.mask(bytes, number_offset)?;
        let first = bytes.first_mut()?;
        *first ^= mask[0] & 0x0f;
        let length = usize::from(*first & 0x03) + 1;
        let mut value = 0;
        for (place, mask) in bytes
            .get_mut(number_offset..)?
            .iter_mut()
            .zip(&mask[1..])
            .take(length)
        {
            *place ^= mask;
            value = value << 8 | u32::from(*place);
        }
        Some(PacketNumber { value, length })
    }

    fn mask(&self, bytes: &[u8], number_offset: usize) -> Option<[u8; 1 + MAX_NUMBER_BYTES]> {
        let sample = bytes.get(number_offset.checked_add(MAX_NUMBER_BYTES)?..)?;
        let mut block = (*sample.first_chunk::<SAMPLE_BYTES>()?).into();
        Aes128::new(&self.header.into()).encrypt_block(&mut block);
        block.first_chunk().copied()
    }
}

struct PacketNumber {
    value: u32,
    length: usize,
}

/// HKDF-Expand-Label of TLS 1.3 with an empty context (RFC 8446, section 7.1).
fn expand_label<const LENGTH: usize>(secret: &Hkdf<Sha256>, label: &[u8]) -> [u8; LENGTH] {
    const PREFIX: &[u8] = b"tls13 ";
    let length = (LENGTH as u16).to_be_bytes();
    let label_length = [(PREFIX.len() + label.len()) as u8];
    let mut output = [0; LENGTH];
    let info: [&[u8]; 5] = [&length, &label_length, PREFIX, label, &[0]];
    // Fails only for an output of more than 255 hashes.
    let _ = secret.expand_multi_info(&info, &mut output);
    output
}

#[cfg(test)]
#[path = "quic_crypto_tests.rs"]
pub(super) mod tests;
