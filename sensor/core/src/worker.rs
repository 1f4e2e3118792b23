//! Threads: chunks are read one at a time, decoded by whoever is free, and counted by every worker in
//! the order of the stream. No lock is held while packets are decoded or counted.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded, select, unbounded};

use crate::classify::Note;
use crate::counters::{Counts, Interval};
use crate::flow::{Flow, StreamClock};
use crate::name::dns_table::DnsRow;
use crate::pipeline::{Pipeline, Settings, Work};
use crate::source::{InputReport, Source};

/// Flow records that make a batch.
pub const BATCH_ROWS: usize = 1 << 16;

/// Takes what a worker produces.
pub trait Sink: Send {
    /// Takes flow records, whose marks have the place of their note plus one; false when nobody wants more.
    fn flows(&mut self, records: &[Flow], notes: &[Note]) -> bool;
    /// Takes DNS transactions.
    fn dns(&mut self, rows: &[DnsRow]) -> bool;
    /// Takes accounting rows, `interfaces` being the names that they refer to.
    fn accounting(&mut self, rows: &[Interval], interfaces: &[String]) -> bool;
}

/// What others may see and say while a replay runs.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    packets: AtomicU64,
    bytes: AtomicU64,
    stored_bytes: AtomicU64,
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
}

/// What a replay came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// Counts over everything.
    pub counts: Counts,
    /// What became of each input.
    pub inputs: Vec<InputReport>,
}

/// A replay that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no room for the flow tables.
    #[error("no memory for the flow tables, lower flow.max_flows: {0}")]
    Memory(#[from] std::io::Error),
    /// A worker thread died; nothing of the run is certain.
    #[error("a worker failed; this is a bug in blocktap")]
    WorkerFailed,
}

struct Reader {
    source: Source,
    clock: StreamClock,
    sequence: u64,
    over: bool,
}

#[derive(Clone)]
enum Message {
    Decoded(Arc<Work>),
    /// The number of chunks there were, and the clock behind the last.
    End(u64, u64),
    Abort,
}

struct Shared<'a> {
    reader: Mutex<Reader>,
    inboxes: Vec<Sender<Message>>,
    give_back: Sender<Work>,
    free: Receiver<Work>,
    control: &'a Control,
}

impl Shared<'_> {
    fn broadcast(&self, message: &Message) {
        for inbox in &self.inboxes {
            // A worker that has gone needs no message.
            let _ = inbox.send(message.clone());
        }
    }

    /// Reads the next chunk; tells everyone where the end of the input is met.
    fn read(&self, work: &mut Work) -> bool {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = &mut *reader;
        if reader.over {
            return false;
        }
        if self.control.stopped() || !reader.source.fill(&mut work.chunk) {
            reader.over = true;
            self.broadcast(&Message::End(reader.sequence, reader.clock.now_ns()));
            return false;
        }
        work.sequence = reader.sequence;
        reader.sequence += 1;
        let clock = &mut reader.clock;
        work.clocks.clear();
        work.clocks.extend(
            work.chunk
                .records
                .iter()
                .map(|record| clock.advance(record.time_ns)),
        );
        self.control
            .stored_bytes
            .store(reader.source.progress().bytes_read, Ordering::Relaxed);
        true
    }
}

