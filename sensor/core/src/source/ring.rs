//! Live interfaces as a stream of chunks, whose packets stay where the kernel put them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Chunk;
use super::Record;
use super::feed::{Event, Feed, Filled, Loss};
use super::ring_block::{Origin, packets_in, walk_block};
use super::ring_map::{Lease, Poll, Ring, Shape};
use super::ring_merge::Merge;
use super::ring_open::{RingError, RingOptions, longest_frame_bytes, number_of};

/// How long to wait at least for a ring whose last block is still being worked on: a poll would not wait for it.
const BUSY: Duration = Duration::from_millis(1);
/// The same at most, where the rings have room for much more meanwhile.
const BUSY_AND_ROOMY: Duration = Duration::from_millis(20);
/// So many blocks are filled in one millisecond at most.
const BLOCKS_A_MILLISECOND: u32 = 8;

/// What was captured on an interface so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingCounters {
    /// Packets read.
    pub packets: u64,
    /// Packets that the kernel says it received, also those it had no room for; as of the last `losses`.
    pub packets_received: u64,
    /// Packets that the kernel had no room for.
    pub packets_dropped_kernel: u64,
    /// Packets that were merged of several frames (GRO, LRO) before they were captured.
    pub frames_merged: u64,
    /// Packets that were captured and that the interface counts as dropped all the same: behind a VLAN tag
    /// they have a protocol that the kernel does not speak.
    pub frames_unhandled: u64,
    /// Packets that have the adapter's time.
    pub adapter_times: u64,
    /// Blocks of a ring that made no sense from some packet on.
    pub blocks_damaged: u64,
}

#[derive(Debug, Default)]
struct Counters {
    packets: AtomicU64,
    packets_received: AtomicU64,
    packets_dropped_kernel: AtomicU64,
    frames_merged: AtomicU64,
    frames_unhandled: AtomicU64,
    adapter_times: AtomicU64,
    blocks_damaged: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    reopen: Mutex<Vec<u16>>,
    counters: Vec<Counters>,
}

