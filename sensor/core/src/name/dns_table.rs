//! DNS transactions: each query matched with its answer, one row for both.

use std::collections::{HashMap, VecDeque, hash_map};
use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use super::dns::Message;
use crate::watch::BlockRef;

mod row;
#[cfg(test)]
mod tests;

pub use row::{DnsRow, DnsTransport, MAX_ROW_ANSWERS, MAX_ROW_CNAMES};

/// Most transactions of one shard that are remembered; the oldest are put out beyond.
pub const MAX_OPEN_QUERIES: usize = 1 << 16;
/// A query is unanswered after so long on the stream's clock; resolvers ask again after 5 seconds.
pub const QUERY_TIMEOUT_NS: u64 = 10_000_000_000;
/// The same answer within so long after the first is no answer of its own.
pub const REPEATED_ANSWER_NS: u64 = 2_000_000_000;
/// Most questions of one message that count: only multicast DNS has more than one.
pub const MAX_QUERY_QUESTIONS: usize = 16;

/// Where and when a message was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsContext {
    /// Packet time.
    pub time_ns: i64,
    /// The stream's clock.
    pub clock_ns: u64,
    /// The address in a watched block.
    pub inside: u128,
    /// That block.
    pub block: BlockRef,
    /// Address and port of the message's sender.
    pub source: (u128, u16),
    /// Address and port of its receiver.
    pub destination: (u128, u16),
    /// 4 or 6.
    pub version: u8,
    /// What carried it.
    pub transport: DnsTransport,
    /// Identity of the flow.
    pub flow_id: u64,
}

/// What the table has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DnsTableCounters {
    /// Rows of a query and its answer.
    pub answered: u64,
    /// Rows of a query without an answer.
    pub unanswered: u64,
    /// Rows of an answer without a query.
    pub unasked: u64,
    /// Queries sent again while they were open.
    pub repeated_queries: u64,
    /// Answers that came again.
    pub repeated_answers: u64,
    /// Those of the unanswered that were put out for lack of room.
    pub evicted: u64,
}

/// What tells a transaction from others, hashed twice with keys of their own: 128 bits that nobody can aim at
/// are as good as the whole, and fit a cache line with what is kept.
type Key = (u64, u64);

#[derive(Debug)]
struct Transaction {
    key: Key,
    deadline_ns: u64,
    /// The row to come; taken when it was answered.
    row: Option<DnsRow>,
    answered_ns: u64,
}

/// The transactions of one shard.
#[derive(Debug)]
pub struct DnsTransactions {
    /// The number of the latest transaction with a key: small, since it is read at random.
    known: HashMap<Key, u64, foldhash::fast::RandomState>,
    /// In the order of their numbers, which is that of their deadlines; those that are no longer the latest
    /// with their key are over.
    queue: VecDeque<Transaction>,
    /// The number of the first in the queue.
    first: u64,
    capacity: usize,
    hashers: [RandomState; 2],
    counters: DnsTableCounters,
}

impl Default for DnsTransactions {
    fn default() -> Self {
        Self::new(MAX_OPEN_QUERIES)
    }
}

impl DnsTransactions {
    /// A table that remembers at most `capacity` transactions.
    pub fn new(capacity: usize) -> Self {
        Self {
            known: HashMap::default(),
            queue: VecDeque::new(),
            first: 0,
            capacity: capacity.max(1),
            hashers: std::array::from_fn(|_| RandomState::default()),
            counters: DnsTableCounters::default(),
        }
    }

    /// Takes a message; what is over thereby goes to `rows`. Whether somebody asked for it, where it is an answer.
    pub fn take(
        &mut self,
        context: &DnsContext,
        message: &Message,
        rows: &mut Vec<DnsRow>,
    ) -> bool {
        self.expire(context.clock_ns, rows);
        if message.is_response() {
            return self.answer(context, message, rows);
        }
        for question in message.questions().iter().take(MAX_QUERY_QUESTIONS) {
            let name = message.text(question.name);
            let key = self.key(context, message, name, question.qtype);
            self.ask(key, context, name, question.qtype, rows);
        }
        false
    }

    /// Puts out the queries that got no answer in time.
    pub fn expire(&mut self, clock_ns: u64, rows: &mut Vec<DnsRow>) {
        while let Some(oldest) = self.queue.front()
            && oldest.deadline_ns <= clock_ns
        {
            self.forget_oldest(rows);
        }
    }

