//! Bitcoin and Monero between nodes.

use super::bytes::{le32, le64};
use super::{Application, Streams, Verdict};

/// First bytes of a message: mainnet, testnet 3, testnet 4, signet, regtest.
const BITCOIN_MAGICS: [[u8; 4]; 5] = [
    [0xf9, 0xbe, 0xb4, 0xd9],
    [0x0b, 0x11, 0x09, 0x07],
    [0x1c, 0x16, 0x3f, 0x28],
    [0x0a, 0x03, 0xcf, 0x40],
    [0xfa, 0xbf, 0xb5, 0xda],
];
const BITCOIN_COMMANDS: [&[u8]; 34] = [
    b"version",
    b"verack",
    b"addr",
    b"addrv2",
    b"sendaddrv2",
    b"inv",
    b"getdata",
    b"notfound",
    b"getblocks",
    b"getheaders",
    b"headers",
    b"sendheaders",
    b"tx",
    b"block",
    b"mempool",
    b"ping",
    b"pong",
    b"reject",
    b"filterload",
    b"filteradd",
    b"filterclear",
    b"merkleblock",
    b"feefilter",
    b"sendcmpct",
    b"cmpctblock",
    b"getblocktxn",
    b"blocktxn",
    b"getaddr",
    b"alert",
    b"wtxidrelay",
    b"getcfilters",
    b"getcfheaders",
    b"getcfcheckpt",
    b"sendtxrcncl",
];
const BITCOIN_MAX_BYTES: u32 = 32 << 20;

/// Network magic, known command filled up with zeros, length.
///
/// The encrypted transport (BIP 324) is random from its first byte and is not recognised.
pub(super) fn bitcoin(streams: Streams<'_>) -> Option<Verdict> {
    let is_message = |bytes: &[u8]| {
        let Some((magic, rest)) = bytes.split_first_chunk::<4>() else {
            return false;
        };
        let Some((command, _)) = rest.split_first_chunk::<12>() else {
            return false;
        };
        let end = command
            .iter()
            .position(|&octet| octet == 0)
            .unwrap_or(command.len());
        let (name, filler) = command.split_at(end);
        BITCOIN_MAGICS.contains(magic)
            && BITCOIN_COMMANDS.contains(&name)
            && filler.iter().all(|&octet| octet == 0)
            && le32(bytes, 16).is_some_and(|length| length <= BITCOIN_MAX_BYTES)
    };
    streams
        .both()
        .into_iter()
        .any(is_message)
        .then_some(Verdict::sure(
            Application::Bitcoin,
            &["network magic", "known command"],
        ))
}

/// Levin header: signature, length, flags, and a command of Monero's.
pub(super) fn monero(streams: Streams<'_>) -> Option<Verdict> {
    const SIGNATURE: u64 = 0x0101_0101_0101_2101;
    const MAX_BYTES: u64 = 100_000_000;
    let is_message = |bytes: &[u8]| {
        le64(bytes, 0) == Some(SIGNATURE)
            && le64(bytes, 8).is_some_and(|length| length <= MAX_BYTES)
            && matches!(bytes.get(16), Some(0 | 1))
            && matches!(le32(bytes, 17), Some(1001..=1007 | 2001..=2010))
    };
    streams
        .both()
        .into_iter()
        .any(is_message)
        .then_some(Verdict::sure(
            Application::Monero,
            &["Levin signature", "known command"],
        ))
}
