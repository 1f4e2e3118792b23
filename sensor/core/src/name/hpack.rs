//! As much of HPACK (RFC 7541) as finding `:authority` takes.
//!
//! The dynamic table is not kept: a client sends its first `:authority` as a literal with the static
//! name, a further one that differs likewise. An entry that points into the dynamic table repeats a
//! name already seen.

use std::ops::ControlFlow;

/// Longest value decoded; the rest of such a block is not looked at.
pub const MAX_VALUE_BYTES: usize = 512;
/// Most fields looked at in one block.
pub const MAX_FIELDS: usize = 64;

/// Fields of the static table that matter here.
const STATIC_AUTHORITY: usize = 1;
const STATIC_HOST: usize = 38;
const STATIC_USER_AGENT: usize = 58;

/// A field worth knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `:authority`.
    Authority,
    /// `host`, which a proxy may keep besides.
    Host,
    /// `user-agent`.
    UserAgent,
}

/// Calls `found` with each known field that the block spells out, until the block ends or contradicts
/// itself; false where it did the latter.
pub fn fields(block: &[u8], mut found: impl FnMut(Field, &[u8])) -> bool {
    let mut reader = Reader { rest: block };
    for _ in 0..MAX_FIELDS {
        if reader.rest.is_empty() {
            return true;
        }
        match reader.field(&mut found) {
            Some(ControlFlow::Continue(())) => {}
            Some(ControlFlow::Break(())) => return true,
            None => return false,
        }
    }
    true
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn field(&mut self, found: &mut impl FnMut(Field, &[u8])) -> Option<ControlFlow<()>> {
        let first = *self.rest.first()?;
        let name_bits = match first {
            // Indexed: everything stands in a table, nothing is spelled out.
            0x80.. => return (self.integer(7)? != 0).then_some(ControlFlow::Continue(())),
            0x40..=0x7f => 6,
            0x20..=0x3f => return self.integer(5).map(|_| ControlFlow::Continue(())),
            _ => 4,
        };
        let field = match self.integer(name_bits)? {
            0 => {
                let mut name = Text::default();
                self.string(&mut name)?;
                known_name(name.as_slice())
            }
            STATIC_AUTHORITY => Some(Field::Authority),
            STATIC_HOST => Some(Field::Host),
            STATIC_USER_AGENT => Some(Field::UserAgent),
            _ => None,
        };
        let mut value = Text::default();
        self.string(&mut value)?;
        if let (Some(field), false) = (field, value.is_lost) {
            found(field, value.as_slice());
        }
        Some(ControlFlow::Continue(()))
    }

    /// An integer with a prefix of `bits` (5.1); absurd ones are refused.
    fn integer(&mut self, bits: u8) -> Option<usize> {
        let mask = (1_usize << bits) - 1;
        let mut value = usize::from(self.octet()?) & mask;
        if value < mask {
            return Some(value);
        }
        for shift in [0, 7, 14] {
            let octet = usize::from(self.octet()?);
            value += (octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A string (5.2); one that is too long or holds rare characters is passed over as lost.
    fn string(&mut self, text: &mut Text) -> Option<()> {
        let is_huffman = self.rest.first()? & 0x80 != 0;
        let length = self.integer(7)?;
        let (octets, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        if is_huffman {
            huffman(octets, text);
        } else {
            for &octet in octets {
                text.push(octet);
            }
        }
        Some(())
    }

    fn octet(&mut self) -> Option<u8> {
        let (&octet, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(octet)
    }
}

fn known_name(name: &[u8]) -> Option<Field> {
    match name {
        b":authority" => Some(Field::Authority),
        b"host" => Some(Field::Host),
        b"user-agent" => Some(Field::UserAgent),
        _ => None,
    }
}

/// Characters in the order of their codes, by length of the code in bits (RFC 7541, appendix B). Codes
/// of one length are consecutive. Longer ones than these belong to characters that stand in no host
/// and in no user agent one meets.
const CODES: [(u8, u16, &[u8]); 9] = [
    (5, 0x0, b"012aceiost"),
    (6, 0x14, b" %-./3456789=A_bdfghlmnpru"),
    (7, 0x5c, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, 0xf8, b"&*,;XZ"),
    (10, 0x3f8, b"!\"()?"),
    (11, 0x7fa, b"'+|"),
    (12, 0xffa, b"#>"),
    (13, 0x1ff8, b"\0$@[]~"),
    (15, 0x7ffc, b"<`{"),
];
const LONGEST_CODE_BITS: u8 = 15;

fn huffman(octets: &[u8], text: &mut Text) {
    let mut code = 0_u16;
    let mut bits = 0;
    for &octet in octets {
        for position in (0..8).rev() {
            code = code << 1 | u16::from(octet >> position & 1);
            bits += 1;
            if let Some(character) = character(code, bits) {
                text.push(character);
                code = 0;
                bits = 0;
            } else if bits == LONGEST_CODE_BITS {
                text.is_lost = true;
                return;
            }
        }
    }
    // Padding is the front of a long code of ones, shorter than an octet.
    text.is_lost |= bits > 7 || u32::from(code) != (1 << bits) - 1;
}

fn character(code: u16, bits: u8) -> Option<u8> {
    let (_, first, characters) = CODES.iter().find(|(length, ..)| *length == bits)?;
    characters
        .get(usize::from(code.checked_sub(*first)?))
        .copied()
}

/// A string of bounded length.
struct Text {
    octets: [u8; MAX_VALUE_BYTES],
    length: usize,
    is_lost: bool,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            octets: [0; MAX_VALUE_BYTES],
            length: 0,
            is_lost: false,
        }
    }
}

impl Text {
    fn push(&mut self, octet: u8) {
        match self.octets.get_mut(self.length) {
            Some(place) => {
                *place = octet;
                self.length += 1;
            }
            None => self.is_lost = true,
        }
    }

    fn as_slice(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(block: &[u8]) -> Vec<(Field, String)> {
        let mut list = Vec::new();
        fields(block, |field, value| {
            list.push((field, String::from_utf8_lossy(value).into_owned()));
        });
        list
    }

    fn authority(name: &str) -> (Field, String) {
        (Field::Authority, name.into())
    }

    #[test]
    fn examples_of_the_standard() {
        // RFC 7541, C.3.1 and C.4.1: the same request, plain and Huffman coded.
        let plain = b"\x82\x86\x84\x41\x0fwww.example.com";
        let coded = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        assert_eq!(read(plain), [authority("www.example.com")]);
        assert_eq!(read(coded), [authority("www.example.com")]);
    }

    #[test]
    fn names_spelled_out_and_table_size() {
        assert_eq!(
            read(b"\x3f\xe1\x1f\x10\x0a:authority\x02kp"),
            [authority("kp")]
        );
        assert_eq!(read(b"\x0f\x2b\x04curl\x7a\x04curl").len(), 2);
    }

    #[test]
    fn broken_blocks_are_said() {
        for block in [
            &b"\x80"[..],
            b"\x41\x05ab",
            b"\x41",
            b"\x7f\xff\xff\xff\xff",
            b"\x00\x01",
        ] {
            assert!(!fields(block, |_, _| ()), "{block:?}");
        }
    }

    #[test]
    fn bad_padding_and_long_values_are_lost() {
        assert_eq!(read(b"\x41\x81\x00"), []);
        assert_eq!(read(b"\x41\x82\x07\xff"), []);
        let mut long = b"\x41\x7f\x81\x07".to_vec();
        long.extend([b'a'; 1024]);
        assert_eq!(read(&long), []);
    }

    #[test]
    fn code_table_is_whole() {
        for pair in CODES.windows(2) {
            let [(bits, first, characters), (next_bits, next_first, _)] = pair else {
                unreachable!()
            };
            let behind = first + characters.len() as u16;
            // 14 bits are left out: `^` and `}`.
            let skipped = u16::from(*bits == 13) * 2;
            let expected = if *bits == 13 {
                ((behind << 1) + skipped) << 1
            } else {
                behind << (next_bits - bits)
            };
            assert_eq!(*next_first, expected, "after {bits} bits");
        }
    }

    proptest! {
        #[test]
        fn anything_goes_in(block in proptest::collection::vec(any::<u8>(), 0..200)) {
            fields(&block, |_, _| ());
        }
    }
}
