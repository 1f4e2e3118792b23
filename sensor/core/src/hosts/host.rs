//! One host on one day.

use super::Day;
use crate::classify::Found;
use crate::flow::{Flow, Initiator};
use crate::name::ja4::Ja4;
use crate::watch::BlockRef;

/// Most distinct JA4 fingerprints of a host and day; of more the first in their order are kept, so that the
/// order in which they came does not matter.
pub const MAX_JA4S: usize = 64;
/// Most distinct user agents of a host and day, likewise.
pub const MAX_USER_AGENTS: usize = 64;

/// Which host on which day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct HostKey {
    pub(super) address: u128,
    pub(super) day: i32,
    pub(super) block: BlockRef,
    pub(super) version: u8,
}

impl HostKey {
    pub(super) fn new(flow: &Flow, day: Day) -> Self {
        Self {
            address: flow.addresses().0,
            day: day.number(),
            block: flow.blocks().0,
            version: flow.key.version(),
        }
    }
}

/// What is known of a host on a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostRow {
    /// Days since 1970 UTC.
    pub day: i32,
    /// The block.
    pub block: BlockRef,
    /// IP version.
    pub version: u8,
    /// The address; IPv4 is mapped.
    pub inside: u128,
    /// First packet of the day.
    pub first_ns: i64,
    /// Last packet of the day.
    pub last_ns: i64,
    /// Flows begun that day.
    pub flows: u64,
    /// Distinct times to live of packets from the host, in order.
    pub ttls: Vec<u8>,
    /// Distinct fingerprints of its own clients, in order.
    pub ja4s: Vec<Ja4>,
    /// Distinct user agents of its own clients, in order.
    pub user_agents: Vec<Box<str>>,
}

/// A host on a day as its packets come.
#[derive(Debug)]
pub(super) struct Host {
    first_ns: i64,
    last_ns: i64,
    /// Since a row was last written.
    flows: u64,
    /// A bit for each time to live.
    ttls: [u64; 4],
    ja4s: Vec<Ja4>,
    user_agents: Vec<Box<str>>,
    /// Bytes of these texts.
    pub(super) text_bytes: usize,
    /// Grows with each touch of any host.
    pub(super) touched: u64,
    /// Whether there is something that no row says, and whether that is more than times and numbers.
    pub(super) changed: bool,
    pub(super) has_news: bool,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            first_ns: i64::MAX,
            last_ns: i64::MIN,
            flows: 0,
            ttls: [0; 4],
            ja4s: Vec::new(),
            user_agents: Vec::new(),
            text_bytes: 0,
            touched: 0,
            changed: true,
            has_news: true,
        }
    }
}

impl Host {
    /// A packet came at this time.
    pub(super) fn see(&mut self, time_ns: i64) {
        self.first_ns = self.first_ns.min(time_ns);
        self.last_ns = self.last_ns.max(time_ns);
    }

    /// A flow has begun.
    pub(super) fn begin_flow(&mut self) {
        self.flows += 1;
    }

    /// The host sent a packet with this time to live, if it did.
    pub(super) fn add_ttl(&mut self, ttl: Option<u8>) {
        let Some(ttl) = ttl else { return };
        if let Some(word) = self.ttls.get_mut(usize::from(ttl / 64)) {
            let bit = 1 << (ttl % 64);
            self.has_news |= *word & bit == 0;
            *word |= bit;
        }
    }

    /// Takes what a flow showed of its client, where that is the host.
    pub(super) fn learn(&mut self, flow: &Flow, found: &Found) {
        if flow.initiator() != Initiator::Inside {
            return;
        }
        let mut is_new = false;
        if let Some(ja4) = found.ja4 {
            is_new |= keep_first(&mut self.ja4s, &ja4, MAX_JA4S);
        }
        for agent in found.user_agents() {
            is_new |= keep_first(&mut self.user_agents, agent, MAX_USER_AGENTS);
        }
        if is_new {
            self.has_news = true;
            let agents = self.user_agents.iter().map(|agent| agent.len());
            self.text_bytes = self.ja4s.len() * size_of::<Ja4>() + agents.sum::<usize>();
        }
    }

    /// Whether it sent anything: only then there is a host.
    pub(super) fn has_sent(&self) -> bool {
        self.ttls != [0; 4]
    }

    /// What no row says so far, besides what rows may say again.
    pub(super) fn tell(&mut self, key: &HostKey) -> HostRow {
        let row = HostRow {
            ja4s: self.ja4s.clone(),
            user_agents: self.user_agents.clone(),
            ..self.row(key)
        };
        self.flows = 0;
        self.changed = false;
        self.has_news = false;
        row
    }

    /// The last row.
    pub(super) fn into_row(self, key: &HostKey) -> HostRow {
        let row = self.row(key);
        HostRow {
            ja4s: self.ja4s,
            user_agents: self.user_agents,
            ..row
        }
    }

    fn row(&self, key: &HostKey) -> HostRow {
        let is_set = |&ttl: &u8| {
            let word = self.ttls.get(usize::from(ttl / 64));
            word.is_some_and(|word| word >> (ttl % 64) & 1 == 1)
        };
        HostRow {
            day: key.day,
            block: key.block,
            version: key.version,
            inside: key.address,
            first_ns: self.first_ns,
            last_ns: self.last_ns,
            flows: self.flows,
            ttls: (0..=u8::MAX).filter(is_set).collect(),
            ..HostRow::default()
        }
    }
}

/// Adds a value to a list in order that has room for so many; true where the list has changed.
fn keep_first<T: Ord + Clone>(list: &mut Vec<T>, value: &T, most: usize) -> bool {
    let Err(place) = list.binary_search(value) else {
        return false;
    };
    if place >= most {
        return false;
    }
    list.truncate(most - 1);
    list.insert(place, value.clone());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_the_first_in_their_order_whenever_they_came() {
        for numbers in [[5, 1, 4, 2, 3, 2], [1, 2, 2, 3, 4, 5], [5, 4, 3, 2, 2, 1]] {
            let mut list = Vec::new();
            for number in numbers {
                keep_first(&mut list, &number, 3);
            }
            assert_eq!(list, [1, 2, 3]);
        }
        assert!(!keep_first(&mut vec![1, 2], &3, 2));
        assert!(!keep_first(&mut vec![1, 2], &2, 2));
        assert!(keep_first(&mut vec![1, 3], &2, 2));
    }
}
