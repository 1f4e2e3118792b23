//! Where every frame ends: counted once, by interval of packet time and capture interface.

mod snapshot;

use std::collections::{BTreeMap, HashMap};

use crate::classify::NamerCounters;
use crate::flow::ShardCounters;

pub use snapshot::Snapshot;

/// An interval of the `accounting` table.
pub const INTERVAL_NS: i64 = 60_000_000_000;

/// Start of the earliest whole interval; what little time lies before it counts in it.
const EARLIEST_NS: i64 = i64::MIN / INTERVAL_NS * INTERVAL_NS;

/// Most intervals and interfaces held before their rows are written; more rows of a kind sum up all the same.
const MAX_HELD: usize = 4096;

/// What was counted in one interval on one interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames read.
    pub packets_seen: u64,
    /// Their length on the wire.
    pub bytes_seen: u64,
    /// Frames counted in a flow.
    pub packets_matched: u64,
    /// Frames without a watched address, not IP, or not supported.
    pub packets_unmatched: u64,
    /// Frames whose headers are cut off or contradict themselves.
    pub packets_malformed: u64,
    /// Length on the wire of those matched.
    pub bytes_matched: u64,
    /// Length on the wire of those malformed.
    pub bytes_malformed: u64,
    /// Frames cut by the snap length.
    pub packets_truncated: u64,
    /// Matched frames that repeat another.
    pub packets_duplicate: u64,
    /// Frames turned away by the prefilter; they are among those seen and those unmatched.
    pub packets_prefiltered: u64,
    /// Matched frames in rows that were lost before the store had them.
    pub packets_dropped_store: u64,
    /// Those rows.
    pub rows_dropped_store: u64,
    /// Frames that the kernel had no room for; never seen.
    pub packets_dropped_kernel: u64,
    /// Frames that the interface dropped; never seen.
    pub packets_dropped_interface: u64,
    /// Flows begun.
    pub flows_created: u64,
    /// Flows ended by time, close or the end of input.
    pub flows_expired: u64,
    /// Flows ended for lack of room.
    pub flows_evicted: u64,
    /// Flows that got a name.
    pub names_found: u64,
    /// Flows, answers and queries whose naming was given up for lack of room.
    pub names_evicted: u64,
    /// Fragmented datagrams and waiting fragments given up for lack of room.
    pub fragments_evicted: u64,
    /// Hosts whose rows were written early for lack of room; nothing of them is lost.
    pub hosts_evicted: u64,
}

impl Counts {
    /// Adds another interval's counts.
    pub fn add(&mut self, other: &Self) {
        self.packets_seen += other.packets_seen;
        self.bytes_seen += other.bytes_seen;
        self.packets_matched += other.packets_matched;
        self.packets_unmatched += other.packets_unmatched;
        self.packets_malformed += other.packets_malformed;
        self.bytes_matched += other.bytes_matched;
        self.bytes_malformed += other.bytes_malformed;
        self.packets_truncated += other.packets_truncated;
        self.packets_duplicate += other.packets_duplicate;
        self.packets_prefiltered += other.packets_prefiltered;
        self.packets_dropped_store += other.packets_dropped_store;
        self.rows_dropped_store += other.rows_dropped_store;
        self.packets_dropped_kernel += other.packets_dropped_kernel;
        self.packets_dropped_interface += other.packets_dropped_interface;
        self.flows_created += other.flows_created;
        self.flows_expired += other.flows_expired;
        self.flows_evicted += other.flows_evicted;
        self.names_found += other.names_found;
        self.names_evicted += other.names_evicted;
        self.fragments_evicted += other.fragments_evicted;
        self.hosts_evicted += other.hosts_evicted;
    }

    /// Adds what the naming of a shard did between two looks at its counters.
    pub fn add_namer(&mut self, before: &NamerCounters, after: &NamerCounters) {
        self.names_found += after.names_found - before.names_found;
        self.names_evicted += after.names_evicted - before.names_evicted;
    }

    /// Adds what a shard did between two looks at its counters.
    pub fn add_shard(&mut self, before: &ShardCounters, after: &ShardCounters) {
        self.packets_duplicate += after.packets_duplicate - before.packets_duplicate;
        self.flows_created += after.flows_created - before.flows_created;
        self.flows_expired += after.flows_expired - before.flows_expired;
        self.flows_evicted += after.flows_evicted - before.flows_evicted;
        self.fragments_evicted += after.datagrams_evicted - before.datagrams_evicted;
    }
}

/// A row of the `accounting` table but for the sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Start of the interval: a multiple of [`INTERVAL_NS`], or when the capture began within it.
    pub start_ns: i64,
    /// How long it is: [`INTERVAL_NS`] but where the capture began or ended within it.
    pub length_ns: i64,
    /// Capture interface.
    pub interface: u16,
    /// What was counted.
    pub counts: Counts,
}

/// The counts of one worker.
#[derive(Debug, Default)]
pub struct Accounting {
    current: Option<Current>,
    held: HashMap<(i64, u16), Counts>,
    full: Vec<Interval>,
    totals: BTreeMap<u16, Counts>,
    watched: Watched,
}

