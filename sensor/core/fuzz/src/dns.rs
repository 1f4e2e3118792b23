//! DNS: messages, their stream, queries matched with answers, names of addresses.

use blocktap_core::name::dns::{Message, is_dns_strict, parse_message, tcp_messages};
use blocktap_core::name::dns_name::{MAX_NAME_BYTES, read_name, skip_name};
use blocktap_core::name::dns_table::{
    DnsContext, DnsTransactions, DnsTransport, MAX_ROW_ANSWERS, MAX_ROW_CNAMES,
};
use blocktap_core::name::join::{Join, JoinLimits};
use blocktap_core::watch::BlockRef;

use super::pieces::Pieces;

/// Longest name as text: every octet an escape of four characters.
const MOST_NAME_CHARACTERS: usize = 4 * MAX_NAME_BYTES;
const SECOND_NS: i64 = 1_000_000_000;

/// Two messages read into the same memory: the second is what it would be alone.
pub fn message(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let first = pieces.piece();
    let second = pieces.rest();
    let mut used = Message::default();
    if used.parse(first) {
        check(&used, first);
    }
    let parsed = used.parse(second);
    let alone = parse_message(second);
    assert_eq!(parsed, alone.is_some());
    if let Some(alone) = alone {
        check(&alone, second);
        assert_eq!(said(&used), said(&alone));
    }
    let strict = is_dns_strict(second, &mut used);
    assert!(parsed || !strict);
    names(second);
}

/// Messages behind their lengths.
pub fn stream(bytes: &[u8]) {
    let (consumed, messages) = tcp_messages(bytes);
    let mut message = Message::default();
    let mut counted = 0;
    for frame in messages {
        counted += frame.len() + 2;
        if message.parse(frame) {
            check(&message, frame);
        }
    }
    assert!(counted == consumed && consumed <= bytes.len());
}

/// A table with little room, messages of few hosts, and time that may stand still.
pub fn table(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let capacity = usize::from(pieces.u8() % 16) + 1;
    let mut table = DnsTransactions::new(capacity);
    let (mut message, mut rows, mut clock_ns) = (Message::default(), Vec::new(), 0);
    while !pieces.is_empty() {
        let ends = pieces.u8();
        clock_ns += u64::from(pieces.u8()) * SECOND_NS.unsigned_abs() / 16;
        let (client, server) = ((u128::from(ends & 1), 40_000), (u128::from(ends & 2), 53));
        if message.parse(pieces.piece()) {
            let (source, destination) = if message.is_response() {
                (server, client)
            } else {
                (client, server)
            };
            let context = DnsContext {
                time_ns: clock_ns.cast_signed(),
                clock_ns,
                inside: client.0,
                block: BlockRef::NONE,
                source,
                destination,
                version: 4,
                transport: DnsTransport::ALL[usize::from(ends >> 2 & 3)],
                flow_id: u64::from(ends),
            };
            table.take(&context, &message, &mut rows);
        }
        if ends & 0x80 != 0 {
            table.expire(clock_ns, &mut rows);
        }
        assert!(table.len() <= capacity);
    }
    table.finish(&mut rows);
    assert!(table.is_empty());
    let counters = table.counters();
    let said = counters.answered + counters.unanswered + counters.unasked;
    assert_eq!(said, rows.len() as u64);
    for row in &rows {
        assert!(row.answers().count() <= MAX_ROW_ANSWERS && row.cnames().count() <= MAX_ROW_CNAMES);
    }
}

/// Answers of which a small memory keeps the newest.
pub fn join(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let limits = JoinLimits {
        pairs: usize::from(pieces.u8() % 16) + 1,
        name_bytes: usize::from(pieces.u8()) + 1,
        slack_ns: i64::from(pieces.u8()) * SECOND_NS,
    };
    let mut join = Join::new(limits);
    let mut message = Message::default();
    let mut time_ns = 0i64;
    while !pieces.is_empty() {
        let inside = u128::from(pieces.u8() & 3);
        time_ns = time_ns.saturating_add(i64::from(pieces.u8().cast_signed()) * SECOND_NS);
        if pieces.u8() == 0xff {
            time_ns = i64::MAX;
        }
        if message.parse(pieces.piece()) {
            join.learn(inside, &message, time_ns);
            for found in message.addresses() {
                if let Some(name) = join.name_for(inside, found.address, time_ns) {
                    assert!(!name.is_empty());
                }
            }
        }
        assert!(join.len() <= limits.pairs);
    }
}

fn names(bytes: &[u8]) {
    let mut text = String::new();
    let read = read_name(bytes, 0, &mut text);
    assert!(text.len() <= MOST_NAME_CHARACTERS);
    if let Ok(end) = read {
        assert!(end <= bytes.len());
        assert_eq!(skip_name(bytes, 0), Ok(end));
    }
}

/// What a message says, without the memory that it leaves for the next.
fn said(message: &Message) -> String {
    let questions: Vec<_> = message
        .questions()
        .iter()
        .map(|one| message.text(one.name))
        .collect();
    let owners: Vec<_> = message
        .answers()
        .iter()
        .map(|one| message.text(one.owner))
        .collect();
    let addresses: Vec<_> = message.addresses().collect();
    let Message {
        id,
        flags,
        rcode,
        counts,
        truncated,
        malformed,
        edns,
        min_ttl,
        bytes_read,
        ..
    } = message;
    format!(
        "{id} {flags} {rcode} {counts:?} {truncated} {malformed} {edns:?} {min_ttl:?} {bytes_read} {questions:?} \
        {:?} {owners:?} {:?} {addresses:?}",
        message.questions(),
        message.answers()
    )
}

fn check(message: &Message, bytes: &[u8]) {
    assert!(message.bytes_read <= bytes.len());
    for question in message.questions() {
        assert!(message.text(question.name).len() <= MOST_NAME_CHARACTERS);
        question.wants_unicast();
    }
    for answer in message.answers() {
        assert!(message.text(answer.owner).len() <= MOST_NAME_CHARACTERS);
        answer.flushes_cache();
    }
    let owned = message.addresses().map(|found| found.name.len()).max();
    assert!(owned.unwrap_or(0) <= MOST_NAME_CHARACTERS);
    message.first_name();
}