    /// The rules have changed: `renew` gives the block of an inside address its new number, or nothing where
    /// it is no longer the same. Queries of those are put out.
    pub fn rematch(
        &mut self,
        renew: impl Fn(u8, u128, BlockRef) -> Option<BlockRef>,
        rows: &mut Vec<DnsRow>,
    ) {
        for transaction in &mut self.queue {
            let Some(mut row) = transaction.row.take() else {
                continue;
            };
            if let Some(block) = renew(row.version, row.inside, row.block) {
                row.block = block;
                transaction.row = Some(row);
            } else {
                self.counters.unanswered += 1;
                self.known.remove(&transaction.key);
                rows.push(row);
            }
        }
    }

    /// Puts out every query that is open: the input is over.
    pub fn finish(&mut self, rows: &mut Vec<DnsRow>) {
        self.expire(u64::MAX, rows);
    }

    /// What the table has done so far.
    pub const fn counters(&self) -> DnsTableCounters {
        self.counters
    }

    /// Transactions remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The question is part of it: some clients use one number and port for all they ask.
    fn key(&self, context: &DnsContext, message: &Message, name: &str, qtype: u16) -> Key {
        let (client, server) = if message.is_response() {
            (context.destination, context.source.0)
        } else {
            (context.source, context.destination.0)
        };
        let small = u64::from(client.1)
            | u64::from(message.id) << 16
            | u64::from(qtype) << 32
            | (context.transport as u64) << 48;
        let [one, other] = &self.hashers;
        let whole = (client.0, server, small, name);
        (one.hash_one(whole), other.hash_one(whole))
    }

    fn ask(
        &mut self,
        key: Key,
        context: &DnsContext,
        name: &str,
        qtype: u16,
        rows: &mut Vec<DnsRow>,
    ) {
        if self.latest(&key).is_some_and(|known| known.row.is_some()) {
            self.counters.repeated_queries += 1;
            return;
        }
        let row = DnsRow::of_query(context, name, qtype);
        self.remember(key, context.clock_ns, Some(row), rows);
    }

    fn answer(&mut self, context: &DnsContext, message: &Message, rows: &mut Vec<DnsRow>) -> bool {
        let (name, qtype) = row::subject(message);
        let key = self.key(context, message, name, qtype);
        let asked = match self.latest(&key) {
            Some(known) => match known.row.take() {
                Some(row) => {
                    known.answered_ns = context.clock_ns;
                    Some(row)
                }
                None if context.clock_ns.saturating_sub(known.answered_ns) < REPEATED_ANSWER_NS => {
                    self.counters.repeated_answers += 1;
                    return false;
                }
                None => None,
            },
            None => None,
        };
        let was_asked = asked.is_some();
        let row = if let Some(mut row) = asked {
            row.latency_us = Some(latency_us(row.time_ns, context.time_ns));
            self.counters.answered += 1;
            row
        } else {
            self.counters.unasked += 1;
            self.remember(key, context.clock_ns, None, rows);
            DnsRow::of_query(context, name, qtype).by_server(context.source.0)
        };
        rows.push(row.with_answer(message));
        was_asked
    }

    /// Enters a transaction, open where there is a row to come; makes room first.
    fn remember(&mut self, key: Key, clock_ns: u64, row: Option<DnsRow>, rows: &mut Vec<DnsRow>) {
        while self.known.len() >= self.capacity || self.queue.len() >= self.capacity * 2 {
            let open = self.counters.unanswered;
            if !self.forget_oldest(rows) {
                break;
            }
            self.counters.evicted += self.counters.unanswered - open;
        }
        self.known.insert(key, self.first + self.queue.len() as u64);
        self.queue.push_back(Transaction {
            key,
            deadline_ns: clock_ns.saturating_add(QUERY_TIMEOUT_NS),
            row,
            answered_ns: clock_ns,
        });
    }

    /// The latest transaction with this key.
    fn latest(&mut self, key: &Key) -> Option<&mut Transaction> {
        let place = self.known.get(key)?.checked_sub(self.first)?;
        self.queue.get_mut(usize::try_from(place).ok()?)
    }

    /// Forgets the first in the queue, and puts it out where it is open; false where there is none.
    fn forget_oldest(&mut self, rows: &mut Vec<DnsRow>) -> bool {
        let Some(oldest) = self.queue.pop_front() else {
            return false;
        };
        if let hash_map::Entry::Occupied(known) = self.known.entry(oldest.key)
            && *known.get() == self.first
        {
            known.remove();
        }
        self.first += 1;
        // Only one that was answered is ever replaced by another with its key.
        self.counters.unanswered += u64::from(oldest.row.is_some());
        rows.extend(oldest.row);
        true
    }
}

fn latency_us(asked_ns: i64, answered_ns: i64) -> u32 {
    let latency = answered_ns.saturating_sub(asked_ns).max(0) / 1000;
    u32::try_from(latency).unwrap_or(u32::MAX)
}
