//! What the stages saw of single flows, as Python's own values.

use std::net::{IpAddr, Ipv6Addr};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::{Names, Options, Rules, open_source, settings_of};
use crate::decode::{Fragment, Level};
use crate::pipeline::{self, Answer, Fact, TracedPacket, Wanted};
use crate::source::DEFAULT_MAX_RATIO;
use crate::watch::BlockRef;

/// Flows by their ids, their inside and outside address, and how many of their packets bring their bytes.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct Asked {
    flow_ids: Vec<u64>,
    addresses: (String, String),
    frames: usize,
}

/// Reads captures and tells of the flows wanted: their first packets, what each packet made known, and the
/// DNS answers that gave the inside address the outside one.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // Python's values arrive owned.
pub(super) fn trace<'py>(
    py: Python<'py>,
    paths: Vec<String>,
    rules: &Rules,
    names: &Names,
    options: Options,
    wanted: Asked,
) -> PyResult<Bound<'py, PyDict>> {
    let settings = settings_of(rules, names, &options)?;
    let (inside, outside) = wanted.addresses;
    let wanted = Wanted {
        flow_ids: wanted.flow_ids,
        addresses: Some((number_of(&inside)?, number_of(&outside)?)),
        frames: wanted.frames,
    };
    let source = open_source(py, paths, DEFAULT_MAX_RATIO)?;
    let mut interrupted = None;
    let traced = py.detach(|| {
        pipeline::trace(source, &settings, wanted, || {
            interrupted = Python::attach(|py| py.check_signals().err());
            interrupted.is_none()
        })
    });
    if let Some(interrupted) = interrupted {
        return Err(interrupted);
    }
    let traced = traced.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    let packets = traced.packets.iter();
    let facts = traced.facts.iter();
    let answers = traced.answers.iter();
    let interfaces = &traced.interfaces;
    let told = PyDict::new(py);
    told.set_item(
        "packets",
        packets
            .map(|packet| packet_of(py, packet, interfaces, &rules.blocks))
            .collect::<PyResult<Vec<_>>>()?,
    )?;
    told.set_item("packets_counted", traced.packets_counted)?;
    told.set_item(
        "facts",
        facts
            .map(|fact| fact_of(py, fact))
            .collect::<PyResult<Vec<_>>>()?,
    )?;
    told.set_item("facts_dropped", traced.facts_dropped)?;
    told.set_item(
        "answers",
        answers
            .map(|answer| answer_of(py, answer))
            .collect::<PyResult<Vec<_>>>()?,
    )?;
    Ok(told)
}

fn packet_of<'py>(
    py: Python<'py>,
    packet: &TracedPacket,
    interfaces: &[String],
    blocks: &[String],
) -> PyResult<Bound<'py, PyDict>> {
    let levels = packet.levels.iter();
    let one = PyDict::new(py);
    one.set_item("number", packet.number)?;
    one.set_item("flow_id", packet.flow_id)?;
    one.set_item("time_ns", packet.record.time_ns)?;
    one.set_item("link", packet.record.link)?;
    one.set_item("captured", packet.record.captured)?;
    one.set_item("original", packet.record.original)?;
    let interface = usize::from(packet.record.interface);
    one.set_item("interface", interfaces.get(interface))?;
    one.set_item("level", packet.level)?;
    one.set_item("is_out", packet.is_out)?;
    one.set_item(
        "levels",
        levels
            .map(|(level, ends)| level_of(py, level, *ends, blocks))
            .collect::<PyResult<Vec<_>>>()?,
    )?;
    let frame = packet.frame.as_deref();
    one.set_item("frame", frame.map(|frame| PyBytes::new(py, frame)))?;
    Ok(one)
}

fn level_of<'py>(
    py: Python<'py>,
    level: &Level,
    ends: (BlockRef, BlockRef),
    blocks: &[String],
) -> PyResult<Bound<'py, PyDict>> {
    let name = |block: BlockRef| blocks.get(block.index()? as usize);
    let fragment = match level.fragment {
        Fragment::Whole => None,
        Fragment::First => Some("first"),
        Fragment::Later => Some("later"),
    };
    let one = PyDict::new(py);
    one.set_item("source", text_of(level.version, level.source))?;
    one.set_item("destination", text_of(level.version, level.destination))?;
    one.set_item("source_port", level.source_port)?;
    one.set_item("destination_port", level.destination_port)?;
    one.set_item("version", level.version)?;
    one.set_item("protocol", level.protocol)?;
    one.set_item("tcp_flags", level.tcp_flags)?;
    one.set_item("ttl", level.ttl)?;
    one.set_item("tunnel", level.tunnel.word())?;
    one.set_item("fragment", fragment)?;
    one.set_item("ip_bytes", level.ip_bytes)?;
    one.set_item("payload_bytes", level.payload_bytes)?;
    one.set_item("offset", level.header)?;
    one.set_item("source_block", name(ends.0))?;
    one.set_item("destination_block", name(ends.1))?;
    Ok(one)
}

fn fact_of<'py>(py: Python<'py>, fact: &Fact) -> PyResult<Bound<'py, PyDict>> {
    let one = PyDict::new(py);
    one.set_item("packet", fact.packet)?;
    one.set_item("flow_id", fact.flow_id)?;
    one.set_item("kind", fact.kind)?;
    one.set_item("value", &fact.value)?;
    one.set_item("signs", &fact.signs)?;
    Ok(one)
}

fn answer_of<'py>(py: Python<'py>, answer: &Answer) -> PyResult<Bound<'py, PyDict>> {
    let row = &answer.row;
    let one = PyDict::new(py);
    one.set_item("packet", answer.packet)?;
    one.set_item("time_ns", row.time_ns)?;
    one.set_item("server", text_of(row.version, row.server))?;
    one.set_item("transport", row.transport.word())?;
    one.set_item("qname", row.qname())?;
    one.set_item("answers", row.answers().collect::<Vec<_>>())?;
    one.set_item("cnames", row.cnames().collect::<Vec<_>>())?;
    one.set_item("min_ttl", row.min_ttl)?;
    one.set_item("latency_us", row.latency_us)?;
    one.set_item("flow_id", row.flow_id)?;
    Ok(one)
}

fn text_of(version: u8, address: u128) -> String {
    let address = Ipv6Addr::from(address);
    match address.to_ipv4_mapped() {
        Some(mapped) if version == 4 => mapped.to_string(),
        _ => address.to_string(),
    }
}

/// An address as the stages have it, IPv4 mapped.
fn number_of(text: &str) -> PyResult<u128> {
    let address = text.parse::<IpAddr>();
    let address = address.map_err(|error| PyValueError::new_err(format!("{text:?}: {error}")))?;
    Ok(match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().into(),
        IpAddr::V6(address) => address.into(),
    })
}
