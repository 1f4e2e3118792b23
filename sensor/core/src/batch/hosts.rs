//! The `hosts` table.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder, UInt8Builder};
use arrow_array::{ArrayRef, Date32Array, RecordBatch, TimestampNanosecondArray, UInt64Array};
use arrow_schema::ArrowError;

use super::Labels;
use super::column::{addresses, batch, block_keys, constant, words};
use super::text::push_address;
use crate::hosts::HostRow;
use crate::name::ja4::Ja4;

/// Turns evidence of hosts into rows sorted by day, block and address, as text.
pub fn hosts_batch(rows: &[HostRow], labels: &Labels) -> Result<RecordBatch, ArrowError> {
    let mut rows: Vec<&HostRow> = rows.iter().collect();
    rows.sort_by_cached_key(|row| {
        let place = row.block.index().map(|index| index as usize);
        let block = place.and_then(|place| labels.blocks.get(place));
        let mut address = Vec::new();
        push_address(&mut address, row.version, row.inside);
        (row.day, block, address, row.first_ns)
    });
    let count = rows.len();
    let blocks = block_keys(rows.iter().map(|row| row.block));
    let times = |time: fn(&HostRow) -> i64| -> ArrayRef {
        let times = TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| time(row)));
        Arc::new(times.with_timezone("UTC"))
    };
    let days = Date32Array::from_iter_values(rows.iter().map(|row| row.day));
    let flows = UInt64Array::from_iter_values(rows.iter().map(|row| row.flows));
    batch(vec![
        ("day", Arc::new(days)),
        ("block", words(blocks, labels.blocks.iter().cloned())?),
        (
            "inside_ip",
            addresses(rows.iter().map(|row| (row.version, row.inside)))?,
        ),
        ("sensor", constant(&labels.sensor, count)?),
        ("first", times(|row| row.first_ns)),
        ("last", times(|row| row.last_ns)),
        ("flows", Arc::new(flows)),
        ("ttls", ttls(&rows)),
        (
            "ja4s",
            texts(rows.iter().map(|row| row.ja4s.iter().map(Ja4::as_str))),
        ),
        (
            "user_agents",
            texts(
                rows.iter()
                    .map(|row| row.user_agents.iter().map(|agent| &**agent)),
            ),
        ),
    ])
}

fn ttls(rows: &[&HostRow]) -> ArrayRef {
    let mut list = ListBuilder::new(UInt8Builder::new());
    for row in rows {
        list.values().append_slice(&row.ttls);
        list.append(true);
    }
    Arc::new(list.finish())
}

fn texts<'a>(rows: impl Iterator<Item = impl Iterator<Item = &'a str>>) -> ArrayRef {
    let mut list = ListBuilder::new(StringBuilder::new());
    for row in rows {
        for text in row {
            list.values().append_value(text);
        }
        list.append(true);
    }
    Arc::new(list.finish())
}
