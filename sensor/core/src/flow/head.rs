//! The first bytes of one direction of a TCP stream, in order; a window that can be moved on.

use std::ops::Range;

#[cfg(test)]
mod tests;

/// Bytes of the window; what lies beyond is not kept.
pub const MAX_HEAD_BYTES: usize = 16 << 10;
/// Most pieces kept that came before the bytes in front of them.
pub const MAX_PIECES: usize = 32;
/// Room of a buffer at first.
const MIN_BYTES: usize = 128;
/// An emptied buffer larger than this is given back.
const MAX_IDLE_BYTES: usize = 4 << 10;
/// A buffer larger than this is not kept for another stream.
const MAX_SPARE_BYTES: usize = 1 << 10;

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The bytes in order are more than before.
    Grew,
    /// Kept until what is missing in front of it comes.
    Waiting,
    /// Nothing new: empty, held already, or in front of the window.
    Known,
    /// It says other bytes than those held: dropped whole.
    Contradicts,
    /// Behind the window, or one piece too many: dropped.
    Beyond,
}

/// How sure the place of the window's first byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Start {
    #[default]
    Unknown,
    /// By the first data seen of a stream met in the middle.
    Data,
    /// By the SYN.
    Syn,
}

/// Puts the segments of one direction in order; see the module.
///
/// The bytes seen first win. A stream met in the middle begins with the first data seen; what comes
/// later but belongs in front of it is left out.
#[derive(Debug, Default)]
pub struct Head {
    buffer: Buffer,
    /// Sequence number of the window's first byte.
    base: u32,
    start: Start,
}

#[derive(Debug, Default)]
struct Buffer {
    /// From the window's first byte to the last one held; gaps are zero.
    bytes: Vec<u8>,
    /// How many bytes from the front have no gap.
    in_order: usize,
    /// What is held behind the first gap: sorted, apart from each other, never touching.
    pieces: Vec<Range<usize>>,
}

impl Head {
    /// Takes a segment: its sequence number, whether it has the SYN flag, its payload.
    pub fn push(&mut self, sequence: u32, syn: bool, payload: &[u8]) -> Pushed {
        self.push_within(MAX_HEAD_BYTES, sequence, syn, payload)
    }

    /// The same with a smaller window, where less is enough.
    pub fn push_within(
        &mut self,
        window: usize,
        sequence: u32,
        syn: bool,
        payload: &[u8],
    ) -> Pushed {
        let window = window.min(MAX_HEAD_BYTES);
        let first = sequence.wrapping_add(u32::from(syn));
        if syn && (self.start == Start::Unknown || self.is_empty() && self.start == Start::Data) {
            self.base = first;
            self.start = Start::Syn;
        }
        if payload.is_empty() {
            return Pushed::Known;
        }
        if self.start == Start::Unknown {
            self.base = first;
            self.start = Start::Data;
        }
        let Some((offset, payload)) = self.behind_base(first, payload) else {
            return Pushed::Known;
        };
        if offset >= window {
            return Pushed::Beyond;
        }
        let fitting = payload.len().min(window - offset);
        let payload = payload.get(..fitting).unwrap_or(payload);
        self.buffer.insert(offset, payload)
    }

    /// Whether a segment would stand at the window's front, before everything else.
    pub fn would_begin_with(&self, sequence: u32, syn: bool) -> bool {
        let first = sequence.wrapping_add(u32::from(syn));
        let moves = syn && self.start != Start::Syn;
        self.is_empty() && (moves || self.start == Start::Unknown || self.base == first)
    }

    /// The bytes in order from the window's front on.
    pub fn bytes(&self) -> &[u8] {
        let buffer = &self.buffer;
        buffer.bytes.get(..buffer.in_order).unwrap_or_default()
    }

    /// Whether no byte is held, in order or not.
    pub fn is_empty(&self) -> bool {
        self.buffer.bytes.is_empty()
    }

    /// Whether the window is filled from end to end.
    pub fn is_full(&self) -> bool {
        self.bytes().len() >= MAX_HEAD_BYTES
    }

    /// Whether nothing has been seen yet, no SYN either.
    pub fn is_untouched(&self) -> bool {
        self.start == Start::Unknown
    }

    /// Moves the window `count` bytes on, beyond the bytes held if need be.
    ///
    /// False, and nothing done, where that is farther than sequence numbers can tell.
    pub fn consume(&mut self, count: u64) -> bool {
        let Ok(count) = i32::try_from(count).map(i32::cast_unsigned) else {
            return false;
        };
        self.base = self.base.wrapping_add(count);
        let buffer = &mut self.buffer;
        buffer.consume(count as usize);
        if buffer.bytes.is_empty() && buffer.bytes.capacity() > MAX_IDLE_BYTES {
            *buffer = Buffer::default();
        }
        true
    }

