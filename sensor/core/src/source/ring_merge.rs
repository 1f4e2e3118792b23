//! The blocks of several rings as one stream in the order of time.
//!
//! Each ring keeps its own order, also where its times go backwards: of the packets that are next in their
//! rings the earliest goes first. A ring that has nothing to show may still have earlier packets in a block
//! that the kernel has not retired; it is waited for until a block taken from another is `delay` old, by when
//! the kernel would have retired it. A ring that is filling up waits for none.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Record;
use super::chunk::{MAX_CHUNK_BLOCKS, block_offset};

/// Packets that make a chunk.
const CHUNK_PACKETS: usize = 4096;

/// Blocks of several rings, in order of time.
pub(super) struct Merge<B> {
    lanes: Vec<Lane<B>>,
    delay: Duration,
}

/// The blocks taken from one ring.
struct Lane<B> {
    waiting: VecDeque<(B, Instant)>,
    front: Option<Front<B>>,
    /// Packets of the block in front.
    records: Vec<Record>,
    /// Blocks at which the ring is filling up.
    pressing: usize,
}

/// The block whose packets are given away.
struct Front<B> {
    block: Arc<B>,
    taken: Instant,
    /// The first of `Lane::records` not given away yet.
    next: usize,
    /// Which of the blocks of the chunk being filled it is, once a packet of it is in there.
    place: Option<usize>,
}

impl<B> Merge<B> {
    /// Rings of so many blocks each, none of them taken yet.
    pub(super) fn new(blocks: impl Iterator<Item = usize>, delay: Duration) -> Self {
        let lanes = blocks.map(|blocks| Lane {
            waiting: VecDeque::new(),
            front: None,
            records: Vec::new(),
            pressing: (blocks / 2).max(1),
        });
        Self {
            lanes: lanes.collect(),
            delay,
        }
    }

    /// Whether another block of this ring should be taken: half of them are left to the kernel.
    pub(super) fn has_room(&self, lane: usize) -> bool {
        self.lanes.get(lane).is_some_and(|lane| !lane.is_pressing())
    }

    /// Takes a block of a ring that was filled by `now`.
    pub(super) fn push(&mut self, lane: usize, block: B, now: Instant) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.waiting.push_back((block, now));
        }
    }

    /// Adds packets that are due to a chunk, with the blocks that they lie in. `open` finds the packets of
    /// a block of a ring.
    pub(super) fn fill(
        &mut self,
        records: &mut Vec<Record>,
        blocks: &mut Vec<Arc<B>>,
        now: Instant,
        mut open: impl FnMut(usize, &mut B, &mut Vec<Record>),
    ) {
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            lane.open(number, &mut open);
        }
        while records.len() < CHUNK_PACKETS && blocks.len() < MAX_CHUNK_BLOCKS {
            let any_empty = self.lanes.iter().any(|lane| lane.front.is_none());
            let any_pressing = self.lanes.iter().any(Lane::is_pressing);
            let Some(((_, number), rival)) = self.next_two() else {
                break;
            };
            let Some(lane) = self.lanes.get_mut(number) else {
                break;
            };
            if any_empty && !any_pressing && !lane.is_due(now, self.delay) {
                break;
            }
            let room = CHUNK_PACKETS - records.len();
            lane.give(number, rival, room, records, blocks);
            lane.open(number, &mut open);
        }
        for front in self.lanes.iter_mut().filter_map(|lane| lane.front.as_mut()) {
            front.place = None;
        }
    }

    /// Packets of a ring that were taken and not given away; `count` tells how many a block holds.
    pub(super) fn left(&self, lane: usize, count: impl Fn(&B) -> u64) -> u64 {
        let Some(lane) = self.lanes.get(lane) else {
            return 0;
        };
        let front = lane.front.as_ref();
        let in_front = front.map_or(0, |front| lane.records.len().saturating_sub(front.next));
        let waiting: u64 = lane.waiting.iter().map(|(block, _)| count(block)).sum();
        in_front as u64 + waiting
    }

    /// When the next packets are due whatever the other rings do; none if no block is held.
    pub(super) fn due(&self) -> Option<Instant> {
        let ((_, number), _) = self.next_two()?;
        let front = self.lanes.get(number)?.front.as_ref()?;
        Some(front.taken + self.delay)
    }

    /// The lane whose packet is the earliest, with its time, and the one after it.
    fn next_two(&self) -> Option<(Turn, Option<Turn>)> {
        let (mut first, mut second) = (None, None);
        for (number, lane) in self.lanes.iter().enumerate() {
            let Some(time_ns) = lane.next_time() else {
                continue;
            };
            let turn = (time_ns, number);
            if first.is_none_or(|first| turn < first) {
                second = first.replace(turn);
            } else if second.is_none_or(|second| turn < second) {
                second = Some(turn);
            }
        }
        Some((first?, second))
    }
}

/// The time of a lane's next packet, and the lane: the smallest is next.
type Turn = (i64, usize);

impl<B> Lane<B> {
    fn blocks(&self) -> usize {
        self.waiting.len() + usize::from(self.front.is_some())
    }

    fn is_pressing(&self) -> bool {
        self.blocks() >= self.pressing
    }

    fn next_time(&self) -> Option<i64> {
        let front = self.front.as_ref()?;
        self.records.get(front.next).map(|record| record.time_ns)
    }

    fn is_due(&self, now: Instant, delay: Duration) -> bool {
        let front = self.front.as_ref();
        front.is_some_and(|front| now.saturating_duration_since(front.taken) >= delay)
    }

    /// Has a block with packets in front if there is any.
    fn open(&mut self, number: usize, open: &mut impl FnMut(usize, &mut B, &mut Vec<Record>)) {
        while self.front.is_none() {
            let Some((mut block, taken)) = self.waiting.pop_front() else {
                return;
            };
            self.records.clear();
            open(number, &mut block, &mut self.records);
            if !self.records.is_empty() {
                self.front = Some(Front {
                    block: Arc::new(block),
                    taken,
                    next: 0,
                    place: None,
                });
            }
        }
    }

    /// Gives away the packets that go before the rival's, as far as there is room.
    fn give(
        &mut self,
        number: usize,
        rival: Option<Turn>,
        room: usize,
        records: &mut Vec<Record>,
        blocks: &mut Vec<Arc<B>>,
    ) {
        let Some(front) = &mut self.front else {
            return;
        };
        let place = *front.place.get_or_insert_with(|| {
            blocks.push(Arc::clone(&front.block));
            blocks.len() - 1
        });
        let before = records.len();
        let run = self.records.get(front.next..).unwrap_or_default().iter();
        let run = run
            .take(room)
            .take_while(|record| rival.is_none_or(|rival| (record.time_ns, number) < rival));
        records.extend(run.map(|record| Record {
            offset: block_offset(place) + record.offset,
            ..*record
        }));
        front.next += records.len() - before;
        if front.next >= self.records.len() {
            self.front = None;
        }
    }
}

#[cfg(test)]
#[path = "ring_merge_tests.rs"]
mod tests;
