//! Captures as a stream of chunks: whole packets, in order, borrowed from large reused buffers.

mod compressed;
mod feed;
mod input;
mod interfaces;
mod merge;
mod open;
mod path;
mod pcap;
mod pcapng;
mod pcapng_interface;
mod pipe;
mod report;
#[cfg(test)]
mod tests;

pub use feed::{Feed, Filled, Loss};
pub use open::{Progress, Source};
pub use pipe::Interrupt;
pub use report::{InputReport, SourceError};

/// Most bytes one packet may have; a longer record is damage, not a packet.
pub const MAX_PACKET_BYTES: usize = 1 << 18;
/// Bytes asked of the file at once; a chunk holds about as many.
pub const CHUNK_BYTES: usize = 1 << 18;
/// Most capture interfaces over all inputs; the number fits `Record::interface`.
pub const MAX_INTERFACES: usize = 1 << 14;

/// One packet of a chunk: where its bytes lie and what the capture says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Nanoseconds since 1970 UTC.
    pub time_ns: i64,
    /// First byte of the packet in `Chunk::data`.
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
    /// Bytes that the records point into; what lies between and behind them means nothing.
    pub data: Vec<u8>,
    /// Packets in order.
    pub records: Vec<Record>,
}

impl Chunk {
    /// The captured bytes of a record of this chunk.
    #[inline]
    pub fn packet(&self, record: &Record) -> &[u8] {
        let from = record.offset as usize;
        self.data
            .get(from..from + record.captured as usize)
            .unwrap_or(&[])
    }
}
