//! The `dns` table.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, TimestampNanosecondArray, UInt32Array, UInt64Array};
use arrow_schema::ArrowError;

use super::Labels;
use super::column::{addresses, batch, block_keys, constant, words};
use crate::name::dns_table::{DnsRow, DnsTransport};

/// Rows whose text is fetched together, so that the cache misses overlap.
const GROUP: usize = 32;

/// Types of records by their number, after the registry of DNS parameters.
const TYPES: [(u16, &str); 25] = [
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (10, "NULL"),
    (12, "PTR"),
    (13, "HINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (28, "AAAA"),
    (29, "LOC"),
    (33, "SRV"),
    (35, "NAPTR"),
    (39, "DNAME"),
    (43, "DS"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (52, "TLSA"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (252, "AXFR"),
    (255, "ANY"),
    (257, "CAA"),
];

/// Response codes by their number.
const CODES: [&str; 12] = [
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSET",
    "NOTAUTH",
    "NOTZONE",
    "DSOTYPENI",
];

/// Turns DNS transactions into rows sorted by time and flow.
pub fn dns_batch(rows: &[DnsRow], labels: &Labels) -> Result<RecordBatch, ArrowError> {
    let mut order: Vec<(i64, u64, &DnsRow)> = rows
        .iter()
        .map(|row| (row.time_ns, row.flow_id, row))
        .collect();
    // The names, which lie elsewhere, are asked only where the rest is equal.
    order.sort_by(|a, b| {
        let by_flow = (a.0, a.1).cmp(&(b.0, b.1));
        by_flow.then_with(|| a.2.qname().cmp(b.2.qname()))
    });
    let rows: Vec<&DnsRow> = order.into_iter().map(|(.., row)| row).collect();
    let (names, cnames, answers) = texts(&rows);
    let count = rows.len();
    let times = TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row.time_ns));
    let transport = rows.iter().map(|row| row.transport as i32).collect();
    let transports = DnsTransport::ALL.map(|transport| transport.word().to_owned());
    let qtypes = coded(rows.iter().map(|row| Some(row.qtype)), type_word)?;
    let rcodes = coded(rows.iter().map(|row| row.rcode), code_word)?;
    let numbers = rows.iter().map(|row| row.latency_us.map(u64::from));
    let blocks = block_keys(rows.iter().map(|row| row.block));
    batch(vec![
        ("sensor", constant(&labels.sensor, count)?),
        ("block", words(blocks, labels.blocks.iter().cloned())?),
        ("time", Arc::new(times.with_timezone("UTC"))),
        (
            "inside_ip",
            addresses(rows.iter().map(|row| (row.version, row.inside)))?,
        ),
        (
            "server_ip",
            addresses(rows.iter().map(|row| (row.version, row.server)))?,
        ),
        ("transport", words(transport, transports)?),
        ("qname", names),
        ("qtype", qtypes),
        ("rcode", rcodes),
        ("answers", answers),
        ("cnames", cnames),
        (
            "min_ttl",
            Arc::new(rows.iter().map(|row| row.min_ttl).collect::<UInt32Array>()),
        ),
        ("latency_us", Arc::new(numbers.collect::<UInt64Array>())),
        (
            "flow_id",
            Arc::new(UInt64Array::from_iter_values(
                rows.iter().map(|row| row.flow_id),
            )),
        ),
    ])
}

/// Names, aliases and answers, which lie side by side: one walk over the rows for all of them.
fn texts(rows: &[&DnsRow]) -> (ArrayRef, ArrayRef, ArrayRef) {
    let mut names = StringBuilder::with_capacity(rows.len(), rows.len() * 24);
    let mut cnames = ListBuilder::new(StringBuilder::new());
    let mut answers = ListBuilder::new(StringBuilder::new());
    for group in rows.chunks(GROUP) {
        black_box(group.iter().fold(0, |sum, row| sum ^ row.touch()));
        for row in group {
            let mut lines = row.lines();
            names.append_value(lines.next().unwrap_or_default());
            for name in lines.by_ref().take(usize::from(row.cname_count)) {
                cnames.values().append_value(name);
            }
            cnames.append(true);
            lines.for_each(|answer| answers.values().append_value(answer));
            answers.append(true);
        }
    }
    (
        Arc::new(names.finish()),
        Arc::new(cnames.finish()),
        Arc::new(answers.finish()),
    )
}

/// Numbers by their words, each of which stands once.
fn coded(
    numbers: impl Iterator<Item = Option<u16>>,
    word: fn(u16) -> String,
) -> Result<ArrayRef, ArrowError> {
    let mut known: HashMap<u16, i32> = HashMap::new();
    let mut all = Vec::new();
    let keys = numbers
        .map(|number| {
            number.map_or(-1, |number| {
                *known.entry(number).or_insert_with(|| {
                    all.push(word(number));
                    all.len() as i32 - 1
                })
            })
        })
        .collect();
    words(keys, all)
}

fn type_word(number: u16) -> String {
    let known = TYPES.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| format!("TYPE{number}"), |(_, word)| (*word).to_owned())
}

fn code_word(number: u16) -> String {
    match (CODES.get(usize::from(number)), number) {
        (Some(word), _) => (*word).to_owned(),
        (None, 16) => "BADVERS".to_owned(),
        (None, 23) => "BADCOOKIE".to_owned(),
        (None, _) => format!("RCODE{number}"),
    }
}
