//! What one shard counts for metrics.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use super::TallySettings;
use super::labels::{Label, Labels};
use super::names::{BlockId, Names};
use super::rcode::Rcode;
use super::sums::Sums;
use super::tallies::Tallies;
use super::top::{Group, Top};
use crate::classify::{Application, NameSource, Note, registered_country};
use crate::flow::{Flow, FlowKey, Packet};
use crate::name::dns_table::DnsRow;

/// Most flows that may still get a service after a record of theirs has been written, whose earlier bytes are
/// remembered for it. Such flows are rare, and have few bytes: those of an opening that goes on for so long.
pub(super) const MAX_EARLIER: usize = 1 << 16;

const APPLICATIONS: usize = Application::ALL.len();

/// The counters of a shard.
pub(super) struct Tally {
    settings: TallySettings,
    names: Names,
    labels: Labels,
    /// Bytes out and in of the earlier records of flows that have no service so far.
    earlier: HashMap<FlowKey, (u64, u64), RandomState>,
    records_forgotten: u64,
    /// Flows by application, and DNS transactions by result, for each block.
    applications: Box<[[u64; APPLICATIONS]]>,
    dns: Box<[[u64; Rcode::COUNT]]>,
    sources: [u64; NameSource::ALL.len()],
    top: Top,
}

impl Tally {
    pub(super) fn new(settings: TallySettings) -> Self {
        let mut names = Names::default();
        names.take_on(&settings);
        Self {
            names,
            labels: Labels::default(),
            earlier: HashMap::default(),
            records_forgotten: 0,
            applications: vec![[0; APPLICATIONS]; BlockId::COUNT].into(),
            dns: vec![[0; Rcode::COUNT]; BlockId::COUNT].into(),
            sources: [0; NameSource::ALL.len()],
            top: Top::new(settings.top_flows),
            settings,
        }
    }

    /// Takes on new rules: labels have their meaning by name, so all that was counted goes on.
    pub(super) fn take_on(&mut self, settings: TallySettings) {
        self.names.take_on(&settings);
        self.top.set_size(settings.top_flows);
        self.settings = settings;
    }

    /// Counts a packet of a flow under the flow's label, which it gives.
    #[inline]
    pub(super) fn count(&mut self, flow: &Flow, packet: &Packet) -> u16 {
        let mut number = flow.label;
        if number == 0 {
            number = self.begin(flow);
        }
        let out = flow.goes_out(packet.forward);
        self.labels.add(number, out, packet.ip_bytes);
        if self.top.is_due(flow) {
            self.tell_top(flow, number, packet.clock_ns);
        }
        number
    }

    fn begin(&mut self, flow: &Flow) -> u16 {
        let (_, outside) = flow.addresses();
        let country = self
            .settings
            .countries
            .then(|| registered_country(flow.key.version(), outside))
            .flatten();
        self.labels.number(Label {
            block: self
                .names
                .block(flow.blocks().0.index().unwrap_or(u32::MAX)),
            country: country.and_then(|code| code.as_bytes().try_into().ok()),
            service: None,
            source: None,
            has_application: false,
        })
    }

    #[cold]
    fn tell_top(&mut self, flow: &Flow, number: u16, clock_ns: u64) {
        if let Some(label) = self.labels.label(number) {
            self.top.tell(flow, Group::of(flow, &label), clock_ns);
        }
    }

    /// Something may have become known of a flow with this label; gives the one it has from now on.
    pub(super) fn learn(&mut self, flow: &Flow, number: u16, note: &Note) -> u16 {
        // While a flow opens, a better name may come, and a counter cannot be taken back. Of a flow that asks
        // for names every packet is looked at, but what it is stays.
        let opening = flow.mark.looks() && !flow.mark.is_of_client() && !note.asks_for_names();
        self.credit(flow, number, note, opening)
    }

    /// A record of the flow is written, its last one if it `ends`.
    pub(super) fn record(&mut self, flow: &Flow, note: Option<&Note>, ends: bool) {
        let mut number = flow.label;
        // What no longer looks has shown all it ever will, and has been counted under it.
        if flow.mark.looks() {
            if let (Some(note), true) = (note, ends) {
                number = self.credit(flow, number, note, false);
            }
            if !ends {
                self.remember(flow);
            }
        }
        if ends && !self.earlier.is_empty() && flow.record > 0 {
            self.earlier.remove(&flow.key);
        }
        if let Some(label) = self.labels.label(number) {
            self.top.record(flow, &Group::of(flow, &label), ends);
        }
    }

