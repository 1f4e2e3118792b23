//! A place in a frame, and how far the layer at hand reaches.

use super::DropReason;

/// Reads headers one after the other, never past the capture nor past the enclosing layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    frame: &'a [u8],
    /// Offset of the next header; never beyond the capture.
    offset: usize,
    /// Offset behind the last byte of the layer at hand on the wire, captured or not.
    end: usize,
    /// Whether this is the first fragment of something: lengths inside may exceed what is there.
    fragmented: bool,
}

impl<'a> Cursor<'a> {
    /// Stands at the start of a frame that was `original` bytes long on the wire.
    pub fn new(frame: &'a [u8], original: u32) -> Self {
        let end = frame.len().max(original as usize);
        Self {
            frame,
            offset: 0,
            end,
            fragmented: false,
        }
    }

    /// Offset of the next header in the frame.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes of the layer at hand from here on, captured or not.
    pub fn remaining(&self) -> usize {
        self.end.saturating_sub(self.offset)
    }

    /// Bytes of the layer at hand from here on that were captured.
    pub fn captured(&self) -> usize {
        self.end.min(self.frame.len()).saturating_sub(self.offset)
    }

    /// The captured bytes of the layer at hand.
    fn rest(&self) -> &'a [u8] {
        let end = self.end.min(self.frame.len());
        self.frame.get(self.offset..end).unwrap_or_default()
    }

    /// `N` bytes, `at` bytes ahead, if they are there.
    pub fn peek<const N: usize>(&self, at: usize) -> Option<&'a [u8; N]> {
        self.rest().get(at..)?.first_chunk()
    }

    /// The next `N` bytes, passing them.
    pub fn take<const N: usize>(&mut self, layer: &'static str) -> Result<&'a [u8; N], DropReason> {
        let bytes = self
            .rest()
            .first_chunk()
            .ok_or_else(|| self.malformed(layer, N))?;
        self.offset += N;
        Ok(bytes)
    }

    /// Passes `count` bytes.
    pub fn skip(&mut self, count: usize, layer: &'static str) -> Result<(), DropReason> {
        if count > self.captured() {
            return Err(self.malformed(layer, count));
        }
        self.offset += count;
        Ok(())
    }

    /// The layer at hand ends `count` bytes ahead, or where the one around it ends.
    pub fn limit(&mut self, count: usize) {
        self.end = self.end.min(self.offset.saturating_add(count));
    }

    /// From here on lengths may exceed what is there: this is a first fragment.
    pub fn set_fragmented(&mut self) {
        self.fragmented = true;
    }

    /// Whether a length told by a header at the cursor agrees with the layer at hand.
    pub fn admits(&self, count: usize) -> bool {
        self.fragmented || count <= self.remaining()
    }

    /// The error of a header that needs more bytes than are here.
    pub fn malformed(&self, layer: &'static str, needed: usize) -> DropReason {
        DropReason::Malformed {
            layer,
            offset: self.offset as u32,
            needed: needed as u32,
            had: self.captured() as u32,
        }
    }

    /// The error of a header here that contradicts itself.
    pub fn invalid(&self, layer: &'static str) -> DropReason {
        DropReason::Invalid {
            layer,
            offset: self.offset as u32,
        }
    }
}

/// Two bytes at a fixed place of a header, the high one first.
#[inline]
pub(super) fn be16<const N: usize>(header: &[u8; N], at: usize) -> u16 {
    u16::from_be_bytes([header[at], header[at + 1]])
}

/// Four bytes at a fixed place of a header, the high one first.
#[inline]
pub(super) fn be32<const N: usize>(header: &[u8; N], at: usize) -> u32 {
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// Sixteen bytes at a fixed place of a header, the high one first.
#[inline]
pub(super) fn be128<const N: usize>(header: &[u8; N], at: usize) -> u128 {
    let high = u64::from(be32(header, at)) << 32 | u64::from(be32(header, at + 4));
    let low = u64::from(be32(header, at + 8)) << 32 | u64::from(be32(header, at + 12));
    u128::from(high) << 64 | u128::from(low)
}