    /// Forgets what is held; the window begins at `sequence` from now on.
    pub fn restart(&mut self, sequence: u32) {
        self.buffer.consume(usize::MAX);
        self.base = sequence;
        self.start = Start::Data;
    }

    /// Gives the memory back; what comes later is put in order anew from there on.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// As new, but a small buffer stays for its memory.
    pub fn renew(&mut self) {
        let mut bytes = std::mem::take(&mut self.buffer.bytes);
        bytes.clear();
        *self = Self::default();
        if bytes.capacity() <= MAX_SPARE_BYTES {
            self.buffer.bytes = bytes;
        }
    }

    /// Bytes of memory beyond the struct itself.
    pub fn heap_bytes(&self) -> usize {
        let buffer = &self.buffer;
        buffer.bytes.capacity() + buffer.pieces.capacity() * size_of::<Range<usize>>()
    }

    /// Reads it, so that it is near when it is needed.
    #[inline]
    pub fn touch(&self) -> u64 {
        u64::from(self.base) ^ self.buffer.bytes.capacity() as u64
    }

    /// The part of a segment that is not in front of the window, and its offset there.
    fn behind_base<'a>(&self, first: u32, payload: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let distance = first.wrapping_sub(self.base).cast_signed();
        let bytes = distance.unsigned_abs() as usize;
        if distance >= 0 {
            return Some((bytes, payload));
        }
        let rest = payload.get(bytes..)?;
        (!rest.is_empty()).then_some((0, rest))
    }
}

impl Buffer {
    /// Takes bytes, not empty, that fit into the window at `start`.
    fn insert(&mut self, start: usize, payload: &[u8]) -> Pushed {
        let end = start + payload.len();
        self.make_room(end);
        if start == self.in_order && self.pieces.is_empty() {
            self.bytes.extend_from_slice(payload);
            self.in_order = end;
            return Pushed::Grew;
        }
        if !self.agrees(0..self.in_order, start, payload) {
            return Pushed::Contradicts;
        }
        if end <= self.in_order {
            return Pushed::Known;
        }
        // Pieces that overlap or touch the segment become one piece with it.
        let first = self.pieces.partition_point(|piece| piece.end < start);
        let after = self
            .pieces
            .partition_point(|piece| piece.start <= end)
            .max(first);
        let joined = self.pieces.get(first..after).unwrap_or_default();
        let mut agreeing = joined.iter();
        if !agreeing.all(|piece| self.agrees(piece.clone(), start, payload)) {
            return Pushed::Contradicts;
        }
        if joined
            .iter()
            .any(|piece| piece.start <= start && end <= piece.end)
        {
            return Pushed::Known;
        }
        let grows = start <= self.in_order;
        if !grows && joined.is_empty() && self.pieces.len() >= MAX_PIECES {
            return Pushed::Beyond;
        }
        let joined_start = joined.first().map_or(start, |piece| piece.start.min(start));
        let joined_end = joined.last().map_or(end, |piece| piece.end.max(end));
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(place) = self.bytes.get_mut(start..end) {
            place.copy_from_slice(payload);
        }
        if grows {
            self.pieces.drain(first..after);
            self.in_order = joined_end;
            return Pushed::Grew;
        }
        self.pieces
            .splice(first..after, std::iter::once(joined_start..joined_end));
        Pushed::Waiting
    }

    /// Grows by doubling, but never beyond the window. Few sizes, so that what one stream gives back fits the
    /// next.
    fn make_room(&mut self, length: usize) {
        if length > self.bytes.capacity() {
            let wanted = length.next_power_of_two().clamp(MIN_BYTES, MAX_HEAD_BYTES);
            self.bytes
                .reserve_exact(wanted.max(length) - self.bytes.len());
        }
    }

    /// Whether the segment equals what is held at the places `held`.
    fn agrees(&self, held: Range<usize>, start: usize, payload: &[u8]) -> bool {
        let common = held.start.max(start)..held.end.min(start + payload.len());
        common.is_empty()
            || payload.get(common.start - start..common.end - start) == self.bytes.get(common)
    }

    /// Takes `count` bytes off the front.
    fn consume(&mut self, count: usize) {
        let held = count.min(self.bytes.len());
        self.bytes.drain(..held);
        self.pieces.retain(|piece| piece.end > count);
        for piece in &mut self.pieces {
            *piece = piece.start.saturating_sub(count)..piece.end - count;
        }
        self.in_order = self.in_order.saturating_sub(count);
        // The window may now begin within a piece.
        if self.pieces.first().is_some_and(|piece| piece.start == 0) {
            self.in_order = self.pieces.remove(0).end;
        }
    }
}
