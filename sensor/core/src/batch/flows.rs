//! The `flows` table.

use std::sync::Arc;

use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::{
    ArrayRef, BooleanArray, RecordBatch, TimestampNanosecondArray, UInt8Array, UInt16Array,
    UInt32Array, UInt64Array,
};
use arrow_schema::ArrowError;

use super::Labels;
use super::column::{addresses, batch, block_keys, constant, words};
use super::named::{Row, named_columns};
use crate::classify::Note;
use crate::decode::Tunnel;
use crate::flow::{EndReason, Flow, Initiator};
use crate::watch::BlockRef;

/// Turns flow records into rows sorted by start time, flow and record. A record's mark has the place of its
/// note plus one.
pub fn flows_batch(
    records: &[Flow],
    notes: &[Note],
    labels: &Labels,
) -> Result<RecordBatch, ArrowError> {
    let ids: Vec<u64> = records.iter().map(Flow::flow_id).collect();
    let mut order: Vec<(i64, u64, u32, u32)> = (0u32..)
        .zip(records.iter().zip(&ids))
        .map(|(number, (flow, &id))| (flow.start_ns, id, flow.record, number))
        .collect();
    order.sort_unstable();
    let rows: Vec<&Flow> = order
        .iter()
        .map(|&(.., number)| &records[number as usize])
        .collect();
    let named: Vec<Row<'_>> = rows.iter().map(|flow| Row::new(flow, notes)).collect();
    let flow_ids = UInt64Array::from_iter_values(order.iter().map(|&(_, id, ..)| id));
    let mut columns = measured_columns(&rows, labels)?;
    columns.extend(named_columns(&named, labels)?);
    columns.push(("flow_id", Arc::new(flow_ids)));
    let numbers = each(&rows, |flow| flow.record);
    columns.push(("record", Arc::new(UInt32Array::from(numbers))));
    let reasons = EndReason::ALL.map(|reason| reason.word().to_owned());
    let keys = each(&rows, |flow| i32::from(flow.reason() as u16));
    columns.push(("end_reason", words(keys, reasons)?));
    batch(columns)
}

/// The columns up to the names.
fn measured_columns(
    rows: &[&Flow],
    labels: &Labels,
) -> Result<Vec<(&'static str, ArrayRef)>, ArrowError> {
    let count = rows.len();
    let blocks = || labels.blocks.iter().cloned();
    let tunnels = || {
        Tunnel::ALL
            .iter()
            .filter_map(|tunnel| tunnel.word())
            .map(str::to_owned)
    };
    let texts = ["external", "internal"].map(str::to_owned);
    let begun_by = ["inside", "outside", "unknown"].map(str::to_owned);
    let outside_block = |flow: &&Flow| {
        if flow.is_internal() {
            flow.blocks().1
        } else {
            BlockRef::NONE
        }
    };
    Ok(vec![
        ("sensor", constant(&labels.sensor, count)?),
        (
            "block",
            words(
                block_keys(rows.iter().map(|flow| flow.blocks().0)),
                blocks(),
            )?,
        ),
        (
            "scope",
            words(each(rows, |flow| i32::from(flow.is_internal())), texts)?,
        ),
        (
            "tunnel",
            words(
                each(rows, |flow| i32::from(flow.key.tunnel() as u8) - 1),
                tunnels(),
            )?,
        ),
        (
            "outside_block",
            words(block_keys(rows.iter().map(outside_block)), blocks())?,
        ),
        (
            "inside_ip",
            addresses(
                rows.iter()
                    .map(|flow| (flow.key.version(), flow.addresses().0)),
            )?,
        ),
        (
            "outside_ip",
            addresses(
                rows.iter()
                    .map(|flow| (flow.key.version(), flow.addresses().1)),
            )?,
        ),
        (
            "inside_port",
            Arc::new(UInt16Array::from(each(rows, |flow| flow.ports().0))),
        ),
        (
            "outside_port",
            Arc::new(UInt16Array::from(each(rows, |flow| flow.ports().1))),
        ),
        (
            "protocol",
            Arc::new(UInt8Array::from(each(rows, |flow| flow.key.protocol))),
        ),
        (
            "initiator",
            words(each(rows, |flow| initiator_key(flow.initiator())), begun_by)?,
        ),
        ("answered", answered(rows)),
        ("start_time", times(rows, |flow| flow.start_ns)),
        ("end_time", times(rows, |flow| flow.end_ns)),
        ("packets_out", counters(rows, |flow| flow.packets().0)),
        ("packets_in", counters(rows, |flow| flow.packets().1)),
        ("bytes_out", counters(rows, |flow| flow.bytes().0)),
        ("bytes_in", counters(rows, |flow| flow.bytes().1)),
        (
            "tcp_flags_out",
            Arc::new(UInt8Array::from(each(rows, |flow| flow.tcp_flags().0))),
        ),
        (
            "tcp_flags_in",
            Arc::new(UInt8Array::from(each(rows, |flow| flow.tcp_flags().1))),
        ),
    ])
}

fn each<T>(rows: &[&Flow], value: impl Fn(&Flow) -> T) -> Vec<T> {
    rows.iter().map(|flow| value(flow)).collect()
}

fn counters(rows: &[&Flow], value: impl Fn(&Flow) -> u64) -> ArrayRef {
    Arc::new(UInt64Array::from(each(rows, value)))
}

fn times(rows: &[&Flow], value: impl Fn(&Flow) -> i64) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(each(rows, value)).with_timezone("UTC"))
}

fn answered(rows: &[&Flow]) -> ArrayRef {
    let mut bits = BooleanBufferBuilder::new(rows.len());
    for flow in rows {
        bits.append(flow.answered());
    }
    Arc::new(BooleanArray::new(bits.finish(), None))
}

const fn initiator_key(initiator: Initiator) -> i32 {
    match initiator {
        Initiator::Inside => 0,
        Initiator::Outside => 1,
        Initiator::Unknown => 2,
    }
}
