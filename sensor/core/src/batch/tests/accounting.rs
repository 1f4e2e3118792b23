//! The `accounting` table.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampNanosecondType, UInt16Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};

use super::super::accounting_batch;
use super::{dictionary, labels, shape, words};
use crate::counters::{Counts, INTERVAL_NS, Interval};

const NUMBERS: [&str; 17] = [
    "packets_seen",
    "bytes_seen",
    "packets_matched",
    "packets_unmatched",
    "packets_malformed",
    "packets_truncated",
    "packets_duplicate",
    "packets_prefiltered",
    "packets_dropped_store",
    "rows_dropped_store",
    "packets_dropped_kernel",
    "packets_dropped_interface",
    "flows_created",
    "flows_expired",
    "flows_evicted",
    "names_found",
    "names_evicted",
];

fn batch(rows: &[Interval]) -> RecordBatch {
    let interfaces = ["first.pcap", "second.pcap"].map(str::to_owned);
    accounting_batch(rows, 3, &interfaces, &labels()).expect("a batch")
}

#[test]
fn columns_and_types() {
    let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let mut expected = vec![
        ("time".to_owned(), time),
        ("interval_s".to_owned(), DataType::Float64),
        ("sensor".to_owned(), dictionary()),
        ("worker".to_owned(), DataType::UInt16),
        ("interface".to_owned(), dictionary()),
    ];
    expected.extend(NUMBERS.map(|name| (name.to_owned(), DataType::UInt64)));
    assert_eq!(shape(&batch(&[])), expected);
}

#[test]
fn every_count_stands_in_its_column() {
    let counts = Counts {
        packets_seen: 1,
        bytes_seen: 2,
        packets_matched: 3,
        packets_unmatched: 4,
        packets_malformed: 5,
        bytes_matched: 13,
        bytes_malformed: 14,
        packets_truncated: 6,
        packets_duplicate: 7,
        packets_prefiltered: 8,
        packets_dropped_store: 9,
        rows_dropped_store: 10,
        packets_dropped_kernel: 11,
        packets_dropped_interface: 12,
        flows_created: 13,
        flows_expired: 14,
        flows_evicted: 15,
        names_found: 16,
        names_evicted: 17,
        ..Counts::default()
    };
    let row = |start_ns, length_ns, interface| Interval {
        start_ns,
        length_ns,
        interface,
        counts,
    };
    let batch = batch(&[
        row(0, INTERVAL_NS, 1),
        row(-INTERVAL_NS, INTERVAL_NS / 8, 0),
    ]);
    assert_eq!(words(&batch, "sensor"), ["probe"; 2]);
    assert_eq!(words(&batch, "interface"), ["second.pcap", "first.pcap"]);
    let starts = batch["time"].as_primitive::<TimestampNanosecondType>();
    assert_eq!(starts.values()[..], [0, -INTERVAL_NS]);
    let lengths = batch["interval_s"].as_primitive::<Float64Type>();
    assert_eq!(lengths.values()[..], [60.0, 7.5]);
    let workers = batch["worker"].as_primitive::<UInt16Type>();
    assert_eq!(workers.values()[..], [3; 2]);
    let numbers = NUMBERS.map(|name| batch[name].as_primitive::<UInt64Type>().value(1));
    assert_eq!(
        numbers,
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]
    );
    assert!(
        batch
            .columns()
            .iter()
            .all(|column| column.null_count() == 0)
    );
}
