//! Sums by block, service, country and application, as plain lists for Python.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::classify::NameSource;
use crate::tally::{Tallies, TopFlow};

/// Block, inside and outside address, outside port, protocol and service.
type FlowKey<'a> = (&'a str, String, String, u16, u8, Option<&'a str>);
/// Packets out and in, bytes out and in.
type FlowCounts = (u64, u64, u64, u64);

/// Adds the sums to a snapshot, as `_core.pyi` describes it.
pub(super) fn add_tallies(dict: &Bound<'_, PyDict>, tallies: &Tallies) -> PyResult<()> {
    let blocks: Vec<(&str, u64, u64, u64, u64)> = tallies
        .blocks
        .iter()
        .map(|(block, tally)| {
            let (packets, bytes) = (tally.packets, tally.bytes);
            (block.as_ref(), packets.0, packets.1, bytes.0, bytes.1)
        })
        .collect();
    let services: Vec<(&str, &str, u64, u64, u64)> = tallies
        .services
        .iter()
        .map(|((block, service), tally)| {
            let (out, incoming) = tally.bytes;
            (block.as_ref(), service.as_ref(), tally.flows, out, incoming)
        })
        .collect();
    let countries: Vec<(&str, String, u64, u64)> = tallies
        .countries
        .iter()
        .map(|((block, country), bytes)| {
            let code = country.map(char::from).iter().collect();
            (block.as_ref(), code, bytes.0, bytes.1)
        })
        .collect();
    let applications: Vec<(&str, &str, u64)> = tallies
        .applications
        .iter()
        .map(|((block, application), &flows)| (block.as_ref(), application.word(), flows))
        .collect();
    let dns: Vec<(&str, &str, u64)> = tallies
        .dns
        .iter()
        .map(|((block, rcode), &count)| (block.as_ref(), rcode.word(), count))
        .collect();
    let names: Vec<(&str, u64)> = NameSource::ALL
        .iter()
        .map(|source| source.word())
        .zip(tallies.names)
        .collect();
    let flows: Vec<(FlowKey<'_>, FlowCounts, bool)> = tallies.flows.iter().map(flow).collect();
    dict.set_item("blocks", blocks)?;
    dict.set_item("services", services)?;
    dict.set_item("countries", countries)?;
    dict.set_item("applications", applications)?;
    dict.set_item("dns", dns)?;
    dict.set_item("names", names)?;
    dict.set_item("flows", flows)?;
    dict.set_item("labels_refused", tallies.labels_refused)?;
    dict.set_item("records_forgotten", tallies.records_forgotten)
}

fn flow(flow: &TopFlow) -> (FlowKey<'_>, FlowCounts, bool) {
    let text = |address: u128| -> String {
        let address = Ipv6Addr::from(address);
        let plain = address
            .to_ipv4_mapped()
            .map_or(IpAddr::V6(address), IpAddr::V4);
        plain.to_string()
    };
    let key = (
        flow.block.as_ref(),
        text(flow.inside),
        text(flow.outside),
        flow.outside_port,
        flow.protocol,
        flow.service.as_ref().map(Arc::as_ref),
    );
    let (packets, bytes) = (flow.packets, flow.bytes);
    (key, (packets.0, packets.1, bytes.0, bytes.1), flow.alive)
}
