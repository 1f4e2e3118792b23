//! The `accounting` table.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, RecordBatch, TimestampNanosecondArray, UInt16Array, UInt64Array,
};
use arrow_schema::ArrowError;

use super::Labels;
use super::column::{batch, constant, words};
use crate::counters::{Counts, Interval};

/// Turns a worker's intervals into rows in the order given.
pub fn accounting_batch(
    rows: &[Interval],
    worker: u16,
    interfaces: &[String],
    labels: &Labels,
) -> Result<RecordBatch, ArrowError> {
    let count = rows.len();
    let sum = |value: fn(&Counts) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(
            rows.iter().map(|row| value(&row.counts)),
        ))
    };
    let starts = TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row.start_ns));
    let interface = rows.iter().map(|row| i32::from(row.interface)).collect();
    #[allow(clippy::cast_precision_loss)] // A minute at most.
    let lengths = rows.iter().map(|row| row.length_ns as f64 / 1e9);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("time", Arc::new(starts.with_timezone("UTC"))),
        (
            "interval_s",
            Arc::new(Float64Array::from_iter_values(lengths)),
        ),
        ("sensor", constant(&labels.sensor, count)?),
        ("worker", Arc::new(UInt16Array::from(vec![worker; count]))),
        ("interface", words(interface, interfaces.iter().cloned())?),
        ("packets_seen", sum(|counts| counts.packets_seen)),
        ("bytes_seen", sum(|counts| counts.bytes_seen)),
        ("packets_matched", sum(|counts| counts.packets_matched)),
        ("packets_unmatched", sum(|counts| counts.packets_unmatched)),
        ("packets_malformed", sum(|counts| counts.packets_malformed)),
        ("packets_truncated", sum(|counts| counts.packets_truncated)),
        ("packets_duplicate", sum(|counts| counts.packets_duplicate)),
        (
            "packets_prefiltered",
            sum(|counts| counts.packets_prefiltered),
        ),
        (
            "packets_dropped_store",
            sum(|counts| counts.packets_dropped_store),
        ),
        (
            "rows_dropped_store",
            sum(|counts| counts.rows_dropped_store),
        ),
        (
            "packets_dropped_kernel",
            sum(|counts| counts.packets_dropped_kernel),
        ),
        (
            "packets_dropped_interface",
            sum(|counts| counts.packets_dropped_interface),
        ),
        ("flows_created", sum(|counts| counts.flows_created)),
        ("flows_expired", sum(|counts| counts.flows_expired)),
        ("flows_evicted", sum(|counts| counts.flows_evicted)),
        ("names_found", sum(|counts| counts.names_found)),
        ("names_evicted", sum(|counts| counts.names_evicted)),
    ];
    batch(columns)
}
