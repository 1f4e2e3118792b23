//! What others may see and say while the workers run.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::batch::Labels;
use crate::classify::Resolvers;
use crate::counters::{Counts, Snapshot};
use crate::pipeline::Generation;
use crate::source::Event;
use crate::watch::Watch;

/// Most events of interfaces that wait for somebody to ask for them.
const MAX_EVENTS: usize = 1024;

/// Asks a worker for its counts.
pub(super) struct Ask {
    pub(super) answer: Sender<(usize, Snapshot)>,
}

/// A worker as others see it.
#[derive(Debug, Default)]
struct Seat {
    ask: Option<Sender<Ask>>,
    last: Snapshot,
}

/// Counts of which only others know, until a worker enters them.
#[derive(Debug, Default)]
struct Told {
    counts: Vec<(u16, Counts)>,
    over: bool,
}

/// The line to a run.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    packets: AtomicU64,
    bytes: AtomicU64,
    stored_bytes: AtomicU64,
    /// Number of the rules that are wanted, and these.
    wanted_number: AtomicU64,
    wanted: Mutex<Option<Arc<Generation>>>,
    interfaces: Mutex<Arc<Vec<String>>>,
    events: Mutex<VecDeque<Event>>,
    told: Mutex<Told>,
    seats: Mutex<Vec<Seat>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Control {
    /// Ends the input after the chunk that is being read; what was read is counted and written.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Packets read so far.
    pub fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }

    /// Their bytes on the wire.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the input files read, as stored.
    pub fn stored_bytes(&self) -> u64 {
        self.stored_bytes.load(Ordering::Relaxed)
    }

    /// Puts other rules into force with the next chunk that is read.
    pub fn swap(&self, watch: Arc<Watch>, labels: Arc<Labels>, resolvers: Arc<Resolvers>) {
        let mut wanted = lock(&self.wanted);
        let number = self.wanted_number.load(Ordering::Relaxed) + 1;
        *wanted = Some(Arc::new(Generation {
            number,
            watch,
            labels,
            resolvers,
        }));
        self.wanted_number.store(number, Ordering::Relaxed);
    }

    /// Names of the interfaces that packets came from so far.
    pub fn interfaces(&self) -> Arc<Vec<String>> {
        Arc::clone(&lock(&self.interfaces))
    }

    /// Adds counts that nobody else can know to the interval that it is now. False once the run is over.
    pub fn account(&self, interface: u16, counts: Counts) -> bool {
        let mut told = lock(&self.told);
        if !told.over {
            told.counts.push((interface, counts));
        }
        !told.over
    }

    /// What happened to interfaces since this was last asked; of very many the newest.
    pub fn take_events(&self) -> Vec<Event> {
        lock(&self.events).drain(..).collect()
    }

    /// What all workers have counted so far. One that does not answer in time counts as when it last did.
    pub fn snapshot(&self, timeout: Duration) -> Snapshot {
        let (answer, answers) = unbounded();
        for seat in lock(&self.seats).iter() {
            if let Some(ask) = &seat.ask {
                // Who is gone has left its last word.
                let answer = answer.clone();
                let _ = ask.send(Ask { answer });
            }
        }
        drop(answer);
        let until = Instant::now() + timeout;
        while let Ok((number, snapshot)) = answers.recv_deadline(until) {
            self.note(number, snapshot);
        }
        let mut sum = Snapshot::default();
        for seat in lock(&self.seats).iter() {
            sum.add(seat.last.clone());
        }
        sum
    }

    /// Seats for workers: where each hears what it is asked.
    pub(super) fn seat(&self, workers: usize) -> Vec<Receiver<Ask>> {
        let (asks, heard): (Vec<_>, Vec<_>) = (0..workers).map(|_| unbounded()).unzip();
        let seats = asks.into_iter().map(|ask| Seat {
            ask: Some(ask),
            last: Snapshot::default(),
        });
        *lock(&self.seats) = seats.collect();
        heard
    }

    /// Notes what a worker counted.
    pub(super) fn note(&self, number: usize, snapshot: Snapshot) {
        if let Some(seat) = lock(&self.seats).get_mut(number) {
            seat.last = snapshot;
        }
    }

    /// What a worker leaves behind.
    pub(super) fn leave(&self, number: usize, snapshot: Snapshot) {
        if let Some(seat) = lock(&self.seats).get_mut(number) {
            *seat = Seat {
                ask: None,
                last: snapshot,
            };
        }
    }

    /// The rules that are wanted, unless they are those of this number.
    pub(super) fn other_rules(&self, number: u64) -> Option<Arc<Generation>> {
        if self.wanted_number.load(Ordering::Relaxed) == number {
            return None;
        }
        lock(&self.wanted).clone()
    }

    pub(super) fn add_events(&self, new: Vec<Event>) {
        let mut events = lock(&self.events);
        events.extend(new);
        let too_many = events.len().saturating_sub(MAX_EVENTS);
        events.drain(..too_many);
    }

    pub(super) fn set_interfaces(&self, names: Vec<String>) {
        *lock(&self.interfaces) = Arc::new(names);
    }

    /// Counts told since this was last asked; no more are taken where this is the last time.
    pub(super) fn take_told(&self, last: bool) -> Vec<(u16, Counts)> {
        let mut told = lock(&self.told);
        told.over |= last;
        std::mem::take(&mut told.counts)
    }

    pub(super) fn count(&self, packets: u64, bytes: u64) {
        self.packets.fetch_add(packets, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn set_stored_bytes(&self, bytes: u64) {
        self.stored_bytes.store(bytes, Ordering::Relaxed);
    }
}
