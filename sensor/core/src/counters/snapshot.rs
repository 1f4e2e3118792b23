//! What a worker has counted so far, at one moment.

use super::Counts;

/// Counts since the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// By the number of the interface.
    pub interfaces: Vec<Counts>,
    /// Flows alive.
    pub active_flows: u64,
}

impl Snapshot {
    /// Adds what another worker counted.
    pub fn add(&mut self, other: &Self) {
        if self.interfaces.len() < other.interfaces.len() {
            self.interfaces
                .resize(other.interfaces.len(), Counts::default());
        }
        for (sum, counts) in self.interfaces.iter_mut().zip(&other.interfaces) {
            sum.add(counts);
        }
        self.active_flows += other.active_flows;
    }
}
