//! Counters that advance with the packets, not with the records: what metrics are made of.
//!
//! A flow carries a *label*: a number for its block, country and service together. Each packet is added to
//! its label's cell, one cache line; sums by block, service or country are made when somebody asks. Names
//! from the wire never become labels: blocks and services come from the rules, the rest from closed sets.

mod labels;
mod names;
mod rcode;
mod sums;
mod tallies;
mod counting;
mod tallying;
mod top;

use std::sync::Arc;

use crate::classify::Catalogue;

pub use labels::{Country, MAX_LABELS};
pub use names::{MAX_BLOCKS, MAX_SERVICES, OTHER_BLOCK};
pub use rcode::Rcode;
pub use tallies::{BlockTally, ServiceTally, Tallies, TopFlow};
pub use tallying::Tallying;
pub use top::{LISTED_NS, MAX_CANDIDATES, MAX_MEMBERS};

/// What is counted for metrics, and what blocks and services are called.
#[derive(Clone, Debug, Default)]
pub struct TallySettings {
    /// Names of the blocks by their index.
    pub blocks: Arc<[String]>,
    /// Services by the names of hosts.
    pub catalogue: Arc<Catalogue>,
    /// Whether bytes are counted by the country that the outside address is registered in.
    pub countries: bool,
    /// How many of the heaviest flows are told; 0 turns it off.
    pub top_flows: usize,
}

#[cfg(test)]
mod tests;
