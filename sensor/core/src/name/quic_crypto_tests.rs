//! The examples of RFC 9001 and RFC 9369, appendices A, and a way to encrypt Initials for other tests.

use super::super::quic_header::next_packet;
use super::*;

pub const CONNECTION_ID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

const CLIENT_FRAME: &str = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868\
    04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578\
    616d706c652e636f6dff01000100000a00080006001d00170018001000070005\
    04616c706e000500050100000000003300260024001d00209370b2c9caa47fba\
    baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400\
    0d0010000e0403050306030203080408050806002d00020101001c0002400100\
    3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000\
    75300901100f088394c8f03e51570806048000ffff";

pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// The frames of the client's Initial in both standards.
pub fn example_frames() -> Vec<u8> {
    let mut frames = hex(CLIENT_FRAME);
    frames.resize(1162, 0);
    frames
}

/// Encrypts an Initial whose `header` ends with a packet number of four bytes.
pub fn seal(keys: &InitialKeys, header: &[u8], frames: &[u8]) -> Vec<u8> {
    let number_offset = header.len() - MAX_NUMBER_BYTES;
    let mut nonce = keys.nonce;
    for (place, byte) in nonce
        .iter_mut()
        .rev()
        .zip(header.iter().rev())
        .take(MAX_NUMBER_BYTES)
    {
        *place ^= byte;
    }
    let mut payload = frames.to_vec();
    let tag = Aes128Gcm::new(&keys.key.into())
        .encrypt_inout_detached(&nonce.into(), header, (&mut payload[..]).into())
        .unwrap();
    let mut packet = [header, &payload, &tag].concat();
    let mask = keys.mask(&packet, number_offset).unwrap();
    packet[0] ^= mask[0] & 0x0f;
    for (place, mask) in packet[number_offset..].iter_mut().zip(&mask[1..]) {
        *place ^= mask;
    }
    packet
}

/// An Initial of `version` for the connection `destination`, encrypted with the keys of `first_destination`.
pub fn initial(
    version: u32,
    first_destination: &[u8],
    destination: &[u8],
    frames: &[u8],
) -> Vec<u8> {
    let first_byte = if version == VERSION_2 { 0xd3 } else { 0xc3 };
    initial_with(
        first_byte,
        &[],
        version,
        first_destination,
        destination,
        frames,
    )
}

/// The same with a first byte and a token of the test's own.
pub fn initial_with(
    first_byte: u8,
    token: &[u8],
    version: u32,
    first_destination: &[u8],
    destination: &[u8],
    frames: &[u8],
) -> Vec<u8> {
    let mut header = vec![first_byte];
    header.extend(version.to_be_bytes());
    header.push(destination.len() as u8);
    header.extend(destination);
    header.extend([0, token.len() as u8]);
    header.extend(token);
    let length = MAX_NUMBER_BYTES + frames.len() + TAG_BYTES;
    header.extend((0x4000 | length as u16).to_be_bytes());
    header.extend([0, 0, 0, 2]);
    let keys = InitialKeys::of_client(&schemes(version)[0], first_destination);
    seal(&keys, &header, frames)
}

fn keys(key: &str, nonce: &str, header: &str) -> InitialKeys {
    InitialKeys {
        key: hex(key).try_into().unwrap(),
        nonce: hex(nonce).try_into().unwrap(),
        header: hex(header).try_into().unwrap(),
    }
}

#[test]
fn keys_of_version_1() {
    assert_eq!(
        InitialKeys::of_client(&FIRST, &CONNECTION_ID),
        keys(
            "1f369613dd76d5467730efcbe3b1a22d",
            "fa044b2f42a3fd3b46fb255c",
            "9f50449e04a0e810283a1e9933adedd2"
        )
    );
    assert_eq!(
        InitialKeys::derive(&FIRST, &CONNECTION_ID, b"server in"),
        keys(
            "cf3a5331653c364c88f0f379b6067e37",
            "0ac1493ca1905853b0bba03e",
            "c206b8d9b9f0f37644430b490eeaa314"
        )
    );
}

#[test]
fn keys_of_version_2() {
    assert_eq!(
        InitialKeys::of_client(&SECOND, &CONNECTION_ID),
        keys(
            "8b1a0bc121284290a29e0971b5cd045d",
            "91f73e2351d8fa91660e909f",
            "45b95e15235d6f45a6b19cbcb0294ba9"
        )
    );
    assert_eq!(
        InitialKeys::derive(&SECOND, &CONNECTION_ID, b"server in"),
        keys(
            "82db637861d55e1d011f19ea71d5d2a7",
            "dd13c276499c0249d3310652",
            "edf6d05c83121201b436e16877593c3a"
        )
    );
}

/// The packets begin and, where given, end as the standards print them; the end is the authentication tag over all.
#[test]
fn client_initials_of_the_standards() {
    for (version, start, end) in [
        (
            VERSION_1,
            "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936b47d92ec356c",
            "e221af44860018ab0856972e194cd934",
        ),
        (
            VERSION_2,
            "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071bf03dceebfa162e75d6c",
            "",
        ),
    ] {
        let datagram = initial(version, &CONNECTION_ID, &CONNECTION_ID, &example_frames());
        assert_eq!(datagram.len(), 1200);
        assert!(datagram.starts_with(&hex(start)), "{version:x}");
        assert!(datagram.ends_with(&hex(end)), "{version:x}");

        let (packet, rest) = next_packet(&datagram).unwrap();
        assert!(rest.is_empty());
        let keys = InitialKeys::of_client(&schemes(version)[0], packet.destination);
        let mut buffer = [0; MAX_INITIAL_BYTES];
        let place = keys.open(&packet, &mut buffer).unwrap();
        assert_eq!(buffer[place], example_frames());
    }
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    let whole = initial(
        VERSION_1,
        &CONNECTION_ID,
        &CONNECTION_ID,
        &example_frames()[..300],
    );
    let keys = InitialKeys::of_client(&FIRST, &CONNECTION_ID);
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        if let Some((packet, _)) = next_packet(&changed) {
            assert_eq!(
                keys.open(&packet, &mut [0; MAX_INITIAL_BYTES]),
                None,
                "{place}"
            );
        }
    }
}

#[test]
fn short_and_overlong_packets_are_refused() {
    let keys = InitialKeys::of_client(&FIRST, &CONNECTION_ID);
    for frames in [0, 1, 2, 3, MAX_INITIAL_BYTES] {
        let datagram = initial(
            VERSION_1,
            &CONNECTION_ID,
            &CONNECTION_ID,
            &vec![0; frames.max(4)],
        );
        let cut = datagram.len() - 4usize.saturating_sub(frames);
        let mut datagram = datagram[..cut].to_vec();
        let length = (0x4000 | (cut - 18) as u16).to_be_bytes();
        datagram[16..18].copy_from_slice(&length);
        let (packet, _) = next_packet(&datagram).unwrap();
        assert_eq!(keys.open(&packet, &mut [0; MAX_INITIAL_BYTES]), None);
    }
}