impl Shared {
    /// Finds the packets of a block and counts them.
    fn walk(&self, lease: &mut Lease, origin: Origin, records: &mut Vec<Record>) {
        let walked = walk_block(lease.bytes_mut(), origin, records);
        if let Some(counters) = self.counters.get(usize::from(origin.interface)) {
            add(&counters.packets, walked.packets);
            add(&counters.frames_merged, walked.frames_merged);
            add(&counters.frames_unhandled, walked.frames_unhandled);
            add(&counters.adapter_times, walked.adapter_times);
            add(&counters.blocks_damaged, u64::from(walked.damaged));
        }
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// What another thread may do with rings while they are read.
#[derive(Clone, Debug)]
pub struct RingHandle(Arc<Shared>);

impl RingHandle {
    /// Has an interface (an index into `Rings::interfaces`) opened again at the next fill: it went away and
    /// came back, or another one has its name now. One that only went down and up is left as it is.
    pub fn reopen(&self, interface: u16) {
        let mut list = self.0.reopen.lock().unwrap_or_else(PoisonError::into_inner);
        if !list.contains(&interface) {
            list.push(interface);
        }
    }

    /// What was captured on an interface so far.
    pub fn counters(&self, interface: u16) -> RingCounters {
        let Some(counters) = self.0.counters.get(usize::from(interface)) else {
            return RingCounters::default();
        };
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RingCounters {
            packets: read(&counters.packets),
            packets_received: read(&counters.packets_received),
            packets_dropped_kernel: read(&counters.packets_dropped_kernel),
            frames_merged: read(&counters.frames_merged),
            frames_unhandled: read(&counters.frames_unhandled),
            adapter_times: read(&counters.adapter_times),
            blocks_damaged: read(&counters.blocks_damaged),
        }
    }
}

/// One ring and how far it has been read.
struct Lane {
    ring: Arc<Ring>,
    origin: Origin,
    /// The block that comes next.
    next: usize,
    /// Packets that the kernel put into the ring, as of when it was last asked, and those taken out of it.
    put: u64,
    taken: u64,
}

impl Lane {
    fn new(ring: Arc<Ring>, origin: Origin) -> Self {
        Self {
            ring,
            origin,
            next: 0,
            put: 0,
            taken: 0,
        }
    }

    /// The next block if it is filled.
    fn take(&mut self) -> Option<Lease> {
        let lease = self.ring.lease(self.next)?;
        self.next = (self.next + 1) % self.ring.blocks();
        self.taken += packets_in(lease.bytes());
        Some(lease)
    }

    /// Packets still in the ring, as of when the kernel was last asked.
    fn left(&self) -> u64 {
        self.put.saturating_sub(self.taken)
    }

    /// Whether a poll would wait: it does not while the last block filled has not been given back.
    fn can_poll(&self) -> bool {
        let blocks = self.ring.blocks();
        !self.ring.is_leased((self.next + blocks - 1) % blocks)
    }
}

/// Live interfaces.
pub struct Rings {
    options: RingOptions,
    shape: Shape,
    lanes: Vec<Lane>,
    merge: Merge<Lease>,
    /// A block is handed over by the kernel within this time.
    delay: Duration,
    poll: Poll,
    shared: Arc<Shared>,
    /// Dropped since last asked, by interface.
    lost: Vec<u64>,
    events: Vec<Event>,
}

impl Rings {
    /// Begins to capture.
    ///
    /// # Errors
    /// The first interface that cannot be captured from, and what to do about it.
    pub fn open(options: RingOptions) -> Result<Self, RingError> {
        let names = &options.interfaces;
        if names.is_empty() {
            return Err(RingError::NoInterfaces);
        }
        let mut seen = names.iter().enumerate();
        if let Some((_, name)) =
            seen.find(|(place, name)| names.iter().take(*place).any(|other| other == *name))
        {
            return Err(RingError::NamedTwice(name.clone()));
        }
        let shape = options.shape()?;
        let mut lanes = Vec::new();
        for number in 0..names.len() as u16 {
            let opened = options.open(number, shape)?;
            let rings = opened.rings.into_iter();
            lanes.extend(rings.map(|ring| Lane::new(ring, opened.origin)));
        }
        let shared = Shared {
            reopen: Mutex::default(),
            counters: names.iter().map(|_| Counters::default()).collect(),
        };
        // The kernel looks every `retire_ms` whether a block stayed open since it last looked.
        let delay = Duration::from_millis(2 * u64::from(shape.retire_ms));
        Ok(Self {
            merge: Merge::new(lanes.iter().map(|lane| lane.ring.blocks()), delay),
            delay,
            lost: vec![0; names.len()],
            options,
            shape,
            lanes,
            poll: Poll::default(),
            shared: Arc::new(shared),
            events: Vec::new(),
        })
    }

    /// What another thread may do while the rings are read.
    pub fn handle(&self) -> RingHandle {
        RingHandle(Arc::clone(&self.shared))
    }

    /// Hands over the next block of the only ring.
    fn fill_from_one(&mut self, chunk: &mut Chunk) {
        let Some(lane) = self.lanes.first_mut() else {
            return;
        };
        while chunk.records.is_empty()
            && let Some(mut lease) = lane.take()
        {
            self.shared
                .walk(&mut lease, lane.origin, &mut chunk.records);
            if !chunk.records.is_empty() {
                chunk.leases.push(Arc::new(lease));
            }
        }
    }

    fn fill_from_many(&mut self, chunk: &mut Chunk) {
        // Read before the blocks are taken: whatever was filled by then is taken.
        let now = Instant::now();
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            while self.merge.has_room(number)
                && let Some(lease) = lane.take()
            {
                self.merge.push(number, lease, now);
            }
        }
        let Chunk {
            leases, records, ..
        } = chunk;
        let (shared, lanes) = (&self.shared, &self.lanes);
        self.merge
            .fill(records, leases, now, |number, lease, records| {
                if let Some(lane) = lanes.get(number) {
                    shared.walk(lease, lane.origin, records);
                }
            });
    }

    /// Waits for a block, until packets held back are due, or for so long.
    fn wait(&mut self, patience: Duration) {
        let mut patience = patience;
        if let Some(due) = self.merge.due() {
            patience = patience.min(due.saturating_duration_since(Instant::now()));
        }
        if self.lanes.iter().any(|lane| !lane.can_poll()) {
            let room = Duration::from_millis(u64::from(self.shape.blocks / BLOCKS_A_MILLISECOND));
            patience = patience.min(room.clamp(BUSY, BUSY_AND_ROOMY));
        }
        let rings = self.lanes.iter().map(|lane| (&*lane.ring, lane.can_poll()));
        if self.poll.wait(rings, patience).is_err() {
            // Short of memory; not to be asked again at once.
            thread::sleep(patience.min(BUSY));
        }
        for place in 0..self.lanes.len() {
            if self.poll.failed(place) {
                self.note_failure(place);
            }
        }
    }

    /// Says that an interface is down, once for all its rings.
    #[cold]
    fn note_failure(&mut self, place: usize) {
        let Some(failed) = self.lanes.get(place) else {
            return;
        };
        let interface = failed.origin.interface;
        let mut any_failed = false;
        for lane in &self.lanes {
            if lane.origin.interface == interface {
                any_failed |= lane.ring.socket().take_failure().is_some();
            }
        }
        if any_failed {
            self.events.push(Event::Down { interface });
        }
    }

    /// Opens again what another thread asked for.
    fn obey(&mut self) {
        let mut list = self
            .shared
            .reopen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let asked = std::mem::take(&mut *list);
        drop(list);
        for interface in asked {
            let event = match self.reopen(interface) {
                Ok(()) => Event::Reopened { interface },
                Err(failure) => Event::NotReopened {
                    interface,
                    reason: failure.to_string(),
                },
            };
            self.events.push(event);
        }
    }

    #[cold]
    fn reopen(&mut self, interface: u16) -> Result<(), RingError> {
        let is_of = |lane: &&mut Lane| lane.origin.interface == interface;
        let name = self.options.interfaces.get(usize::from(interface));
        // One that lost its name to another is bound as before, and is no longer what was asked for. While
        // nothing has the name, it is better than nothing.
        let is_bound = |lane: &mut Lane| {
            let bound = lane.ring.socket().bound_to().unwrap_or_default();
            let named = name.and_then(|name| number_of(&lane.ring, name));
            bound > 0 && named.is_none_or(|named| named == bound)
        };
        if self.lanes.iter_mut().filter(is_of).all(is_bound) {
            return Ok(());
        }
        let opened = self.options.open(interface, self.shape)?;
        self.count_losses();
        let lanes = self.lanes.iter_mut().filter(is_of);
        for (lane, ring) in lanes.zip(opened.rings) {
            // What nobody has read goes with the old ring.
            if let Some(lost) = self.lost.get_mut(usize::from(interface)) {
                *lost += lane.left();
            }
            *lane = Lane::new(ring, opened.origin);
        }
        Ok(())
    }

    /// Takes what the kernel counted since it was last asked; it forgets that with the ring.
    fn count_losses(&mut self) {
        for lane in &mut self.lanes {
            let place = usize::from(lane.origin.interface);
            let counters = self.shared.counters.get(place);
            if let Ok(found) = lane.ring.socket().statistics()
                && let (Some(lost), Some(counters)) = (self.lost.get_mut(place), counters)
            {
                let dropped = u64::from(found.dropped);
                *lost += dropped;
                // The kernel counts those it dropped among those it received.
                lane.put += u64::from(found.packets.saturating_sub(found.dropped));
                add(&counters.packets_dropped_kernel, dropped);
                add(&counters.packets_received, u64::from(found.packets));
            }
            // Somebody may have changed what the interface takes.
            if let Some(name) = self.options.interfaces.get(place)
                && let Some(bytes) = longest_frame_bytes(&lane.ring, name)
            {
                lane.origin.longest_frame_bytes = bytes;
            }
        }
    }
}

impl Rings {
    fn take_losses(&mut self) -> Vec<Loss> {
        let lost = self.lost.iter_mut().map(std::mem::take);
        (0..)
            .zip(lost)
            .filter(|(_, lost)| *lost > 0)
            .map(|(interface, packets_dropped_kernel)| Loss {
                interface,
                packets_dropped_kernel,
            })
            .collect()
    }
}

impl Feed for Rings {
    fn fill(&mut self, chunk: &mut Chunk, wait: Duration) -> Filled {
        chunk.release();
        let began = Instant::now();
        loop {
            self.obey();
            if self.lanes.len() == 1 {
                self.fill_from_one(chunk);
            } else {
                self.fill_from_many(chunk);
            }
            if !chunk.records.is_empty() {
                return Filled::Packets;
            }
            let left = wait.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Filled::Quiet;
            }
            self.wait(left);
        }
    }

    fn interfaces(&self) -> &[String] {
        &self.options.interfaces
    }

    fn delay(&self) -> Duration {
        // A block may be open for one delay, and held back for another until the other rings have shown theirs.
        2 * self.delay
    }

    fn abandoned(&mut self) -> Vec<Loss> {
        self.count_losses();
        for (number, lane) in self.lanes.iter().enumerate() {
            let held = self.merge.left(number, |block| packets_in(block.bytes()));
            if let Some(lost) = self.lost.get_mut(usize::from(lane.origin.interface)) {
                *lost += lane.left() + held;
            }
        }
        self.take_losses()
    }

    fn losses(&mut self) -> Vec<Loss> {
        self.count_losses();
        self.take_losses()
    }

    fn events(&mut self) -> Vec<Event> {
        // While other interfaces are busy nothing is waited for, and so no failure seen.
        for place in 0..self.lanes.len() {
            self.note_failure(place);
        }
        std::mem::take(&mut self.events)
    }
}
