//! Google's QUIC before the IETF's: versions Q024 to Q046 send their hello in the clear.
//!
//! The packet has a public header with the version as text (`Q039`), a hash of 12 bytes, and a stream frame
//! with the message `CHLO`. What lies between header and message differs from version to version, so
//! the message is looked for where it can begin.
//!
//! ```text
//! Message {
//!   Tag (32) = "CHLO", Entry Count (16), Padding (16),       little endian
//!   Entries { Tag (32), End Offset (32) } ...,
//!   Values ...
//! }
//! ```

use memchr::memmem;

use super::hostname::Name;
use super::reader::Reader;

/// Bytes after the header within which the hello must begin: packet number, hash, frame header.
const MAX_HELLO_OFFSET: usize = 64;

/// Most entries of a hello; real ones have about 30.
const MAX_ENTRIES: usize = 128;

const HAS_VERSION: u8 = 0x01;
const IS_RESET: u8 = 0x02;
const LONG_FORM: u8 = 0x80;

const HELLO_TAG: &[u8] = b"CHLO";
const NAME_TAG: &[u8] = b"SNI\0";

/// What a datagram of Google QUIC holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoogleHello {
    /// The server name of the hello, when one was sent.
    pub sni: Option<Name>,
}

/// The version of a Google QUIC datagram with a readable version, and what comes after its connection ID.
pub fn header(datagram: &[u8]) -> Option<(u32, &[u8])> {
    let mut reader = Reader::new(datagram);
    let flags = reader.u8()?;
    if flags & LONG_FORM != 0 {
        let version = reader.u32()?;
        return is_long_form_version(version).then_some((version, reader.rest()));
    }
    if flags & HAS_VERSION == 0 || flags & IS_RESET != 0 {
        return None;
    }
    // The two bits first told four lengths, from Q035 on only whether there are 8 bytes.
    let lengths: &[usize] = match flags & 0x0c {
        0x0c => &[8],
        0x08 => &[8, 4],
        0x04 => &[1],
        _ => &[0],
    };
    lengths.iter().find_map(|&length| {
        let mut reader = reader;
        reader.take(length)?;
        let version = reader.u32()?;
        is_public_version(version).then_some((version, reader.rest()))
    })
}

/// The hello in what comes after a header.
pub fn hello(payload: &[u8]) -> Option<GoogleHello> {
    let window = payload
        .get(..MAX_HELLO_OFFSET + HELLO_TAG.len())
        .unwrap_or(payload);
    let start = memmem::find(window, HELLO_TAG)?;
    let mut reader = Reader::new(payload.get(start + HELLO_TAG.len()..)?);
    let entry_count = usize::from(reader.u16()?.swap_bytes());
    reader.u16()?;
    if entry_count > MAX_ENTRIES {
        return None;
    }
    let mut value_start = 0;
    let mut name_place = None;
    for _ in 0..entry_count {
        let tag = reader.take(4)?;
        let value_end = reader.u32()?.swap_bytes() as usize;
        if tag == NAME_TAG {
            name_place = Some(value_start..value_end);
        }
        value_start = value_end;
    }
    let name = name_place.and_then(|place| reader.rest().get(place));
    Some(GoogleHello {
        sni: name.and_then(Name::from_wire),
    })
}

/// The number in a version of the form `Q0dd`.
fn version_number(version: u32) -> Option<u8> {
    let [b'Q', b'0', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = version.to_be_bytes() else {
        return None;
    };
    Some((tens - b'0') * 10 + (ones - b'0'))
}

fn is_public_version(version: u32) -> bool {
    version_number(version).is_some_and(|number| (9..=43).contains(&number))
}

fn is_long_form_version(version: u32) -> bool {
    version_number(version).is_some_and(|number| (44..=49).contains(&number))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A hello with a few entries around its name.
    pub fn hello_message(name: &[u8]) -> Vec<u8> {
        let entries: [(&[u8; 4], &[u8]); 3] = [
            (b"PAD\0", &[b'-'; 40]),
            (b"SNI\0", name),
            (b"VER\0", b"Q043"),
        ];
        let mut bytes = b"CHLO\x03\0\0\0".to_vec();
        let mut end = 0u32;
        for (tag, value) in entries {
            end += value.len() as u32;
            bytes.extend(*tag);
            bytes.extend(end.to_le_bytes());
        }
        bytes.extend(entries.iter().flat_map(|(_, value)| *value));
        bytes
    }

    fn datagram(start: &[u8]) -> Vec<u8> {
        [
            start,
            &[9; 16],
            b"\xa0\x01\0\x04",
            &hello_message(b"Www.Google.COM"),
        ]
        .concat()
    }

    fn name(datagram: &[u8]) -> Option<Name> {
        header(datagram)
            .and_then(|(_, payload)| hello(payload))
            .and_then(|hello| hello.sni)
    }

    #[test]
    fn every_form_of_header() {
        for start in [
            &b"\x0dIDIDIDIDQ024"[..],
            b"\x09IDIDIDIDQ043",
            b"\x09IDIDQ025",
            b"\x05IQ025",
            b"\x01Q025",
            b"\xffQ044\x50IDIDIDID",
            b"\xc3Q046\x50IDIDIDID",
        ] {
            let datagram = datagram(start);
            assert_eq!(
                name(&datagram).as_deref(),
                Some("www.google.com"),
                "{start:?}"
            );
            for length in 0..datagram.len() {
                let _ = name(&datagram[..length]);
            }
            for place in 0..datagram.len() {
                for value in 0..=255 {
                    let mut changed = datagram.clone();
                    changed[place] = value;
                    let _ = name(&changed);
                }
            }
        }
    }

    #[test]
    fn other_versions_and_resets_have_no_header() {
        for start in [
            &b"\x09IDIDIDIDX043"[..],
            b"\x0bIDIDIDIDQ043",
            b"\x08IDIDIDIDQ043",
            b"\xc3Q050",
        ] {
            assert_eq!(header(&datagram(start)), None, "{start:?}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = name(&bytes);
            let _ = hello(&[b"CHLO", &bytes[..]].concat());
        }
    }
}
