//! What was counted for metrics, by name: sums that several workers' counters add up to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::labels::Country;
use super::rcode::Rcode;
use crate::classify::{Application, NameSource};

/// A pair of sums, out and in.
pub type OutIn = (u64, u64);

/// Traffic of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockTally {
    /// Packets out and in.
    pub packets: OutIn,
    /// IP bytes out and in.
    pub bytes: OutIn,
}

impl BlockTally {
    pub(super) fn add(&mut self, other: &Self) {
        add(&mut self.packets, other.packets);
        add(&mut self.bytes, other.bytes);
    }
}

/// Traffic of a block with a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceTally {
    /// Flows named.
    pub flows: u64,
    /// IP bytes out and in, of these flows from their beginning.
    pub bytes: OutIn,
}

impl ServiceTally {
    pub(super) fn add(&mut self, other: &Self) {
        self.flows += other.flows;
        add(&mut self.bytes, other.bytes);
    }
}

/// Parallel connections from an inside to an outside end, summed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopFlow {
    /// Block of the inside end.
    pub block: Arc<str>,
    /// Inside address, IPv4 mapped.
    pub inside: u128,
    /// Outside address, IPv4 mapped.
    pub outside: u128,
    /// Port of the outside end; of ICMP the code.
    pub outside_port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// The service, if any.
    pub service: Option<Arc<str>>,
    /// Packets out and in, since the flow is watched as a heavy one.
    pub packets: OutIn,
    /// IP bytes out and in, likewise.
    pub bytes: OutIn,
    /// Whether a connection of it was alive.
    pub alive: bool,
}

/// Sums by block, service, country and application.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tallies {
    /// By block: every block that ever was, also without traffic.
    pub blocks: BTreeMap<Arc<str>, BlockTally>,
    /// By block and service.
    pub services: BTreeMap<(Arc<str>, Arc<str>), ServiceTally>,
    /// Bytes by block and country.
    pub countries: BTreeMap<(Arc<str>, Country), OutIn>,
    /// Flows by block and application.
    pub applications: BTreeMap<(Arc<str>, Application), u64>,
    /// Transactions by block and result.
    pub dns: BTreeMap<(Arc<str>, Rcode), u64>,
    /// Flows that got a name, by the number of its source.
    pub names: [u64; NameSource::ALL.len()],
    /// The heaviest flows alive, and those that were among them not long ago.
    pub flows: Vec<TopFlow>,
    /// Times that a flow had to do without service and country for lack of labels.
    pub labels_refused: u64,
    /// Records whose bytes can no longer be credited to a service, for lack of room.
    pub records_forgotten: u64,
}

pub(super) fn add(sum: &mut OutIn, (out, incoming): OutIn) {
    sum.0 += out;
    sum.1 += incoming;
}

impl Tallies {
    /// Adds another worker's sums.
    pub fn add(&mut self, other: Self) {
        for (block, tally) in other.blocks {
            self.add_block(&block, &tally);
        }
        for ((block, service), tally) in other.services {
            self.add_service(block, service, &tally);
        }
        for ((block, country), bytes) in other.countries {
            self.add_country(block, country, bytes);
        }
        for ((block, application), flows) in other.applications {
            self.add_application(&block, application, flows);
        }
        for ((block, rcode), count) in other.dns {
            self.add_dns(&block, rcode, count);
        }
        for (sum, count) in self.names.iter_mut().zip(other.names) {
            *sum += count;
        }
        // An inside end belongs to one worker, so no flow is in two lists.
        self.flows.extend(other.flows);
        self.labels_refused += other.labels_refused;
        self.records_forgotten += other.records_forgotten;
    }

    pub(super) fn add_application(
        &mut self,
        block: &Arc<str>,
        application: Application,
        flows: u64,
    ) {
        if flows > 0 {
            let key = (block.clone(), application);
            *self.applications.entry(key).or_default() += flows;
        }
    }

    pub(super) fn add_dns(&mut self, block: &Arc<str>, rcode: Rcode, count: u64) {
        if count > 0 {
            *self.dns.entry((block.clone(), rcode)).or_default() += count;
        }
    }

    pub(super) fn add_block(&mut self, block: &Arc<str>, tally: &BlockTally) {
        let sum = self.blocks.entry(block.clone()).or_default();
        sum.add(tally);
    }

    pub(super) fn add_service(&mut self, block: Arc<str>, service: Arc<str>, tally: &ServiceTally) {
        let sum = self.services.entry((block, service)).or_default();
        sum.add(tally);
    }

    pub(super) fn add_country(&mut self, block: Arc<str>, country: Country, bytes: OutIn) {
        add(self.countries.entry((block, country)).or_default(), bytes);
    }
}