/// Replays a source to its end, one thread a sink, and gives the sum.
pub fn run(
    source: Source,
    settings: &Settings,
    sinks: Vec<Box<dyn Sink>>,
    control: &Control,
) -> Result<Summary, RunError> {
    let workers = sinks.len();
    let pipelines = (0..workers)
        .map(|_| Pipeline::new(settings.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    let (give_back, free) = bounded(2 * workers + 1);
    for _ in 0..=2 * workers {
        // There is room for all of them.
        let _ = give_back.try_send(Work::default());
    }
    let (inboxes, receivers): (Vec<_>, Vec<_>) = (0..workers).map(|_| unbounded()).unzip();
    let reader = Reader {
        source,
        clock: StreamClock::default(),
        sequence: 0,
        over: false,
    };
    let shared = Shared {
        reader: Mutex::new(reader),
        inboxes,
        give_back,
        free,
        control,
    };
    let totals = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..)
            .zip(pipelines.into_iter().zip(sinks).zip(receivers))
            .map(|(number, ((pipeline, sink), inbox))| {
                let shared = &shared;
                scope.spawn(move || {
                    let worker = Worker {
                        number,
                        shared,
                        inbox,
                        pipeline,
                        sink,
                    };
                    let outcome = catch_unwind(AssertUnwindSafe(|| worker.run()));
                    outcome.unwrap_or_else(|_| {
                        shared.broadcast(&Message::Abort);
                        None
                    })
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().ok().flatten())
            .collect::<Vec<_>>()
    });
    let mut counts = Counts::default();
    for total in totals {
        counts.add(&total.ok_or(RunError::WorkerFailed)?);
    }
    let reader = shared
        .reader
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    Ok(Summary {
        counts,
        inputs: reader.source.reports(),
    })
}

struct Worker<'a> {
    number: usize,
    shared: &'a Shared<'a>,
    inbox: Receiver<Message>,
    pipeline: Pipeline,
    sink: Box<dyn Sink>,
}

impl Worker<'_> {
    /// Works until the input is over; the counts, or none where another worker died.
    fn run(mut self) -> Option<Counts> {
        let mut parked: BTreeMap<u64, Arc<Work>> = BTreeMap::new();
        let mut next = 0;
        let mut end = None;
        loop {
            while let Some(work) = parked.remove(&next) {
                self.count(&work);
                next += 1;
                if let Some(mut work) = Arc::into_inner(work) {
                    work.chunk.release();
                    // There is room: no more are given back than were taken.
                    let _ = self.shared.give_back.try_send(work);
                }
            }
            if let Some((total, clock_ns)) = end
                && total == next
            {
                return Some(self.finish(clock_ns));
            }
            // What is decoded is counted first; more is read only while there is nothing to count.
            let message = match self.inbox.try_recv() {
                Ok(message) => message,
                Err(_) if end.is_some() => self.inbox.recv().ok()?,
                Err(_) => select! {
                    recv(self.inbox) -> message => message.ok()?,
                    recv(self.shared.free) -> work => {
                        self.decode_next(work.ok()?);
                        continue;
                    }
                },
            };
            match message {
                Message::Decoded(work) => {
                    parked.insert(work.sequence, work);
                }
                Message::End(total, clock_ns) => end = Some((total, clock_ns)),
                Message::Abort => return None,
            }
        }
    }

    fn decode_next(&mut self, mut work: Work) {
        if !self.shared.read(&mut work) {
            return;
        }
        self.pipeline.decode(&mut work);
        let control = self.shared.control;
        control
            .packets
            .fetch_add(work.chunk.records.len() as u64, Ordering::Relaxed);
        let bytes = work
            .chunk
            .records
            .iter()
            .map(|record| u64::from(record.original))
            .sum();
        control.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.shared.broadcast(&Message::Decoded(Arc::new(work)));
    }

    fn count(&mut self, work: &Work) {
        let packets = work.placed.get(self.number).map_or(&[][..], Vec::as_slice);
        self.pipeline
            .count(packets, work.chunk.bytes(), work.clock_ns());
        self.write_flows(BATCH_ROWS);
        if !self.pipeline.accounting().full().is_empty() {
            let rows = std::mem::take(self.pipeline.accounting().full());
            self.write_accounting(&rows);
        }
    }

    fn finish(mut self, clock_ns: u64) -> Counts {
        while self.pipeline.finish(clock_ns, BATCH_ROWS / 4) {
            self.write_flows(BATCH_ROWS);
        }
        self.write_flows(1);
        let rows = self.pipeline.accounting().finish();
        self.write_accounting(&rows);
        self.pipeline.accounting().total()
    }

    /// Hands on the rows once there are so many.
    fn write_flows(&mut self, at_least: usize) {
        let shard = self.pipeline.shard();
        if shard.records().len() >= at_least {
            let records = std::mem::take(shard.records());
            let notes = std::mem::take(shard.observer().notes());
            for batch in records.chunks(BATCH_ROWS) {
                if !self.sink.flows(batch, &notes) {
                    self.shared.control.stop();
                }
            }
            self.pipeline.shard().reuse(records);
            self.pipeline.shard().observer().reuse(notes);
        }
        let rows = self.pipeline.shard().observer().dns_rows();
        if rows.len() >= at_least {
            for batch in rows.chunks(BATCH_ROWS) {
                if !self.sink.dns(batch) {
                    self.shared.control.stop();
                }
            }
            rows.clear();
        }
    }

    fn write_accounting(&mut self, rows: &[Interval]) {
        if rows.is_empty() {
            return;
        }
        let reader = self
            .shared
            .reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let interfaces = reader.source.interfaces().to_vec();
        drop(reader);
        if !self.sink.accounting(rows, &interfaces) {
            self.shared.control.stop();
        }
    }
}

#[cfg(test)]
mod tests;