/// From when until when a live capture watched: it says nothing of the rest of its first and last interval.
#[derive(Clone, Copy, Debug)]
struct Watched {
    from_ns: i64,
    until_ns: i64,
}

impl Default for Watched {
    fn default() -> Self {
        Self {
            from_ns: i64::MIN,
            until_ns: i64::MAX,
        }
    }
}

impl Watched {
    /// The row of the interval that begins then, cut to what was watched of it.
    fn row(self, start_ns: i64, interface: u16, counts: Counts) -> Interval {
        let end_ns = start_ns.saturating_add(INTERVAL_NS);
        let mut from_ns = start_ns;
        if start_ns < self.from_ns && self.from_ns < end_ns {
            from_ns = self.from_ns;
        }
        let mut until_ns = end_ns;
        // A clock that was set back may say that the end was before the beginning.
        if from_ns < self.until_ns && self.until_ns < end_ns {
            until_ns = self.until_ns;
        }
        Interval {
            start_ns: from_ns,
            length_ns: until_ns.saturating_sub(from_ns),
            interface,
            counts,
        }
    }
}

/// What is counted now, in the row of one interval and interface.
#[derive(Clone, Copy, Debug)]
struct Current {
    start_ns: i64,
    interface: u16,
    counts: Counts,
}

impl Accounting {
    /// Says that the capture began then, by the wall clock.
    pub fn begin(&mut self, from_ns: i64) {
        self.watched.from_ns = from_ns;
    }

    /// Says that it ended then.
    pub fn end(&mut self, until_ns: i64) {
        self.watched.until_ns = until_ns;
    }

    /// The counts of the interval that holds `time_ns`. Packets mostly stay in one, so it is kept at hand.
    #[inline]
    pub fn at(&mut self, time_ns: i64, interface: u16) -> &mut Counts {
        let stays = self.current.as_ref().is_some_and(|current| {
            current.interface == interface
                && time_ns >= current.start_ns
                && time_ns.abs_diff(current.start_ns) < INTERVAL_NS.unsigned_abs()
        });
        if !stays {
            self.put_away();
            let time_ns = time_ns.max(EARLIEST_NS);
            let start_ns = time_ns - time_ns.rem_euclid(INTERVAL_NS);
            self.current = Some(Current {
                start_ns,
                interface,
                counts: Counts::default(),
            });
        }
        // Just set where it was empty.
        &mut self
            .current
            .get_or_insert(Current {
                start_ns: 0,
                interface,
                counts: Counts::default(),
            })
            .counts
    }

    #[cold]
    fn put_away(&mut self) {
        let Some(current) = self.current.take() else {
            return;
        };
        let total = self.totals.entry(current.interface).or_default();
        total.add(&current.counts);
        self.held
            .entry((current.start_ns, current.interface))
            .or_default()
            .add(&current.counts);
        if self.held.len() > MAX_HELD {
            self.write_out();
        }
    }

    fn write_out(&mut self) {
        let watched = self.watched;
        let rows = self
            .held
            .drain()
            .map(|((start_ns, interface), counts)| watched.row(start_ns, interface, counts));
        let written = self.full.len();
        self.full.extend(rows);
        self.full[written..].sort_unstable_by_key(|row| (row.start_ns, row.interface));
    }

    /// Makes rows of the intervals that ended by `time_ns`. What still comes for them makes further rows.
    pub fn close(&mut self, time_ns: i64) {
        let is_over = |start_ns: i64| start_ns.saturating_add(INTERVAL_NS) <= time_ns;
        if self
            .current
            .is_some_and(|current| is_over(current.start_ns))
        {
            self.put_away();
        }
        let written = self.full.len();
        let (full, watched) = (&mut self.full, self.watched);
        self.held.retain(|&(start_ns, interface), &mut counts| {
            if is_over(start_ns) {
                full.push(watched.row(start_ns, interface, counts));
            }
            !is_over(start_ns)
        });
        self.full[written..].sort_unstable_by_key(|row| (row.start_ns, row.interface));
    }

    /// Rows that made room for others.
    pub fn full(&mut self) -> &mut Vec<Interval> {
        &mut self.full
    }

    /// Every row that is left.
    pub fn finish(&mut self) -> Vec<Interval> {
        self.put_away();
        self.write_out();
        std::mem::take(&mut self.full)
    }

    /// The sum over all intervals put away so far.
    pub fn total(&self) -> Counts {
        let mut sum = Counts::default();
        for total in self.totals.values() {
            sum.add(total);
        }
        sum
    }

    /// The sum of all that was ever counted, by interface.
    pub fn by_interface(&self) -> BTreeMap<u16, Counts> {
        let mut totals = self.totals.clone();
        if let Some(current) = &self.current {
            let total = totals.entry(current.interface).or_default();
            total.add(&current.counts);
        }
        totals
    }
}

#[cfg(test)]
mod tests;
