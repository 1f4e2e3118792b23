//! The `flows` table.

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, TimeUnit};

use super::super::flows_batch;
use super::{dictionary, is_null, labels, shape, texts, words};
use crate::decode::{Level, Tunnel};
use crate::flow::tests::build::{
    ACK, LIMITS, RST, SECOND, SYN, UDP, host, level, packets, segment,
};
use crate::flow::{Flow, Shard};
use crate::source::Bytes;

/// The records of levels at these seconds, in the order in which the shard gives them.
fn records(sent: &[(i64, Level)]) -> Vec<Flow> {
    let packets = packets(sent);
    let mut shard = Shard::new(LIMITS, ()).expect("room");
    shard.take(&packets, Bytes::default());
    let clock_ns = packets.last().map_or(0, |packet| packet.clock_ns);
    while shard.finish(clock_ns, 100) {}
    std::mem::take(shard.records())
}

fn batch(sent: &[(i64, Level)]) -> RecordBatch {
    flows_batch(&records(sent), &[], &labels()).expect("a batch")
}

#[test]
fn columns_and_types() {
    let text = DataType::Utf8;
    let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let list = DataType::List(Field::new("item", DataType::Utf8, true).into());
    let expected = [
        ("sensor", dictionary()),
        ("block", dictionary()),
        ("scope", dictionary()),
        ("tunnel", dictionary()),
        ("outside_block", dictionary()),
        ("inside_ip", text.clone()),
        ("outside_ip", text.clone()),
        ("inside_port", DataType::UInt16),
        ("outside_port", DataType::UInt16),
        ("protocol", DataType::UInt8),
        ("initiator", dictionary()),
        ("answered", DataType::Boolean),
        ("start_time", time.clone()),
        ("end_time", time),
        ("packets_out", DataType::UInt64),
        ("packets_in", DataType::UInt64),
        ("bytes_out", DataType::UInt64),
        ("bytes_in", DataType::UInt64),
        ("tcp_flags_out", DataType::UInt8),
        ("tcp_flags_in", DataType::UInt8),
        ("application", dictionary()),
        ("name", text.clone()),
        ("name_source", dictionary()),
        ("names", list),
        ("ech", DataType::Boolean),
        ("ja4", text),
        ("service", dictionary()),
        ("organisation", dictionary()),
        ("category", dictionary()),
        ("country", dictionary()),
        ("country_source", dictionary()),
        ("flow_id", DataType::UInt64),
        ("record", DataType::UInt32),
        ("end_reason", dictionary()),
    ]
    .map(|(name, kind)| (name.to_owned(), kind));
    for batch in [
        batch(&[]),
        batch(&[(0, level(UDP, (host(1), 1), (host(200), 2)))]),
    ] {
        assert_eq!(shape(&batch), expected);
    }
}

#[test]
fn one_row_says_what_the_record_says() {
    let (inside, outside) = ((host(1), 40_000), (host(200), 443));
    let records = records(&[
        (5, segment(inside, outside, SYN, 0)),
        (6, segment(outside, inside, SYN | ACK, 0)),
        (7, segment(inside, outside, RST, 0)),
    ]);
    let batch = flows_batch(&records, &[], &labels()).expect("a batch");
    assert_eq!(batch.num_rows(), 1);
    for (name, word) in [
        ("sensor", "probe"),
        ("block", "first"),
        ("scope", "external"),
        ("inside_ip", "10.0.0.1"),
        ("outside_ip", "10.0.0.200"),
        ("initiator", "inside"),
        ("end_reason", "rst"),
    ] {
        assert_eq!(words(&batch, name), [word], "{name}");
    }
    let number = |name: &str| {
        let column = batch.column_by_name(name).expect("the column");
        match column.data_type() {
            DataType::UInt8 => u64::from(column.as_primitive::<UInt8Type>().value(0)),
            DataType::UInt16 => u64::from(column.as_primitive::<UInt16Type>().value(0)),
            DataType::UInt32 => u64::from(column.as_primitive::<UInt32Type>().value(0)),
            DataType::UInt64 => column.as_primitive::<UInt64Type>().value(0),
            _ => column
                .as_primitive::<TimestampNanosecondType>()
                .value(0)
                .cast_unsigned(),
        }
    };
    let second = SECOND.unsigned_abs();
    for (name, value) in [
        ("inside_port", 40_000),
        ("outside_port", 443),
        ("protocol", 6),
        ("start_time", 5 * second),
        ("end_time", 7 * second),
        ("packets_out", 2),
        ("packets_in", 1),
        ("bytes_out", 200),
        ("bytes_in", 100),
        ("tcp_flags_out", u64::from(SYN | RST)),
        ("tcp_flags_in", u64::from(SYN | ACK)),
        ("flow_id", records[0].flow_id()),
        ("record", 0),
    ] {
        assert_eq!(number(name), value, "{name}");
    }
    assert!(batch["answered"].as_boolean().value(0));
    for name in [
        "tunnel",
        "outside_block",
        "application",
        "name",
        "name_source",
        "names",
        "ech",
        "ja4",
        "service",
        "organisation",
        "category",
        "country",
        "country_source",
    ] {
        assert!(is_null(&batch, name), "{name}");
    }
}

