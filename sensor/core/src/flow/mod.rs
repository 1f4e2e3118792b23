//! Flows: a table keyed by the inner 5-tuple, one shard a worker; records when they end or age.

mod clock;
mod duplicate;
mod entry;
mod eviction;
mod expiry;
mod fragment;
mod head;
mod key;
mod observer;
mod packet;
mod pages;
mod shard;
mod slots;
mod table;

pub use clock::StreamClock;
pub use entry::{EndReason, Flow, Initiator};
pub use fragment::FragmentLimits;
pub use head::{Head, MAX_HEAD_BYTES, Pushed};
pub use key::{FlowKey, HashKeys};
pub use observer::{Mark, Observer};
pub use packet::Packet;
pub use shard::{Shard, ShardCounters};

/// How flows age and how many there may be. Times are packet times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowLimits {
    /// A flow silent for longer has ended.
    pub idle_ns: i64,
    /// A record covers at most this; then the flow goes on in another.
    pub active_ns: i64,
    /// A closed TCP flow takes stragglers for so long.
    pub close_ns: i64,
    /// Most flows a shard holds; the longest idle are evicted beyond.
    pub max_flows: usize,
    /// Packets with the same bytes within this time are duplicates.
    pub duplicate_ns: i64,
    /// Whether duplicates are left out of the flows.
    pub drop_duplicates: bool,
    /// Whether a record that covers `active_ns` is written without waiting for the packet that would cut it:
    /// live, so that a crash loses no more.
    pub cut_silent: bool,
    /// How many fragments are remembered.
    pub fragments: FragmentLimits,
}

impl Default for FlowLimits {
    fn default() -> Self {
        const SECOND: i64 = 1_000_000_000;
        Self {
            idle_ns: 120 * SECOND,
            active_ns: 300 * SECOND,
            close_ns: 5 * SECOND,
            max_flows: 4_000_000,
            duplicate_ns: SECOND / 100,
            drop_duplicates: false,
            cut_silent: false,
            fragments: FragmentLimits::MOST,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
