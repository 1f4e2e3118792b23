//! The observer that counts, and gathers evidence of hosts, beside the naming.

use super::counting::Tally;
use super::{Tallies, TallySettings};
use crate::classify::{Namer, NamerCounters, Note};
use crate::flow::{Flow, Mark, Observer, Packet};
use crate::hosts::{HostRow, Hosts};
use crate::name::dns_table::DnsRow;

/// Names flows and, if asked to, counts their packets for metrics and gathers evidence of their inside hosts.
pub struct Tallying {
    namer: Namer,
    tally: Option<Box<Tally>>,
    hosts: Option<Hosts>,
    /// DNS rows that have been counted of those that the naming holds.
    dns_counted: usize,
}

impl Tallying {
    /// Nothing counted yet; without settings nothing ever is.
    pub fn new(namer: Namer, settings: Option<TallySettings>) -> Self {
        Self {
            namer,
            tally: settings.map(|settings| Box::new(Tally::new(settings))),
            hosts: None,
            dns_counted: 0,
        }
    }

    /// Gathers evidence of hosts, too.
    #[must_use]
    pub fn with_hosts(self, hosts: Hosts) -> Self {
        Self {
            hosts: Some(hosts),
            ..self
        }
    }

    /// Takes the rows of hosts once there are so many.
    pub fn host_rows(&mut self, at_least: usize) -> Vec<HostRow> {
        let hosts = self.hosts.as_mut();
        hosts.map_or_else(Vec::new, |hosts| hosts.take_rows(at_least))
    }

    /// Makes rows of the evidence of hosts that must not wait any longer; see [`Hosts::flush`].
    pub fn flush_hosts(&mut self) {
        if let Some(hosts) = &mut self.hosts {
            hosts.flush();
        }
    }

    /// Makes rows of all evidence of hosts and begins anew.
    pub fn close_hosts(&mut self) {
        if let Some(hosts) = &mut self.hosts {
            hosts.close();
        }
    }

    /// Takes on new rules. What was counted stays, and flows that live on keep their service.
    pub fn take_on(&mut self, settings: TallySettings) {
        if let Some(tally) = &mut self.tally {
            tally.take_on(settings);
        }
    }

    /// What has been counted so far, by name.
    pub fn tallies(&mut self) -> Tallies {
        self.tally
            .as_mut()
            .map_or_else(Tallies::default, |tally| tally.tallies())
    }

    /// See [`Namer::take_notes`].
    pub fn take_notes(&mut self) -> Vec<Note> {
        self.namer.take_notes()
    }

    /// See [`Namer::waiting_bytes`].
    pub fn waiting_bytes(&mut self) -> usize {
        self.namer.waiting_bytes()
    }

    /// Hosts whose rows were written early for lack of room.
    pub fn hosts_evicted(&self) -> u64 {
        self.hosts.as_ref().map_or(0, Hosts::evicted)
    }

    /// See [`Namer::reuse`].
    pub fn reuse(&mut self, notes: Vec<Note>) {
        self.namer.reuse(notes);
    }

    /// See [`Namer::dns_rows`].
    pub fn dns_rows(&mut self) -> &mut Vec<DnsRow> {
        self.namer.dns_rows()
    }

    /// See [`Namer::counters`].
    pub fn counters(&self) -> NamerCounters {
        self.namer.counters()
    }

    /// The naming itself.
    pub fn namer(&mut self) -> &mut Namer {
        &mut self.namer
    }

    /// Packets are about to come; rows may have been taken away since the last ones.
    pub fn approach(&mut self) {
        self.dns_counted = self.namer.dns_rows().len();
    }

    /// Gives up what has waited too long once the stream's clock says this much; call it behind the packets.
    pub fn expire(&mut self, clock_ns: u64) {
        self.namer.expire(clock_ns);
        if let Some(tally) = &mut self.tally {
            tally.expire(clock_ns);
        }
        if let Some(hosts) = &mut self.hosts {
            hosts.expire(clock_ns);
        }
        self.count_dns();
    }

    /// The input is over, and the stream's clock says this much.
    pub fn finish(&mut self, clock_ns: u64) {
        self.namer.finish(clock_ns);
        self.count_dns();
        self.close_hosts();
    }

    fn count_dns(&mut self) {
        let rows = self.namer.dns_rows();
        if let Some(tally) = &mut self.tally {
            for row in rows.get(self.dns_counted..).unwrap_or(&[]) {
                tally.count_dns(row);
            }
        }
        self.dns_counted = rows.len();
    }

    #[cfg(test)]
    pub(super) fn tally(&mut self) -> Option<&mut Tally> {
        self.tally.as_deref_mut()
    }
}

impl Observer for Tallying {
    #[inline]
    fn approach(&self, mark: Mark) -> u64 {
        self.namer.approach(mark)
    }

    #[inline]
    fn touch(&self, mark: Mark) -> u64 {
        self.namer.touch(mark)
    }

    fn is_crowded(&self) -> bool {
        self.namer.is_crowded()
    }

    fn keeps(&self, mark: Mark) -> bool {
        self.namer.keeps(mark)
    }

    fn begin(&mut self, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark {
        self.namer.begin(flow, packet, payload)
    }

    fn look(&mut self, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark {
        self.namer.look(flow, packet, payload)
    }

    #[inline]
    fn about_to_count(&mut self, flow: &Flow, packet: &Packet) {
        if let Some(hosts) = &mut self.hosts {
            hosts.about_to_count(flow, packet);
        }
    }

    #[inline]
    fn counted(&mut self, flow: &Flow, packet: &Packet, shown: bool) -> u16 {
        let Some(tally) = &mut self.tally else {
            return flow.label;
        };
        let label = tally.count(flow, packet);
        if !shown {
            return label;
        }
        match self.namer.known(flow.mark) {
            Some(note) => tally.learn(flow, label, note),
            None => label,
        }
    }

    fn note(&mut self, flow: &Flow, ends: bool) -> Mark {
        if let Some(tally) = &mut self.tally {
            tally.record(flow, self.namer.known(flow.mark), ends);
        }
        if let Some(hosts) = &mut self.hosts {
            hosts.record(flow, self.namer.known(flow.mark));
        }
        self.namer.note(flow, ends)
    }
}
