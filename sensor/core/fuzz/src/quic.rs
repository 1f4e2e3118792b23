//! QUIC: datagrams as they come, frames behind encryption that fits, Google's own form, pieces put together.

use aes::Aes128;
use aes::cipher::BlockCipherEncrypt;
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};
use blocktap_core::name::fragments::{Fragments, Inserted, MAX_FRAGMENT_BYTES};
use blocktap_core::name::quic::{QuicState, client_datagram, server_answer};
use blocktap_core::name::quic_header::{looks_like_quic, next_packet};
use blocktap_core::name::{Progress, gquic};

use super::pieces::Pieces;
use super::tls::checked;

/// Keys of version 1 for the connection ID 83 94 c8 f0 3e 51 57 08 (RFC 9001, appendix A.1).
const DESTINATION: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
const KEY: u128 = 0x1f36_9613_dd76_d546_7730_efcb_e3b1_a22d;
const NONCE: u128 = 0xfa04_4b2f_42a3_fd3b_46fb_255c;
const HEADER_KEY: u128 = 0x9f50_449e_04a0_e810_283a_1e99_33ad_edd2;
const TAG_BYTES: usize = 16;
const NUMBER_BYTES: usize = 4;

/// Datagrams of a flow's client.
pub fn datagrams(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let mut state = QuicState::default();
    while !pieces.is_empty() {
        take(&mut state, pieces.piece());
    }
}

/// Frames of a client, encrypted as one Initial for each piece.
pub fn frames(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let mut state = QuicState::default();
    while !pieces.is_empty() {
        take(&mut state, &initial(pieces.piece()));
    }
}

/// A datagram of Google QUIC, and its payload alone.
pub fn google(bytes: &[u8]) {
    if let Some((_, payload)) = gquic::header(bytes) {
        assert!(payload.len() < bytes.len());
        let _ = gquic::hello(payload);
    }
    let _ = gquic::hello(bytes);
}

/// Pieces of one run of bytes in any order, then one that may contradict them.
pub fn fragments(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let places: Vec<_> = (0..pieces.u8())
        .map(|_| (pieces.u16(), pieces.u16()))
        .collect();
    let (wrong_offset, wrong) = (pieces.u64(), pieces.piece());
    let stream = pieces.rest();
    let mut fragments = Fragments::default();
    for (start, length) in places {
        let rest = stream.get(usize::from(start)..).unwrap_or_default();
        let data = &rest[..rest.len().min(usize::from(length))];
        let before = fragments.contiguous().len();
        assert_ne!(fragments.insert(u64::from(start), data), Inserted::Conflict);
        let found = fragments.contiguous();
        assert!(found.len() >= before && stream.starts_with(found));
    }
    fragments.insert(wrong_offset, wrong);
    assert!(fragments.contiguous().len() <= MAX_FRAGMENT_BYTES);
}

fn take(state: &mut QuicState, datagram: &[u8]) {
    if let Progress::Done(found) = client_datagram(state, datagram) {
        checked(found.hello);
    }
    server_answer(datagram);
    looks_like_quic(datagram);
    let mut rest = datagram;
    while let Some((packet, behind)) = next_packet(rest) {
        assert!(behind.len() < rest.len() && packet.bytes.len() <= rest.len());
        rest = behind;
    }
}

/// An Initial of version 1 that opens.
fn initial(frames: &[u8]) -> Vec<u8> {
    let mut header = vec![0xc3, 0, 0, 0, 1, DESTINATION.len() as u8];
    header.extend(DESTINATION);
    header.extend([0, 0]);
    let length = (NUMBER_BYTES + frames.len() + TAG_BYTES).min(0x3fff);
    header.extend((0x4000 | length as u16).to_be_bytes());
    let number_offset = header.len();
    header.extend([0; NUMBER_BYTES]);
    let mut payload = frames.to_vec();
    let [_, _, _, _, nonce @ ..] = NONCE.to_be_bytes();
    let tag = Aes128Gcm::new(&KEY.to_be_bytes().into())
        .encrypt_inout_detached(&nonce.into(), &header, (&mut payload[..]).into())
        .expect("a short payload");
    let mut packet = [&header[..], &payload, &tag].concat();
    let sample = packet[number_offset + NUMBER_BYTES..].first_chunk::<16>();
    let mut mask = (*sample.expect("a tag at least")).into();
    Aes128::new(&HEADER_KEY.to_be_bytes().into()).encrypt_block(&mut mask);
    packet[0] ^= mask[0] & 0x0f;
    for (place, mask) in packet[number_offset..]
        .iter_mut()
        .zip(&mask[1..=NUMBER_BYTES])
    {
        *place ^= mask;
    }
    packet
}
