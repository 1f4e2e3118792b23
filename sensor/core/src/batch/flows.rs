//! The `flows` table.

use std::sync::Arc;

use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::{
    ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampNanosecondArray, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::Labels;
use super::column::{addresses, constant, no_words, words};
use crate::decode::Tunnel;
use crate::flow::{EndReason, Flow, Initiator};

/// Turns flow records into rows sorted by start time, flow and record.
pub fn flows_batch(records: &[Flow], labels: &Labels) -> Result<RecordBatch, ArrowError> {
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
    let flow_ids = UInt64Array::from_iter_values(order.iter().map(|&(_, id, ..)| id));
    let columns = columns(&rows, flow_ids, labels)?;
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

#[allow(clippy::too_many_lines)] // A column each.
fn columns(
    rows: &[&Flow],
    flow_ids: UInt64Array,
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
    let key = |number: Option<u32>| {
        number
            .and_then(|number| i32::try_from(number).ok())
            .unwrap_or(-1)
    };
    let texts = ["external", "internal"].map(str::to_owned);
    let begun_by = ["inside", "outside", "unknown"].map(str::to_owned);
    let reasons = EndReason::ALL.map(|reason| reason.word().to_owned());
    let outside_block = |flow: &Flow| {
        if flow.is_internal() {
            flow.blocks().1.index()
        } else {
            None
        }
    };
    Ok(vec![
        ("sensor", constant(&labels.sensor, count)?),
        (
            "block",
            words(each(rows, |flow| key(flow.blocks().0.index())), blocks())?,
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
            words(each(rows, |flow| key(outside_block(flow))), blocks())?,
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
        ("application", no_words(count)?),
        ("name", Arc::new(StringArray::new_null(count))),
        ("name_source", no_words(count)?),
        ("names", no_names(count)),
        ("ech", Arc::new(BooleanArray::new_null(count))),
        ("ja4", Arc::new(StringArray::new_null(count))),
        ("service", no_words(count)?),
        ("organisation", no_words(count)?),
        ("category", no_words(count)?),
        ("country", no_words(count)?),
        ("country_source", no_words(count)?),
        ("flow_id", Arc::new(flow_ids)),
        (
            "record",
            Arc::new(UInt32Array::from(each(rows, |flow| flow.record))),
        ),
        (
            "end_reason",
            words(each(rows, |flow| i32::from(flow.reason() as u16)), reasons)?,
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

fn no_names(rows: usize) -> ArrayRef {
    let item = Arc::new(Field::new("item", DataType::Utf8, true));
    new_null_array(&DataType::List(item), rows)
}
