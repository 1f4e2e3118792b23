//! Join: what a DNS answer to an inside host called an outside address.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::dns::Message;

#[cfg(test)]
mod tests;

/// Most pairs of addresses of one shard that are remembered; the oldest are forgotten beyond.
pub const MAX_JOIN_PAIRS: usize = 1 << 18;
/// Most bytes of their names, each counted for every pair that has it; the oldest are forgotten beyond.
pub const MAX_JOIN_NAME_BYTES: usize = 32 << 20;
/// Most addresses of one message that count.
pub const MAX_JOIN_ADDRESSES: usize = 64;
/// Entries that are over and may stay in the queue, beyond one for each pair.
const SPARE_ENTRIES: usize = 64;

/// What a join remembers, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinLimits {
    /// Most pairs of addresses.
    pub pairs: usize,
    /// Most bytes of names.
    pub name_bytes: usize,
    /// A name holds for its time to live and so much longer: hosts use addresses past it.
    pub slack_ns: i64,
}

impl Default for JoinLimits {
    fn default() -> Self {
        Self {
            pairs: MAX_JOIN_PAIRS,
            name_bytes: MAX_JOIN_NAME_BYTES,
            slack_ns: 300_000_000_000,
        }
    }
}

/// What a join has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JoinCounters {
    /// Names given to pairs of addresses, old ones confirmed included.
    pub learned: u64,
    /// Pairs forgotten, and answers not learned, for lack of room.
    pub evicted: u64,
}

#[derive(Clone, Debug)]
struct Binding {
    name: Arc<str>,
    expires_ns: i64,
}

/// The names of one pair: the newest, and the one before it.
#[derive(Debug)]
struct Pair {
    newest: Binding,
    older: Option<Binding>,
    /// Tells the latest entry in the queue from those before.
    number: u64,
}

impl Pair {
    fn name_bytes(&self) -> usize {
        self.newest.name.len() + self.older.as_ref().map_or(0, |older| older.name.len())
    }
}

/// Inside and outside address.
type Key = (u128, u128);

/// The names of one shard.
#[derive(Debug)]
pub struct Join {
    limits: JoinLimits,
    pairs: HashMap<Key, Pair, foldhash::quality::RandomState>,
    /// In the order in which they were last learned; entries whose number no longer matches are over.
    queue: VecDeque<(u64, Key)>,
    name_bytes: usize,
    counters: JoinCounters,
}

impl Default for Join {
    fn default() -> Self {
        Self::new(JoinLimits::default())
    }
}

impl Join {
    /// An empty join.
    pub fn new(limits: JoinLimits) -> Self {
        Self {
            limits,
            pairs: HashMap::default(),
            queue: VecDeque::new(),
            name_bytes: 0,
            counters: JoinCounters::default(),
        }
    }

    /// Takes the addresses of an answer to `inside`; each gets the name that was asked for.
    pub fn learn(&mut self, inside: u128, message: &Message, time_ns: i64) {
        const SECOND_NS: i64 = 1_000_000_000;
        let mut shared: Option<Arc<str>> = None;
        for found in message.addresses().take(MAX_JOIN_ADDRESSES) {
            if found.name.is_empty() {
                continue;
            }
            let lifetime_ns = i64::from(found.ttl) * SECOND_NS;
            let expires_ns = time_ns
                .saturating_add(lifetime_ns)
                .saturating_add(self.limits.slack_ns);
            let key = (inside, found.address);
            let name = self
                .known_name(&key, found.name)
                .or_else(|| shared.take_if(|name| **name == *found.name))
                .unwrap_or_else(|| found.name.into());
            shared = Some(Arc::clone(&name));
            self.bind(key, Binding { name, expires_ns });
        }
        self.make_room();
    }

    /// Whether to learn more is to forget.
    pub fn is_full(&self) -> bool {
        let names_are_full = self.name_bytes >= self.limits.name_bytes;
        self.pairs.len() >= self.limits.pairs || names_are_full
    }

    /// An answer is not learned, for lack of room.
    pub const fn refuse(&mut self) {
        self.counters.evicted += 1;
    }

    /// What `inside` last called `outside`, if that holds at this packet time.
    ///
    /// Ask when a flow begins: what is learned later is not what the flow was begun with.
    pub fn name_for(&self, inside: u128, outside: u128, time_ns: i64) -> Option<&Arc<str>> {
        let pair = self.pairs.get(&(inside, outside))?;
        std::iter::once(&pair.newest)
            .chain(&pair.older)
            .find(|binding| time_ns <= binding.expires_ns)
            .map(|binding| &binding.name)
    }

    /// What the join has done so far.
    pub const fn counters(&self) -> JoinCounters {
        self.counters
    }

    /// Pairs remembered.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The name's text as the pair has it already.
    fn known_name(&self, key: &Key, name: &str) -> Option<Arc<str>> {
        let pair = self.pairs.get(key)?;
        (*pair.newest.name == *name).then(|| Arc::clone(&pair.newest.name))
    }

    fn bind(&mut self, key: Key, binding: Binding) {
        self.counters.learned += 1;
        let number = self.counters.learned;
        if let Some(pair) = self.pairs.get_mut(&key) {
            self.name_bytes -= pair.name_bytes();
            pair.number = number;
            let before = std::mem::replace(&mut pair.newest, binding);
            if before.name != pair.newest.name {
                pair.older = Some(before);
            } else if before.expires_ns > pair.newest.expires_ns {
                pair.newest.expires_ns = before.expires_ns;
            }
            self.name_bytes += pair.name_bytes();
        } else {
            self.name_bytes += binding.name.len();
            let pair = Pair {
                newest: binding,
                older: None,
                number,
            };
            self.pairs.insert(key, pair);
        }
        self.queue.push_back((number, key));
    }

    fn make_room(&mut self) {
        while self.pairs.len() > self.limits.pairs || self.name_bytes > self.limits.name_bytes {
            let Some((number, key)) = self.queue.pop_front() else {
                return;
            };
            if !self.is_latest(number, &key) {
                continue;
            }
            if let Some(pair) = self.pairs.remove(&key) {
                self.name_bytes -= pair.name_bytes();
                self.counters.evicted += 1;
            }
        }
        // Names confirmed again and again leave entries behind.
        if self.queue.len() > 2 * self.pairs.len() + SPARE_ENTRIES {
            let mut queue = std::mem::take(&mut self.queue);
            queue.retain(|(number, key)| self.is_latest(*number, key));
            self.queue = queue;
        }
    }

    fn is_latest(&self, number: u64, key: &Key) -> bool {
        self.pairs
            .get(key)
            .is_some_and(|pair| pair.number == number)
    }
}
