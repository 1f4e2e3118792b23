//! What was counted for metrics, by name: sums that several workers' counters add up to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::labels::{Cell, Country};
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

/// Traffic of a block with a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceTally {
    /// Flows named.
    pub flows: u64,
    /// IP bytes out and in, of these flows from their beginning.
    pub bytes: OutIn,
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
}

fn add(sum: &mut OutIn, (out, incoming): OutIn) {
    sum.0 += out;
    sum.1 += incoming;
}

impl Tallies {
    /// Adds another worker's sums.
    pub fn add(&mut self, other: Self) {
        for (block, tally) in other.blocks {
            let sum = self.blocks.entry(block).or_default();
            add(&mut sum.packets, tally.packets);
            add(&mut sum.bytes, tally.bytes);
        }
        for (key, tally) in other.services {
            let sum = self.services.entry(key).or_default();
            sum.flows += tally.flows;
            add(&mut sum.bytes, tally.bytes);
        }
        for (key, bytes) in other.countries {
            add(self.countries.entry(key).or_default(), bytes);
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

    pub(super) fn add_cell(
        &mut self,
        block: &Arc<str>,
        service: Option<Arc<str>>,
        country: Option<Country>,
        cell: &Cell,
    ) {
        let sum = self.blocks.entry(block.clone()).or_default();
        add(&mut sum.packets, cell.packets());
        add(&mut sum.bytes, cell.bytes());
        if let Some(service) = service {
            let sum = self.services.entry((block.clone(), service)).or_default();
            sum.flows += cell.flows;
            add(&mut sum.bytes, cell.service_bytes());
        }
        if let Some(country) = country {
            add(
                self.countries.entry((block.clone(), country)).or_default(),
                cell.bytes(),
            );
        }
    }
}
