//! Rows on their way to a store that may be slow: bounded, and the oldest go first.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Dropped;

/// Rows with what is lost if they are.
#[derive(Debug)]
pub struct Item<T> {
    /// The rows themselves.
    pub value: T,
    /// How many they are.
    pub rows: u64,
    /// Bytes of memory that they take.
    pub bytes: u64,
    /// Packets counted in them.
    pub packets: u64,
    /// Few and precious: given up only when nothing else is left.
    pub precious: bool,
}

/// What taking from the queue gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// The oldest rows.
    Rows(T),
    /// None came in time.
    Nothing,
    /// There will be no more.
    Over,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<Item<T>>,
    rows: u64,
    bytes: u64,
    dropped: Dropped,
    /// Batches taken so far.
    taken: u64,
    /// Nothing more is put in.
    over: bool,
    /// Nobody takes anything any more.
    closed: bool,
}

impl<T> State<T> {
    fn give_up_one(&mut self) {
        let place = self.items.iter().position(|item| !item.precious);
        if let Some(item) = self.items.remove(place.unwrap_or(0)) {
            self.rows -= item.rows;
            self.bytes -= item.bytes;
            self.dropped.rows += item.rows;
            self.dropped.packets += item.packets;
        }
    }
}

/// A queue of batches that holds a number of rows and of bytes at most, and at least one batch.
#[derive(Debug)]
pub struct RowQueue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    most_rows: u64,
    most_bytes: u64,
}

impl<T> RowQueue<T> {
    /// An empty queue for `most_rows` rows of `most_bytes` bytes.
    pub fn new(most_rows: u64, most_bytes: u64) -> Self {
        let state = State {
            items: VecDeque::new(),
            rows: 0,
            bytes: 0,
            dropped: Dropped::default(),
            taken: 0,
            over: false,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            most_rows,
            most_bytes,
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts rows in without waiting; gives up the oldest where there is no room. False once closed.
    pub fn put(&self, item: Item<T>) -> bool {
        self.put_within(item, Duration::ZERO)
    }

    /// The same, but rows are given up only after nothing was taken for `patience`.
    pub fn put_within(&self, item: Item<T>, patience: Duration) -> bool {
        let mut state = self.state();
        let mut taken = state.taken;
        let mut until = Instant::now() + patience;
        let is_full = |state: &State<T>| {
            state.rows + item.rows > self.most_rows || state.bytes + item.bytes > self.most_bytes
        };
        while !state.closed && !state.items.is_empty() && is_full(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.give_up_one();
                continue;
            }
            let woken = self.changed.wait_timeout(state, left);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
            if state.taken != taken {
                taken = state.taken;
                until = Instant::now() + patience;
            }
        }
        if state.closed {
            return false;
        }
        state.rows += item.rows;
        state.bytes += item.bytes;
        state.items.push_back(item);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Takes the oldest rows, for which it waits so long at most.
    pub fn take(&self, timeout: Duration) -> Taken<T> {
        let until = Instant::now().checked_add(timeout);
        let mut state = self.state();
        loop {
            if let Some(item) = state.items.pop_front() {
                state.rows -= item.rows;
                state.bytes -= item.bytes;
                state.taken += 1;
                drop(state);
                self.changed.notify_all();
                return Taken::Rows(item.value);
            }
            if state.over || state.closed {
                return Taken::Over;
            }
            let left = until.map_or(timeout, |until| {
                until.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return Taken::Nothing;
            }
            let woken = self.changed.wait_timeout(state, left);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What was given up since this was last asked.
    pub fn dropped(&self) -> Dropped {
        std::mem::take(&mut self.state().dropped)
    }

    /// Rows that wait.
    pub fn rows(&self) -> u64 {
        self.state().rows
    }

    /// Nothing more is put in: who takes the rest learns that it is over.
    pub fn end(&self) {
        self.state().over = true;
        self.changed.notify_all();
    }

    /// Nobody takes anything any more: who puts something in learns that.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.items.clear();
        (state.rows, state.bytes) = (0, 0);
        drop(state);
        self.changed.notify_all();
    }
}
