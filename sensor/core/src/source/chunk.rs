//! A run of packets and the memory that they lie in.

use std::sync::Arc;

use super::ring_map::Lease;

/// Bits of an offset that tell where in a block of a ring it is; the others tell which of the chunk's blocks.
const BLOCK_BITS: u32 = 20;
/// Longest block of a ring that offsets can tell the bytes of.
pub(super) const MAX_BLOCK_BYTES: u32 = 1 << BLOCK_BITS;
/// Most blocks that a chunk refers to.
pub(super) const MAX_CHUNK_BLOCKS: usize = 1 << (u32::BITS - BLOCK_BITS);

/// One packet of a chunk: where its bytes lie and what the capture says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Nanoseconds since 1970 UTC.
    pub time_ns: i64,
    /// First byte of the packet in `Chunk::bytes`.
    pub offset: u32,
    /// Bytes captured, at `offset`.
    pub captured: u32,
    /// Bytes on the wire, at least `captured`.
    pub original: u32,
    /// Link type as in <https://www.tcpdump.org/linktypes.html>.
    pub link: u16,
    /// Index into `Source::interfaces`.
    pub interface: u16,
}

/// A run of packets in capture order, reused from one fill to the next.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Bytes read from files; what lies between and behind the packets in them means nothing.
    pub data: Vec<u8>,
    /// Blocks of rings that the packets lie in instead, in the order in which offsets count them.
    pub(super) leases: Vec<Arc<Lease>>,
    /// Packets in order.
    pub records: Vec<Record>,
}

impl Chunk {
    /// The captured bytes of a record of this chunk.
    #[inline]
    pub fn packet(&self, record: &Record) -> &[u8] {
        self.bytes().get(record.offset, record.captured)
    }

    /// What the offsets of this chunk's packets refer to.
    #[inline]
    pub fn bytes(&self) -> Bytes<'_> {
        if self.leases.is_empty() {
            Bytes::Read(&self.data)
        } else {
            Bytes::Leased(Blocks(&self.leases))
        }
    }

    /// Lets go of the packets and of the capture memory that they lie in. Call it as soon as they are done
    /// with: a ring has no room for others as long.
    pub fn release(&mut self) {
        self.records.clear();
        self.leases.clear();
    }
}

/// The memory that the packets of a chunk lie in, wherever that is.
#[derive(Clone, Copy, Debug)]
pub enum Bytes<'a> {
    /// One run of bytes, as read from a file.
    Read(&'a [u8]),
    /// Blocks of rings.
    Leased(Blocks<'a>),
}

/// The blocks of rings that a chunk refers to.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a>(&'a [Arc<Lease>]);

impl<'a> Blocks<'a> {
    /// Not inlined, so that files do not pay for it.
    #[inline(never)]
    fn get(self, offset: u32, length: u32) -> &'a [u8] {
        let from = (offset & (MAX_BLOCK_BYTES - 1)) as usize;
        let lease = self.0.get((offset >> BLOCK_BITS) as usize);
        lease
            .and_then(|lease| lease.bytes().get(from..from + length as usize))
            .unwrap_or(&[])
    }
}

/// Where a block's bytes begin among the offsets of a chunk.
pub(super) fn block_offset(number: usize) -> u32 {
    (number as u32) << BLOCK_BITS
}

impl<'a> Bytes<'a> {
    /// So many bytes from an offset on; none unless all of them are there.
    #[inline]
    pub fn get(self, offset: u32, length: u32) -> &'a [u8] {
        let from = offset as usize;
        match self {
            Self::Read(bytes) => bytes.get(from..from + length as usize).unwrap_or(&[]),
            Self::Leased(blocks) => blocks.get(offset, length),
        }
    }
}

impl Default for Bytes<'_> {
    fn default() -> Self {
        Self::Read(&[])
    }
}

impl<'a> From<&'a [u8]> for Bytes<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self::Read(bytes)
    }
}
