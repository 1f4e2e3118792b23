//! A cursor over bytes that are all there: every read is checked, none panics.

/// Bytes not yet read.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes not yet read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `length` bytes, or nothing (and no step) when fewer are left.
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    /// The next two bytes, most significant first.
    pub fn u16(&mut self) -> Option<u16> {
        let (&bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u16::from_be_bytes(bytes))
    }

    /// The next three bytes, most significant first.
    pub fn u24(&mut self) -> Option<u32> {
        let (&[high, middle, low], rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u32::from_be_bytes([0, high, middle, low]))
    }

    /// The next four bytes, most significant first.
    pub fn u32(&mut self) -> Option<u32> {
        let (&bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u32::from_be_bytes(bytes))
    }

    /// A vector with a length of one byte before it.
    pub fn vector8(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let length = usize::from(ahead.u8()?);
        let taken = ahead.take(length)?;
        *self = ahead;
        Some(taken)
    }

    /// A vector with a length of two bytes before it.
    pub fn vector16(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let length = usize::from(ahead.u16()?);
        let taken = ahead.take(length)?;
        *self = ahead;
        Some(taken)
    }

    /// A QUIC variable-length integer (RFC 9000, section 16).
    pub fn varint(&mut self) -> Option<u64> {
        let first = *self.rest.first()?;
        let taken = self.take(1 << (first >> 6))?;
        let value = taken
            .iter()
            .fold(0u64, |value, &byte| (value << 8) | u64::from(byte));
        // The two highest bits said how long the integer is.
        Some(value & (u64::MAX >> (66 - 8 * taken.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_the_standard() {
        for (bytes, value) in [
            (
                &[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..],
                151_288_809_941_952_652,
            ),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ] {
            assert_eq!(Reader::new(bytes).varint(), Some(value));
            assert_eq!(Reader::new(&bytes[..bytes.len() - 1]).varint(), None);
        }
    }

    #[test]
    fn a_failed_vector_takes_no_step() {
        let mut reader = Reader::new(&[0, 3, 1, 2]);
        assert_eq!(reader.vector16(), None);
        assert_eq!(reader.rest(), [0, 3, 1, 2]);
        assert_eq!(reader.u8(), Some(0));
        assert_eq!(reader.vector8(), None);
        assert_eq!(reader.u24(), Some(0x0003_0102));
    }
}