#[test]
fn words_of_every_kind_stand_in_their_rows() {
    let tunnelled = |tunnel, port| Level {
        tunnel,
        ..level(UDP, (host(1), port), (host(200), 2))
    };
    let mut sent = vec![
        (0, level(UDP, (host(1), 1), (host(10), 2))),
        (1, level(UDP, (host(200), 1), (host(11), 2))),
        (2, segment((host(2), 1), (host(200), 2), ACK, 0)),
        (3, tunnelled(Tunnel::None, 100)),
    ];
    sent.extend(
        (4..)
            .zip(Tunnel::ALL)
            .map(|(second, tunnel)| (second, tunnelled(tunnel, 100))),
    );
    let batch = batch(&sent);
    let some = |word: &str| Some(word.to_owned());
    assert_eq!(words(&batch, "block")[..3], ["first", "second", "first"]);
    assert_eq!(words(&batch, "scope")[..2], ["internal", "external"]);
    assert_eq!(texts(&batch, "outside_block")[..2], [some("second"), None]);
    assert_eq!(
        words(&batch, "initiator")[..3],
        ["inside", "outside", "unknown"]
    );
    let tunnels: Vec<_> = Tunnel::ALL
        .iter()
        .map(|tunnel| tunnel.word().map(str::to_owned))
        .collect();
    assert_eq!(texts(&batch, "tunnel")[3], None);
    assert_eq!(texts(&batch, "tunnel")[4..], tunnels);
}

#[test]
fn rows_are_sorted_by_start_flow_and_record() {
    // Sent so that the table gives them in another order, several of them in the same second.
    let sent: Vec<_> = (0..400_u16)
        .map(|number| {
            let port = number * 37 % 50;
            (
                i64::from(number / 8),
                level(UDP, (host(1), port), (host(200), 2)),
            )
        })
        .collect();
    let mut records = records(&sent);
    records.reverse();
    let batch = flows_batch(&records, &[], &labels()).expect("a batch");
    assert_eq!(batch.num_rows(), records.len());
    let starts = batch["start_time"].as_primitive::<TimestampNanosecondType>();
    let ids = batch["flow_id"].as_primitive::<UInt64Type>();
    let numbers = batch["record"].as_primitive::<UInt32Type>();
    let order: Vec<_> = (0..batch.num_rows())
        .map(|row| (starts.value(row), ids.value(row), numbers.value(row)))
        .collect();
    assert!(order.is_sorted());
    let mut expected: Vec<_> = records
        .iter()
        .map(|flow| (flow.start_ns, flow.flow_id(), flow.record))
        .collect();
    expected.sort_unstable();
    assert_eq!(order, expected);
    assert!(numbers.iter().any(|number| number > Some(0)), "cut by age");
}

#[test]
fn ipv6_rows() {
    let six = Level {
        version: 6,
        ..level(UDP, (0x2001_0db8 << 96 | 5, 1), (host(1), 2))
    };
    let batch = batch(&[(0, six)]);
    assert_eq!(words(&batch, "inside_ip"), ["2001:db8::5"]);
    assert_eq!(words(&batch, "outside_ip"), ["::ffff:10.0.0.1"]);
}
