//! Several inputs as one stream in the order of time.
//!
//! Each input keeps its own order, also where its times go backwards: of the packets that are next
//! in their inputs, the earliest goes first, of equal ones that of the input named first. A file
//! is opened when its first packet is due and closed after its last, so that a thousand rotated
//! files need two descriptors, not a thousand.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::input::Input;
use super::interfaces::Interfaces;
use super::path::open_path;
use super::pipe::Interrupt;
use super::{CHUNK_BYTES, Chunk, InputReport, Record};

/// Bytes read to learn the time of an input's first packet.
const PEEK_BYTES: usize = 1 << 12;
/// Bytes that all inputs being read may hold together, as far as reads can be made smaller.
const MERGE_BYTES: usize = 1 << 24;
/// Smallest read of one input among many.
const MIN_READ_BYTES: usize = 1 << 14;
/// What a packet adds to the size of a chunk besides its bytes.
const RECORD_BYTES: usize = mem::size_of::<Record>();

/// When an input's next packet was captured, and the input: the smallest is next.
type Turn = (i64, usize);

/// The inputs and whose turn it is.
pub(super) struct Merge {
    lanes: Vec<Lane>,
    turns: BinaryHeap<Reverse<Turn>>,
    open: usize,
    max_ratio: u64,
}

/// One input of several.
struct Lane {
    /// Final once the lane is done; of a waiting lane, what the first look gave.
    report: InputReport,
    state: State,
}

enum State {
    /// A file that has been looked at and closed again.
    Waiting,
    Reading(Box<Reading>),
    Done,
}

/// An open input with packets read ahead.
struct Reading {
    input: Input,
    chunk: Chunk,
    /// The first packet of `chunk` not given away yet.
    next: usize,
}

impl Merge {
    /// Of no inputs yet; each may unpack to `max_ratio` times its size.
    pub(super) fn new(max_ratio: u64) -> Self {
        Self {
            lanes: Vec::new(),
            turns: BinaryHeap::new(),
            open: 0,
            max_ratio,
        }
    }

    /// Adds an input behind the others. A file that can be opened again is closed until its turn.
    pub(super) fn add(&mut self, mut input: Input, is_file: bool, interfaces: &mut Interfaces) {
        let mut chunk = Chunk::default();
        let mut unused = Interfaces::default();
        let register = if is_file { &mut unused } else { interfaces };
        let found = input.fill(&mut chunk, register, PEEK_BYTES);
        let mut report = input.report().clone();
        if let Some(first) = chunk.records.first() {
            self.turns.push(Reverse((first.time_ns, self.lanes.len())));
        }
        let state = if !found {
            State::Done
        } else if is_file {
            report = InputReport {
                path: report.path,
                format: report.format,
                ..Default::default()
            };
            State::Waiting
        } else {
            self.open += 1;
            State::Reading(Box::new(Reading {
                input,
                chunk,
                next: 0,
            }))
        };
        self.lanes.push(Lane { report, state });
    }

    /// Replaces the chunk's contents with the next packets; false after the last.
    pub(super) fn fill(
        &mut self,
        out: &mut Chunk,
        interfaces: &mut Interfaces,
        bytes_read: &Arc<AtomicU64>,
    ) -> bool {
        out.records.clear();
        let mut taken_bytes = 0;
        while taken_bytes < CHUNK_BYTES {
            let Some(Reverse((_, number))) = self.turns.pop() else {
                break;
            };
            let rival = self.turns.peek().map(|Reverse(turn)| *turn);
            let Some(lane) = self.lanes.get_mut(number) else {
                break;
            };
            let mut whole = false;
            if let State::Reading(reading) = &mut lane.state {
                let run = reading.run(number, rival);
                whole = out.records.is_empty() && reading.is_whole(run);
                if whole {
                    mem::swap(out, &mut reading.chunk);
                    reading.next = reading.chunk.records.len();
                } else {
                    taken_bytes += reading.copy(run, out);
                }
            } else if lane.begin(bytes_read, self.max_ratio) {
                self.open += 1;
            } else {
                continue;
            }
            let read_bytes = (MERGE_BYTES / self.open.max(1)).clamp(MIN_READ_BYTES, CHUNK_BYTES);
            if let Some(time_ns) = lane.next_time(interfaces, read_bytes) {
                self.turns.push(Reverse((time_ns, number)));
            } else {
                self.open -= 1;
            }
            if whole {
                break;
            }
        }
        !out.records.is_empty()
    }

    /// What became of each input, in the order they were added.
    pub(super) fn reports(&self) -> Vec<InputReport> {
        self.lanes.iter().map(Lane::report).collect()
    }
}

impl Lane {
    /// Opens the file again; whether that worked.
    fn begin(&mut self, bytes_read: &Arc<AtomicU64>, max_ratio: u64) -> bool {
        // Only files wait for their turn, and those need no interruption.
        match open_path(
            &self.report.path,
            bytes_read,
            &Interrupt::default(),
            max_ratio,
        ) {
            Ok(opened) => {
                let reading = Reading {
                    input: opened.input,
                    chunk: Chunk::default(),
                    next: 0,
                };
                self.state = State::Reading(Box::new(reading));
                true
            }
            Err(refusal) => {
                self.report.error = Some(format!("cannot be opened again: {}", refusal.reason));
                self.state = State::Done;
                false
            }
        }
    }

    /// The time of the packet that is next, read if need be; at the end the input is closed.
    fn next_time(&mut self, interfaces: &mut Interfaces, read_bytes: usize) -> Option<i64> {
        let State::Reading(reading) = &mut self.state else {
            return None;
        };
        if reading.next >= reading.chunk.records.len() {
            reading.next = 0;
            reading
                .input
                .fill(&mut reading.chunk, interfaces, read_bytes);
        }
        let next = reading
            .chunk
            .records
            .get(reading.next)
            .map(|record| record.time_ns);
        if next.is_none() {
            self.report = reading.input.report().clone();
            self.state = State::Done;
        }
        next
    }

    fn report(&self) -> InputReport {
        let State::Reading(reading) = &self.state else {
            return self.report.clone();
        };
        let mut report = reading.input.report().clone();
        // Packets read ahead are not part of the stream yet.
        report.packets -= (reading.chunk.records.len() - reading.next) as u64;
        report
    }
}

impl Reading {
    /// How many packets go before the rival's.
    fn run(&self, number: usize, rival: Option<Turn>) -> usize {
        let waiting = self.chunk.records.get(self.next..).unwrap_or_default();
        match rival {
            None => waiting.len(),
            Some(rival) => waiting
                .iter()
                .take_while(|record| (record.time_ns, number) < rival)
                .count(),
        }
    }

    /// Whether a run is all there is in the chunk, so that the chunk itself can be given away.
    fn is_whole(&self, run: usize) -> bool {
        self.next == 0 && run == self.chunk.records.len()
    }

    /// Copies the next packets to the end of a chunk; gives the bytes that adds.
    fn copy(&mut self, run: usize, out: &mut Chunk) -> usize {
        if out.records.is_empty() {
            out.data.clear();
        }
        let records = self
            .chunk
            .records
            .get(self.next..self.next + run)
            .unwrap_or_default();
        let before = out.data.len();
        for record in records {
            let offset = out.data.len() as u32;
            out.data.extend_from_slice(self.chunk.packet(record));
            out.records.push(Record { offset, ..*record });
        }
        self.next += run;
        out.data.len() - before + run * RECORD_BYTES
    }
}