    /// Remembers a record's bytes of a flow that may still get a service.
    fn remember(&mut self, flow: &Flow) {
        let label = self.labels.label(flow.label);
        let may_get_one = label.is_some_and(|label| {
            label.service.is_none() && label.source != Some(NameSource::DnsQuery)
        });
        if !may_get_one {
            return;
        }
        if self.earlier.len() < MAX_EARLIER || self.earlier.contains_key(&flow.key) {
            let (out, incoming) = flow.bytes();
            let sum = self.earlier.entry(flow.key).or_default();
            *sum = (sum.0 + out, sum.1 + incoming);
        } else {
            self.records_forgotten += 1;
        }
    }

    /// Counts a flow under what is known of it; a flow counts once in an application, a source and a service.
    fn credit(&mut self, flow: &Flow, number: u16, note: &Note, opening: bool) -> u16 {
        let Some(label) = self.labels.label(number) else {
            return number;
        };
        let mut next = label;
        if let (false, false, Some(application)) =
            (opening, label.has_application, note.application())
        {
            self.count_application(label.block, application);
            next.has_application = true;
        }
        if label.service.is_none()
            && let Some((_, source)) = note.name()
            && label.source != Some(source)
            && (!opening || source.is_of_hello())
        {
            if let (None, Some(count)) = (label.source, self.sources.get_mut(source as usize)) {
                *count += 1;
            }
            next.source = Some(source);
            let service = note.service(&self.settings.catalogue);
            next.service = service.and_then(|index| self.names.service(index));
        }
        if next == label {
            return number;
        }
        let number = self.labels.number(next);
        if next.service.is_some() {
            self.give_service(flow, &label, number);
        }
        number
    }

    /// Credits a service with all the bytes of a flow that has just got it.
    fn give_service(&mut self, flow: &Flow, from: &Label, number: u16) {
        let had_one = from.service.is_some();
        // Without room for the label there is no service either.
        let has_one = self
            .labels
            .label(number)
            .is_some_and(|label| label.service.is_some());
        if had_one || !has_one {
            return;
        }
        let (out, incoming) = flow.bytes();
        let earlier = self.earlier.remove(&flow.key).unwrap_or_default();
        if let Some(cell) = self.labels.cell(number) {
            cell.credit((out + earlier.0, incoming + earlier.1));
            cell.flows += 1;
        }
        self.top.leave(flow, &Group::of(flow, from));
    }

    fn count_application(&mut self, block: BlockId, application: Application) {
        let counts = self.applications.get_mut(block.number());
        if let Some(count) = counts.and_then(|counts| counts.get_mut(application as usize)) {
            *count += 1;
        }
    }

    pub(super) fn count_dns(&mut self, row: &DnsRow) {
        let block = self.names.block(row.block.index().unwrap_or(u32::MAX));
        let counts = self.dns.get_mut(block.number());
        let rcode = Rcode::new(row.rcode).number();
        if let Some(count) = counts.and_then(|counts| counts.get_mut(rcode)) {
            *count += 1;
        }
    }

    /// The stream's clock says this much.
    pub(super) fn expire(&mut self, clock_ns: u64) {
        self.top.expire(clock_ns);
    }

    /// Everything by name.
    pub(super) fn tallies(&mut self) -> Tallies {
        let mut tallies = Tallies {
            names: self.sources,
            labels_refused: self.labels.refused,
            records_forgotten: self.records_forgotten,
            ..Tallies::default()
        };
        for id in self.names.all_blocks() {
            let name = self.names.block_name(id);
            tallies.blocks.entry(name.clone()).or_default();
            let applications = self.applications.get(id.number());
            for (&application, &flows) in Application::ALL
                .iter()
                .zip(applications.into_iter().flatten())
            {
                tallies.add_application(&name, application, flows);
            }
            let dns = self.dns.get(id.number());
            for (rcode, &count) in Rcode::all().zip(dns.into_iter().flatten()) {
                tallies.add_dns(&name, rcode, count);
            }
        }
        let sums = Sums::of(&self.labels);
        let block_name = |id| self.names.block_name(id);
        for (block, tally) in sums.blocks {
            tallies.add_block(&block_name(block), &tally);
        }
        for ((block, service), tally) in sums.services {
            let service = self.names.service_name(service);
            tallies.add_service(block_name(block), service, &tally);
        }
        for ((block, country), bytes) in sums.countries {
            tallies.add_country(block_name(block), country, bytes);
        }
        tallies.flows = self.top.heaviest(&self.names);
        tallies
    }

    #[cfg(test)]
    pub(super) fn candidates(&self) -> usize {
        self.top.len()
    }
}
