//! Who takes the rows.

use crate::batch::Labels;
use crate::classify::Note;
use crate::counters::Interval;
use crate::flow::Flow;
use crate::hosts::HostRow;
use crate::name::dns_table::DnsRow;

/// Rows that were given up since there was no room for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Rows of any table.
    pub rows: u64,
    /// Packets counted in them.
    pub packets: u64,
}

/// Takes what a worker produces. Each method says whether more is wanted.
pub trait Sink: Send {
    /// Takes flow records, whose marks have the place of their note plus one.
    fn flows(&mut self, records: &[Flow], notes: &[Note], labels: &Labels) -> bool;
    /// Takes DNS transactions.
    fn dns(&mut self, rows: &[DnsRow], labels: &Labels) -> bool;
    /// Takes evidence of hosts.
    fn hosts(&mut self, rows: &[HostRow], labels: &Labels) -> bool;
    /// Takes accounting rows, `interfaces` being the names that they refer to.
    fn accounting(&mut self, rows: &[Interval], interfaces: &[String], labels: &Labels) -> bool;
    /// What was given up since this was last asked, by whichever worker.
    fn dropped(&mut self) -> Dropped {
        Dropped::default()
    }
    /// There is nothing to capture any more: from now on it may take its time rather than give up rows.
    fn input_is_over(&mut self) {}
}
