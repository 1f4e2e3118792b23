//! Captures as a stream of chunks: whole packets, in order, borrowed from large reused buffers.

mod chunk;
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
mod ring;
mod ring_block;
mod ring_map;
mod ring_merge;
mod ring_open;
#[cfg(test)]
mod tests;

pub use chunk::{Bytes, Chunk, Record};
pub use compressed::DEFAULT_MAX_RATIO;
pub use feed::{Event, Feed, Filled, Loss};
pub use open::{Progress, Source};
pub use pipe::Interrupt;
pub use report::{InputReport, SourceError};
pub use ring::{RingCounters, RingHandle, Rings};
pub use ring_block::{Origin, Walked, walk_block};
pub use ring_map::duplicate;
pub use ring_open::{Fanout, RingError, RingOptions, Timestamps};

/// Most bytes one packet may have; a longer record is damage, not a packet.
pub const MAX_PACKET_BYTES: usize = 1 << 18;
/// Bytes asked of the file at once; a chunk holds about as many.
pub const CHUNK_BYTES: usize = 1 << 18;
/// Most capture interfaces over all inputs; the number fits `Record::interface`.
pub const MAX_INTERFACES: usize = 1 << 14;
