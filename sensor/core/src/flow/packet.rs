//! What the flow stage needs of a packet.

use super::key::{FlowKey, HashKeys, fold};
use crate::decode::{Fragment, Level};
use crate::source::{Bytes, Record};
use crate::watch::BlockRef;

/// One matched packet on its way from decoding to its flow.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// The flow it belongs to.
    pub key: FlowKey,
    /// The key's hash.
    pub hash: u64,
    /// Packet time, nanoseconds since 1970 UTC.
    pub time_ns: i64,
    /// The stream's clock when it was read.
    pub clock_ns: u64,
    /// Hash of the packet's bytes, for duplicates.
    pub fingerprint: u64,
    /// Length of the IP packet.
    pub ip_bytes: u32,
    /// Length of the transport payload.
    pub payload_bytes: u32,
    /// Block of the key's lower address.
    pub low_block: BlockRef,
    /// Block of the key's higher address.
    pub high_block: BlockRef,
    /// IP identification of a fragment.
    pub fragment_id: u32,
    /// Sequence number of TCP.
    pub tcp_sequence: u32,
    /// Where the transport payload begins in the chunk's bytes, and how much of it was captured.
    pub payload_at: u32,
    /// Captured bytes of it.
    pub payload_captured: u32,
    /// Capture interface.
    pub interface: u16,
    /// Type and code of ICMP, as in the packet.
    pub icmp: [u8; 2],
    /// Flags of TCP.
    pub tcp_flags: u8,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Whether it is a fragment.
    pub fragment: Fragment,
    /// Whether it goes from the key's lower end to the higher.
    pub forward: bool,
}

impl Packet {
    /// The packet of a decoded level. `blocks` are those of its source and destination.
    #[inline]
    pub fn new(
        record: &Record,
        level: &Level,
        blocks: (BlockRef, BlockRef),
        clock_ns: u64,
        keys: &HashKeys,
    ) -> Self {
        let (key, forward) = FlowKey::new(level);
        let (low_block, high_block) = if forward {
            blocks
        } else {
            (blocks.1, blocks.0)
        };
        Self {
            hash: key.hash(keys),
            key,
            time_ns: record.time_ns,
            clock_ns,
            fingerprint: 0,
            ip_bytes: level.ip_bytes,
            payload_bytes: level.payload_bytes,
            low_block,
            high_block,
            fragment_id: level.fragment_id,
            tcp_sequence: level.tcp_sequence,
            payload_at: record.offset + level.payload,
            payload_captured: 0,
            interface: record.interface,
            icmp: [level.source_port as u8, level.destination_port as u8],
            tcp_flags: level.tcp_flags,
            ttl: level.ttl,
            fragment: level.fragment,
            forward,
        }
    }

    /// The watched address that decides which worker counts the packet; the lower of two.
    #[inline]
    pub fn placement(&self) -> u128 {
        if self.low_block.is_none() {
            self.key.high()
        } else {
            self.key.low()
        }
    }

    /// The captured payload, in the bytes of the chunk that the packet came with.
    #[inline]
    pub fn payload<'a>(&self, bytes: Bytes<'a>) -> &'a [u8] {
        bytes.get(self.payload_at, self.payload_captured)
    }

    /// Hashes the captured bytes of the IP packet: all of a short one, else its first 96 and last 32 bytes,
    /// where headers, checksums and sequence numbers stand.
    #[inline]
    pub fn set_fingerprint(&mut self, bytes: &[u8]) {
        const HEAD: usize = 96;
        const TAIL: usize = 32;
        let (head, tail) = match bytes.split_at_checked(HEAD) {
            Some((head, rest)) => (head, &rest[rest.len().saturating_sub(TAIL)..]),
            None => (bytes, &[][..]),
        };
        self.fingerprint = hash_bytes(tail, hash_bytes(head, bytes.len() as u64));
    }
}

#[inline]
fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    let seed = seed ^ 0x9e37_79b9_7f4a_7c15;
    let (pairs, rest) = bytes.as_chunks::<16>();
    let state = pairs.iter().fold(seed, hash_pair);
    if rest.is_empty() {
        return state;
    }
    // What is left, with bytes in front of it or zeros behind it; the seed tells lengths apart.
    let last = bytes.last_chunk::<16>().copied().unwrap_or_else(|| {
        let mut padded = [0; 16];
        padded[..rest.len()].copy_from_slice(rest);
        padded
    });
    hash_pair(state, &last)
}

/// Goes on with two words.
#[inline]
fn hash_pair(state: u64, pair: &[u8; 16]) -> u64 {
    let (words, _) = pair.as_chunks::<8>();
    let [a, b] = [words[0], words[1]].map(u64::from_le_bytes);
    fold(a ^ state, b ^ 0xd6e8_feb8_6659_fd93)
}
