//! Pieces of one handshake put in order: QUIC CRYPTO frames, DTLS handshake fragments.

use std::ops::Range;

/// Most bytes put together; what lies beyond is refused.
pub const MAX_FRAGMENT_BYTES: usize = 16 * 1024;

/// Most separate runs of bytes kept; clients that scramble their hello send up to about twenty pieces.
pub const MAX_RUNS: usize = 32;

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// Taken, or known already.
    Kept,
    /// It says other bytes than an earlier piece for the same place; nothing was changed.
    Conflict,
    /// It reaches beyond a limit; nothing was changed.
    Refused,
}

/// Bytes from offset 0 on, in whatever order their pieces come.
#[derive(Debug, Default)]
pub struct Fragments {
    bytes: Vec<u8>,
    /// What of `bytes` is there: sorted, apart from each other, never touching.
    runs: Vec<Range<usize>>,
}

impl Fragments {
    /// Takes the piece `data` that belongs at `offset`.
    pub fn insert(&mut self, offset: u64, data: &[u8]) -> Inserted {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(data.len());
        if end > MAX_FRAGMENT_BYTES {
            return Inserted::Refused;
        }
        if data.is_empty() {
            return Inserted::Kept;
        }
        // Runs that overlap or touch the piece become one run with it.
        let first = self.runs.partition_point(|run| run.end < start);
        let after = self.runs.partition_point(|run| run.start <= end);
        let joined = self.runs.get(first..after).unwrap_or_default();
        if joined.is_empty() && self.runs.len() >= MAX_RUNS {
            return Inserted::Refused;
        }
        if joined.iter().any(|run| !self.agrees(run, start, data)) {
            return Inserted::Conflict;
        }
        let joined_start = joined.first().map_or(start, |run| run.start.min(start));
        let joined_end = joined.last().map_or(end, |run| run.end.max(end));
        if self.bytes.len() < end {
            self.make_room(end);
            self.bytes.resize(end, 0);
        }
        if let Some(place) = self.bytes.get_mut(start..end) {
            place.copy_from_slice(data);
        }
        self.runs.splice(
            first..after.max(first),
            std::iter::once(joined_start..joined_end),
        );
        Inserted::Kept
    }

    /// The bytes from offset 0 up to the first gap.
    pub fn contiguous(&self) -> &[u8] {
        self.runs
            .first()
            .filter(|run| run.start == 0)
            .and_then(|run| self.bytes.get(run.clone()))
            .unwrap_or_default()
    }

    /// Forgets everything and gives the memory back.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes of memory beyond the struct itself: a piece far out takes room for all that is missing before it.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.runs.capacity() * size_of::<Range<usize>>()
    }

    /// Grows by doubling, but never beyond the limit.
    fn make_room(&mut self, length: usize) {
        let capacity = self.bytes.capacity();
        if length > capacity {
            let wanted = (capacity * 2).clamp(length, MAX_FRAGMENT_BYTES);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
    }

    /// Whether `data` at `start` equals what `run` already has of the same places.
    fn agrees(&self, run: &Range<usize>, start: usize, data: &[u8]) -> bool {
        let overlap = run.start.max(start)..run.end.min(start + data.len());
        if overlap.is_empty() {
            return true;
        }
        data.get(overlap.start - start..overlap.end - start) == self.bytes.get(overlap)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_in_any_order() {
        let mut fragments = Fragments::default();
        assert_eq!(fragments.insert(4, b"ef"), Inserted::Kept);
        assert_eq!(fragments.insert(1, b"bc"), Inserted::Kept);
        assert_eq!(fragments.contiguous(), b"");
        assert_eq!(fragments.insert(0, b"ab"), Inserted::Kept);
        assert_eq!(fragments.contiguous(), b"abc");
        assert_eq!(fragments.insert(2, b"cde"), Inserted::Kept);
        assert_eq!(fragments.contiguous(), b"abcdef");
        assert_eq!(fragments.runs.len(), 1);
    }

    #[test]
    fn other_bytes_for_the_same_place_conflict() {
        let mut fragments = Fragments::default();
        fragments.insert(2, b"cd");
        assert_eq!(fragments.insert(0, b"abX"), Inserted::Conflict);
        assert_eq!(fragments.insert(0, b"abc"), Inserted::Kept);
        assert_eq!(fragments.contiguous(), b"abcd");
    }

    #[test]
    fn limits_hold() {
        let mut fragments = Fragments::default();
        assert_eq!(
            fragments.insert(MAX_FRAGMENT_BYTES as u64, b"x"),
            Inserted::Refused
        );
        assert_eq!(fragments.insert(u64::MAX, b"x"), Inserted::Refused);
        for place in 0..MAX_RUNS as u64 {
            assert_eq!(fragments.insert(place * 2, b"x"), Inserted::Kept);
        }
        assert_eq!(fragments.insert(1000, b"x"), Inserted::Refused);
        assert_eq!(fragments.insert(1, b"y"), Inserted::Kept);
    }

    #[test]
    fn memory_is_told_and_bounded() {
        let mut fragments = Fragments::default();
        fragments.insert(9_000, b"x");
        assert!(fragments.heap_bytes() >= 9_001);
        fragments.insert(9_001, b"x");
        fragments.insert(MAX_FRAGMENT_BYTES as u64 - 1, b"x");
        assert!(fragments.bytes.capacity() <= MAX_FRAGMENT_BYTES);
        fragments.clear();
        assert_eq!(fragments.heap_bytes(), 0);
    }

    proptest! {
        #[test]
        fn the_prefix_is_what_was_put_in(pieces in prop::collection::vec((0usize..300, 0usize..60), 0..60)) {
            let source: Vec<u8> = (0..400u16).map(|place| (place * 7 % 251) as u8).collect();
            let mut fragments = Fragments::default();
            let mut there = [false; 400];
            for (start, length) in pieces {
                if fragments.insert(start as u64, &source[start..start + length]) == Inserted::Kept {
                    there[start..start + length].fill(true);
                }
            }
            let expected = there.iter().take_while(|&&known| known).count();
            prop_assert_eq!(fragments.contiguous(), &source[..expected]);
        }
    }
}
