//! One number for all that grows with what strangers send: what each structure of a worker may take of it.

use crate::classify::{MAX_KEPT_BYTES, MAX_STATE_BYTES, NamingLimits};
use crate::flow::FragmentLimits;
use crate::hosts::HostLimits;
use crate::name::dns_table::MAX_OPEN_QUERIES;
use crate::name::join::JoinLimits;

/// A flow with its share of the index, of the list of free places, and of the search for whom to evict.
const FLOW_BYTES: usize = 128 + 32 + 8 + 16 + 72;
/// A pair of addresses with its names' places, in a map that is at least half full, and in the queue.
const PAIR_BYTES: usize = 320;
/// An open query with its name, in the queue twice.
const QUERY_BYTES: usize = 1024;
/// A host of a day without its texts, in a map that is at least half full, and once more as a row.
const HOST_BYTES: usize = 768;
/// A datagram that is remembered, and a fragment that waits.
const DATAGRAM_BYTES: usize = 768;
const FRAGMENT_BYTES: usize = 384;

/// Rows that wait to be written, of flows or DNS transactions.
const MAX_ROW_BYTES: usize = 64 << 20;

/// What the structures of one worker may hold. More memory than their greatest makes no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Flows alive.
    pub flows: usize,
    /// Fragments under way.
    pub fragments: FragmentLimits,
    /// What is found of flows and queries.
    pub naming: NamingLimits,
    /// Pairs of addresses that DNS answers named.
    pub pairs: usize,
    /// Bytes of these names.
    pub pair_name_bytes: usize,
    /// Evidence of hosts.
    pub hosts: HostLimits,
    /// Bytes of flow records, notes and DNS transactions that wait to be written.
    pub row_bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            flows: usize::MAX,
            fragments: FragmentLimits::MOST,
            naming: NamingLimits::default(),
            pairs: JoinLimits::default().pairs,
            pair_name_bytes: JoinLimits::default().name_bytes,
            hosts: HostLimits::default(),
            row_bytes: MAX_ROW_BYTES,
        }
    }
}

impl Room {
    /// The room that a worker has with so many bytes.
    pub fn of(bytes: usize) -> Self {
        let most = Self::default();
        let share = |hundredths: usize| bytes / 100 * hundredths;
        Self {
            flows: (share(45) / FLOW_BYTES).max(1),
            fragments: FragmentLimits {
                datagrams: (share(1) / DATAGRAM_BYTES).min(most.fragments.datagrams),
                waiting: (share(2) / FRAGMENT_BYTES).min(most.fragments.waiting),
            },
            naming: NamingLimits {
                kept_bytes: share(13).min(MAX_KEPT_BYTES),
                state_bytes: share(9).min(MAX_STATE_BYTES),
                open_queries: (share(3) / QUERY_BYTES).min(MAX_OPEN_QUERIES),
            },
            pairs: (share(6) / PAIR_BYTES).min(most.pairs),
            pair_name_bytes: share(2).min(most.pair_name_bytes),
            hosts: HostLimits {
                max_hosts: (share(6) / HOST_BYTES).min(most.hosts.max_hosts).max(1),
                // They are written with copies of them.
                max_text_bytes: share(1).min(most.hosts.max_text_bytes),
            },
            // As records, then as a batch, one of which is on its way.
            row_bytes: (share(12) / 4).min(MAX_ROW_BYTES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plenty_is_what_there_is_without_a_bound() {
        let plenty = Room::of(8 << 30);
        let flows = plenty.flows;
        assert!(flows > 4_000_000);
        assert_eq!(
            Room {
                flows: usize::MAX,
                ..plenty
            },
            Room::default()
        );
    }

    #[test]
    fn everything_shrinks_with_the_number_and_nothing_is_zero() {
        let (large, small) = (Room::of(200 << 20), Room::of(20 << 20));
        assert!(small.flows > 10_000 && small.flows < large.flows);
        assert!(small.naming.kept_bytes < large.naming.kept_bytes);
        assert!(small.naming.open_queries < large.naming.open_queries);
        assert!(small.row_bytes < large.row_bytes);
        assert!(small.fragments.waiting > 0 && small.pairs > 1000 && small.hosts.max_hosts > 1000);
        let none = Room::of(0);
        assert_eq!((none.flows, none.hosts.max_hosts), (1, 1));
    }
}
