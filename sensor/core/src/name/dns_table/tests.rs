use proptest::prelude::*;

use super::*;
use crate::name::dns::parse_message;

const CLIENT: (u128, u16) = (1, 5000);
const SERVER: (u128, u16) = (2, 53);
const SECOND: u64 = 1_000_000_000;

fn message(id: u8, response: bool, name: u8, addresses: &[u8]) -> Message {
    let mut bytes = vec![0, id, if response { 0x81 } else { 1 }, 0, 0, 1, 0];
    bytes.extend([addresses.len() as u8, 0, 0, 0, 0, 1, name, 0, 0, 1, 0, 1]);
    for &address in addresses {
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, address]);
    }
    parse_message(&bytes).expect("a message")
}

fn context(clock_ns: u64, from_client: bool) -> DnsContext {
    let (source, destination) = if from_client {
        (CLIENT, SERVER)
    } else {
        (SERVER, CLIENT)
    };
    DnsContext {
        time_ns: clock_ns.cast_signed(),
        clock_ns,
        inside: CLIENT.0,
        block: crate::watch::BlockRef::NONE,
        source,
        destination,
        version: 4,
        transport: DnsTransport::Udp,
        flow_id: 9,
    }
}

fn ask(table: &mut DnsTransactions, clock_ns: u64, id: u8, name: u8) -> Vec<DnsRow> {
    let mut rows = Vec::new();
    table.take(
        &context(clock_ns, true),
        &message(id, false, name, &[]),
        &mut rows,
    );
    rows
}

fn answer(table: &mut DnsTransactions, clock_ns: u64, id: u8, name: u8) -> Vec<DnsRow> {
    let mut rows = Vec::new();
    table.take(
        &context(clock_ns, false),
        &message(id, true, name, &[7]),
        &mut rows,
    );
    rows
}

#[test]
fn other_rules_keep_a_query_of_the_same_block_and_put_out_others() {
    let other = BlockRef::new(3);
    for (renewed, block) in [(Some(other), other), (None, BlockRef::NONE)] {
        let mut table = DnsTransactions::default();
        ask(&mut table, 5000, 1, b'a');
        let mut rows = Vec::new();
        table.rematch(|_, _, _| renewed, &mut rows);
        assert_eq!(rows.len(), usize::from(renewed.is_none()));
        assert!(rows.iter().all(|row| row.rcode.is_none()));
        let answered = answer(&mut table, 2_005_999, 1, b'a');
        assert_eq!(answered.len(), 1);
        assert_eq!(answered[0].block, block);
        assert_eq!(answered[0].latency_us.is_some(), renewed.is_some());
        let counters = table.counters();
        assert_eq!(counters.unanswered, u64::from(renewed.is_none()));
    }
}

#[test]
fn one_row_of_query_and_answer() {
    let mut table = DnsTransactions::default();
    assert_eq!(ask(&mut table, 5000, 1, b'a'), []);
    let rows = answer(&mut table, 2_005_999, 1, b'a');
    let [row] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!((row.time_ns, row.latency_us), (5000, Some(2000)));
    assert_eq!((row.inside, row.server), (CLIENT.0, SERVER.0));
    assert_eq!((row.qname(), row.qtype, row.rcode), ("a", 1, Some(0)));
    assert_eq!(row.answers().collect::<Vec<_>>(), ["192.0.2.7"]);
    assert_eq!((row.cnames().count(), row.min_ttl), (0, Some(60)));
}

#[test]
fn repetitions_are_no_rows() {
    let mut table = DnsTransactions::default();
    ask(&mut table, 0, 1, b'a');
    assert_eq!(ask(&mut table, SECOND, 1, b'a'), []);
    assert_eq!(
        answer(&mut table, 2 * SECOND, 1, b'a')[0].latency_us,
        Some(2_000_000)
    );
    assert_eq!(answer(&mut table, 2 * SECOND + 1, 1, b'a'), []);
    assert_eq!(answer(&mut table, 5 * SECOND, 1, b'a')[0].latency_us, None);
    let counters = table.counters();
    assert_eq!(
        (counters.repeated_queries, counters.repeated_answers),
        (1, 1)
    );
    assert_eq!((counters.answered, counters.unasked), (1, 1));
}

#[test]
fn one_number_for_two_questions() {
    let mut table = DnsTransactions::default();
    ask(&mut table, 0, 1, b'a');
    ask(&mut table, 1, 1, b'b');
    assert_eq!(answer(&mut table, 2, 1, b'b')[0].qname(), "b");
    assert_eq!(answer(&mut table, 3, 1, b'a')[0].qname(), "a");
    assert_eq!(table.counters().answered, 2);
}

#[test]
fn unanswered_after_the_timeout_and_at_the_end() {
    let mut table = DnsTransactions::default();
    let mut rows = Vec::new();
    ask(&mut table, 0, 1, b'a');
    ask(&mut table, 1, 2, b'b');
    table.expire(QUERY_TIMEOUT_NS - 1, &mut rows);
    assert_eq!(rows, []);
    table.expire(QUERY_TIMEOUT_NS, &mut rows);
    assert_eq!((rows.len(), rows[0].rcode, rows[0].qname()), (1, None, "a"));
    assert_eq!(
        answer(&mut table, QUERY_TIMEOUT_NS, 1, b'a')[0].latency_us,
        None
    );
    table.finish(&mut rows);
    assert_eq!((rows.len(), rows[1].qname()), (2, "b"));
    assert!(table.is_empty());
}

#[test]
fn the_oldest_make_room() {
    let mut table = DnsTransactions::new(2);
    ask(&mut table, 0, 1, b'a');
    ask(&mut table, 1, 2, b'b');
    answer(&mut table, 2, 1, b'a');
    assert_eq!(ask(&mut table, 3, 3, b'c'), []);
    assert_eq!(ask(&mut table, 4, 4, b'd')[0].qname(), "b");
    assert_eq!((table.counters().evicted, table.len()), (1, 2));
}

proptest! {
    /// Every query and every answer ends in one row or one counter, whatever their order.
    #[test]
    fn nothing_is_lost(
        events in prop::collection::vec((any::<bool>(), 0u8..4, 0u8..3, 0u64..4 * SECOND), 0..80),
        capacity in 1usize..8,
    ) {
        let mut table = DnsTransactions::new(capacity);
        let (mut clock_ns, mut rows) = (0, 0);
        let (mut queries, mut answers) = (0, 0);
        for (is_query, id, name, later_ns) in events {
            clock_ns += later_ns;
            if is_query {
                queries += 1;
                rows += ask(&mut table, clock_ns, id, b'a' + name).len();
            } else {
                answers += 1;
                rows += answer(&mut table, clock_ns, id, b'a' + name).len();
            }
            prop_assert!(table.len() <= capacity);
        }
        let mut rest = Vec::new();
        table.finish(&mut rest);
        rows += rest.len();
        let counters = table.counters();
        prop_assert_eq!(queries, counters.answered + counters.unanswered + counters.repeated_queries);
        prop_assert_eq!(answers, counters.answered + counters.unasked + counters.repeated_answers);
        prop_assert_eq!(rows as u64, counters.answered + counters.unanswered + counters.unasked);
    }
}
