//! One worker: decodes chunks when it is free, and counts its share of every chunk in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crossbeam_channel::{Receiver, RecvError, Sender, never, select};

use super::control::Ask;
use super::reader::{Read, Reader};
use super::{Control, Mode, Sink};
use crate::counters::{Counts, Interval};
use crate::pipeline::{Change, Generation, Pipeline, Work};

/// Flow records that make a batch.
pub const BATCH_ROWS: usize = 1 << 16;

/// An interval's row is written so long after its end: packets may come late.
const GRACE_NS: i64 = 5_000_000_000;

/// What workers tell each other.
#[derive(Clone)]
pub(super) enum Message {
    Decoded(Arc<Work>),
    /// The number of chunks there were, and the clock behind the last.
    End(u64, u64),
    Abort,
}

/// What the workers of a run share.
pub(super) struct Shared<'a> {
    pub(super) inboxes: Vec<Sender<Message>>,
    pub(super) give_back: Sender<Work>,
    pub(super) free: Receiver<Work>,
    /// The reader passes through here; whoever has it reads. Past the end of the input it stays in `done`.
    pub(super) pass_on: Sender<Box<Reader>>,
    pub(super) readers: Receiver<Box<Reader>>,
    pub(super) done: Sender<Box<Reader>>,
    pub(super) control: &'a Control,
    pub(super) mode: Mode,
}

impl Shared<'_> {
    pub(super) fn broadcast(&self, message: &Message) {
        for inbox in &self.inboxes {
            // A worker that has gone needs no message.
            let _ = inbox.send(message.clone());
        }
    }
}

pub(super) struct Worker<'a> {
    pub(super) number: usize,
    pub(super) shared: &'a Shared<'a>,
    pub(super) inbox: Receiver<Message>,
    pub(super) asks: Receiver<Ask>,
    pub(super) pipeline: Pipeline,
    pub(super) sink: Box<dyn Sink>,
    /// Room for the next chunk.
    pub(super) spare: Option<Work>,
    pub(super) flushed: Instant,
}

