//! The hosts of a shard, bounded, and when their rows are written.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use super::Day;
use super::host::{Host, HostKey, HostRow};
use crate::flow::Flow;

/// Most hosts of all days that a shard remembers; beyond, rows of the longest untouched are written early.
pub const MAX_HOSTS: usize = 1 << 18;
/// Most bytes of their fingerprints and user agents.
pub const MAX_TEXT_BYTES: usize = 1 << 26;
/// Live, a host that shows nothing new waits so long for its next row.
pub const WRITE_EVERY_NS: u64 = 3_600_000_000_000;

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// Hosts of all days.
    pub max_hosts: usize,
    /// Bytes of their texts.
    pub max_text_bytes: usize,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            max_hosts: MAX_HOSTS,
            max_text_bytes: MAX_TEXT_BYTES,
        }
    }
}

/// The evidence of one shard.
#[derive(Debug, Default)]
pub struct Hosts {
    /// The day that was last in use; nearly all packets are of the same.
    pub(super) today: Day,
    limits: HostLimits,
    known: HashMap<HostKey, Host, RandomState>,
    text_bytes: usize,
    touches: u64,
    rows: Vec<HostRow>,
    clock_ns: u64,
    written_ns: u64,
    evicted: u64,
}

impl Hosts {
    /// Nothing gathered so far.
    pub fn new(limits: HostLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Hosts whose rows were written early for lack of room.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Takes the rows once there are so many.
    pub fn take_rows(&mut self, at_least: usize) -> Vec<HostRow> {
        if self.rows.len() < at_least {
            return Vec::new();
        }
        std::mem::take(&mut self.rows)
    }

    /// The stream's clock says this much.
    pub fn expire(&mut self, clock_ns: u64) {
        self.clock_ns = clock_ns;
    }

    /// Writes what must not be lost: rows of hosts that are new or showed something new, and once an hour of
    /// all that changed. Then days are forgotten to which no record will reach back.
    pub fn flush(&mut self) {
        let all = self.clock_ns.saturating_sub(self.written_ns) >= WRITE_EVERY_NS;
        for (key, host) in &mut self.known {
            if host.has_sent() && (host.has_news || all && host.changed) {
                self.rows.push(host.tell(key));
            }
        }
        if !all {
            return;
        }
        self.written_ns = self.clock_ns;
        let newest = self.known.keys().map(|key| key.day).max();
        let oldest = newest.map_or(0, |day| day - 1);
        self.known.retain(|key, _| key.day >= oldest);
        self.text_bytes = self.known.values().map(|host| host.text_bytes).sum();
    }

    /// Writes everything and begins anew.
    pub fn close(&mut self) {
        for (key, host) in std::mem::take(&mut self.known) {
            if host.has_sent() && host.changed {
                self.rows.push(host.into_row(&key));
            }
        }
        self.text_bytes = 0;
    }

    /// Changes what is known of the flow's inside host on a day.
    pub(super) fn change(&mut self, flow: &Flow, day: Day, change: impl FnOnce(&mut Host)) {
        let key = HostKey::new(flow, day);
        if self.known.len() >= self.limits.max_hosts && !self.known.contains_key(&key) {
            self.evict();
        }
        self.touches += 1;
        let host = self.known.entry(key).or_default();
        host.touched = self.touches;
        host.changed = true;
        let before = host.text_bytes;
        change(host);
        self.text_bytes = (self.text_bytes + host.text_bytes).saturating_sub(before);
        while self.text_bytes > self.limits.max_text_bytes && !self.known.is_empty() {
            self.evict();
        }
    }

    /// Writes the longest untouched sixteenth: many at once pay for the search. Addresses that sent nothing go
    /// first, and leave no row: a scan must not drive out the hosts.
    #[cold]
    fn evict(&mut self) {
        let mut by_age: Vec<(bool, u64, HostKey)> = self
            .known
            .iter()
            .map(|(key, host)| (host.has_sent(), host.touched, *key))
            .collect();
        let count = (by_age.len() / 16).max(1).min(by_age.len());
        if count < by_age.len() {
            by_age.select_nth_unstable_by_key(count, |&(has_sent, touched, _)| (has_sent, touched));
        }
        for (_, _, key) in by_age.into_iter().take(count) {
            let Some(host) = self.known.remove(&key) else {
                continue;
            };
            self.text_bytes = self.text_bytes.saturating_sub(host.text_bytes);
            self.evicted += 1;
            if host.has_sent() && host.changed {
                self.rows.push(host.into_row(&key));
            }
        }
    }
}
