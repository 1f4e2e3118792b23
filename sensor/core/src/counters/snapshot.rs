//! What workers have counted so far, for metrics: taken while they run, summed over them.

use std::collections::BTreeMap;

use super::Counts;
use crate::tally::Tallies;

/// Everything counted up to a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// What became of frames, by capture interface.
    pub interfaces: BTreeMap<u16, Counts>,
    /// Flows alive.
    pub active_flows: u64,
    /// Traffic by block, service, country and application.
    pub tallies: Tallies,
}

impl Snapshot {
    /// Adds what another worker has counted.
    pub fn add(&mut self, other: Self) {
        for (interface, counts) in &other.interfaces {
            self.interfaces.entry(*interface).or_default().add(counts);
        }
        self.active_flows += other.active_flows;
        self.tallies.add(other.tallies);
    }

    /// The counts of all interfaces.
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for counts in self.interfaces.values() {
            sum.add(counts);
        }
        sum
    }
}