impl Worker<'_> {
    /// Works until the input is over; the counts, or none where another worker died.
    pub(super) fn run(mut self) -> Option<Counts> {
        let shared = self.shared;
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
                    let _ = shared.give_back.try_send(work);
                }
                self.answer();
            }
            if let Some((total, clock_ns)) = end
                && total == next
            {
                return Some(self.finish(clock_ns));
            }
            // What is decoded is counted first; more is read only while there is nothing to count.
            let message = match self.inbox.try_recv() {
                Ok(message) => Some(message),
                Err(_) if end.is_some() => Some(self.inbox.recv().ok()?),
                Err(_) => self.find_work().ok()?,
            };
            match message {
                Some(Message::Decoded(work)) => {
                    parked.insert(work.sequence, work);
                }
                Some(Message::End(total, clock_ns)) => end = Some((total, clock_ns)),
                Some(Message::Abort) => return None,
                None => {}
            }
        }
    }

    /// Waits for a message, a question, or the reader. An error where the others are gone.
    fn find_work(&mut self) -> Result<Option<Message>, RecvError> {
        let shared = self.shared;
        if self.spare.is_none() {
            self.spare = shared.free.try_recv().ok();
        }
        let (room, readers) = if self.spare.is_none() {
            (&shared.free, &never())
        } else {
            (&never(), &shared.readers)
        };
        select! {
            recv(self.inbox) -> message => return message.map(Some),
            recv(self.asks) -> ask => self.reply(&ask?),
            recv(room) -> work => self.spare = work.ok(),
            recv(readers) -> reader => self.read(reader?),
        }
        Ok(None)
    }

    /// Answers who asked in the meantime.
    fn answer(&mut self) {
        while let Ok(ask) = self.asks.try_recv() {
            self.reply(&ask);
        }
    }

    fn reply(&mut self, ask: &Ask) {
        // Who asked may have lost patience.
        let _ = ask.answer.send((self.number, self.pipeline.snapshot()));
    }

    /// Reads the next chunk, hands the reader on, and decodes.
    fn read(&mut self, mut reader: Box<Reader>) {
        let (shared, control) = (self.shared, self.shared.control);
        let Some(mut work) = self.spare.take() else {
            let _ = shared.pass_on.send(reader);
            return;
        };
        let read = reader.read(&mut work, control);
        for loss in reader.losses(read == Read::Over) {
            let counts = self.pipeline.accounting().at(now_ns(), loss.interface);
            counts.packets_dropped_kernel += loss.packets_dropped_kernel;
        }
        match read {
            Read::Chunk => {
                // There is room for the one that there is.
                let _ = shared.pass_on.send(reader);
            }
            Read::Nothing => {
                self.spare = Some(work);
                let _ = shared.pass_on.send(reader);
                return;
            }
            Read::Over => {
                shared.broadcast(&Message::End(reader.sequence(), reader.clock_ns()));
                let _ = shared.done.send(reader);
                return;
            }
        }
        self.pipeline.decode(&mut work);
        let records = &work.chunk.records;
        let bytes = records.iter().map(|record| u64::from(record.original));
        control.count(records.len() as u64, bytes.sum());
        shared.broadcast(&Message::Decoded(Arc::new(work)));
    }

    fn count(&mut self, work: &Work) {
        if let Some(generation) = &work.generation
            && generation.number != self.pipeline.generation().number
        {
            self.change_rules(generation, work);
        }
        if work.chunk.records.is_empty() {
            self.pipeline.tick(work.time_ns, work.clock_ns);
        } else {
            let packets = work.placed.get(self.number).map_or(&[][..], Vec::as_slice);
            self.pipeline
                .count(packets, work.chunk.bytes(), work.clock_ns);
        }
        let at_least = if self.pipeline.is_heavy() {
            1
        } else {
            BATCH_ROWS
        };
        self.write_flows(at_least);
        self.write_full_intervals();
        if let Mode::Live { flush, .. } = self.shared.mode
            && self.flushed.elapsed() >= flush
        {
            self.flush();
        }
    }

    /// Rows until here have the old labels; what is under way goes on under the new ones where it can.
    fn change_rules(&mut self, generation: &Arc<Generation>, work: &Work) {
        let clock_ns = work.clocks.first().copied().unwrap_or(work.clock_ns);
        let from = self.pipeline.generation();
        let change = Change::new(from, generation, work.time_ns, clock_ns);
        self.pipeline.rematch_waiting(&change);
        let mut first = 0;
        while self.pipeline.rematch_flows(&change, first, BATCH_ROWS) {
            first += BATCH_ROWS;
            self.write_flows(BATCH_ROWS);
        }
        self.pipeline.shard().observer().close_hosts();
        self.write_flows(1);
        self.pipeline.adopt(&change);
    }

    /// Live, nothing waits for a batch to be full.
    fn flush(&mut self) {
        self.pipeline.shard().observer().flush_hosts();
        self.write_flows(1);
        self.account_for_others(false);
        let now_ns = now_ns();
        self.pipeline
            .accounting()
            .close(now_ns.saturating_sub(GRACE_NS));
        self.write_full_intervals();
        self.flushed = Instant::now();
    }

    /// Enters what only others know, by the wall clock; and an interval exists also where nothing came.
    fn account_for_others(&mut self, last: bool) {
        let now_ns = now_ns();
        let dropped = self.sink.dropped();
        if dropped.rows > 0 {
            let interface = self.pipeline.last_interface();
            let counts = self.pipeline.accounting().at(now_ns, interface);
            counts.rows_dropped_store += dropped.rows;
            counts.packets_dropped_store += dropped.packets;
        }
        if self.number != 0 {
            return;
        }
        for (interface, told) in self.shared.control.take_told(last) {
            self.pipeline.accounting().at(now_ns, interface).add(&told);
        }
        let interfaces = self.shared.control.interfaces().len();
        for interface in (0..).take(interfaces) {
            self.pipeline.accounting().at(now_ns, interface);
        }
    }

    fn finish(mut self, clock_ns: u64) -> Counts {
        self.sink.input_is_over();
        while self.pipeline.finish(clock_ns, BATCH_ROWS / 4) {
            self.write_flows(BATCH_ROWS);
            self.answer();
        }
        self.write_flows(1);
        if matches!(self.shared.mode, Mode::Live { .. }) {
            self.account_for_others(true);
            self.pipeline.accounting().end(now_ns());
        }
        let rows = self.pipeline.accounting().finish();
        self.write_accounting(&rows);
        let control = self.shared.control;
        control.leave(self.number, self.pipeline.snapshot());
        self.pipeline.accounting().total()
    }

    /// Hands on the rows once there are so many.
    fn write_flows(&mut self, at_least: usize) {
        let labels = Arc::clone(&self.pipeline.generation().labels);
        let shard = self.pipeline.shard();
        if shard.records().len() >= at_least {
            let records = std::mem::take(shard.records());
            let notes = shard.observer().take_notes();
            for batch in records.chunks(BATCH_ROWS) {
                if !self.sink.flows(batch, &notes, &labels) {
                    self.shared.control.stop();
                }
            }
            self.pipeline.shard().reuse(records);
            self.pipeline.shard().observer().reuse(notes);
        }
        let rows = self.pipeline.shard().observer().dns_rows();
        if rows.len() >= at_least {
            for batch in rows.chunks(BATCH_ROWS) {
                if !self.sink.dns(batch, &labels) {
                    self.shared.control.stop();
                }
            }
            rows.clear();
        }
        let rows = self.pipeline.shard().observer().host_rows(at_least);
        for batch in rows.chunks(BATCH_ROWS) {
            if !self.sink.hosts(batch, &labels) {
                self.shared.control.stop();
            }
        }
    }

    fn write_full_intervals(&mut self) {
        if !self.pipeline.accounting().full().is_empty() {
            let rows = std::mem::take(self.pipeline.accounting().full());
            self.write_accounting(&rows);
        }
    }

    fn write_accounting(&mut self, rows: &[Interval]) {
        if rows.is_empty() {
            return;
        }
        let interfaces = self.shared.control.interfaces();
        let labels = Arc::clone(&self.pipeline.generation().labels);
        if !self.sink.accounting(rows, &interfaces, &labels) {
            self.shared.control.stop();
        }
    }
}

/// Nanoseconds since 1970 UTC by the wall clock.
pub fn now_ns() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))
}
