//! A name as the wire gave it, made safe to store and to print.

use std::fmt;
use std::ops::Deref;

/// Longest name that is kept, in bytes on the wire (the limit of the DNS).
pub const MAX_NAME_BYTES: usize = 255;

/// A host name: lower case, without its trailing dot.
///
/// Address literals stay as they were sent. Bytes that are no printable ASCII (spaces included), and the
/// backslash, are kept as `\DDD`, the decimal escape of DNS master files, so that a name is
/// always one printable word and two different names never look alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<str>);

impl Name {
    /// The name in `wire`, or nothing for an empty name or one longer than [`MAX_NAME_BYTES`].
    pub fn from_wire(wire: &[u8]) -> Option<Self> {
        let bare = wire.strip_suffix(b".").unwrap_or(wire);
        if bare.is_empty() || bare.len() > MAX_NAME_BYTES {
            return None;
        }
        Some(Self(printable(bare, u8::to_ascii_lowercase)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as owned text.
    pub fn into_boxed_str(self) -> Box<str> {
        self.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// `wire` as one printable word: each byte through `change`, or escaped as `\DDD`.
pub(super) fn printable(wire: &[u8], change: impl Fn(&u8) -> u8) -> Box<str> {
    let mut text = String::with_capacity(wire.len());
    for byte in wire {
        if byte.is_ascii_graphic() && *byte != b'\\' {
            text.push(char::from(change(byte)));
        } else {
            text.push('\\');
            for digit in [byte / 100, byte / 10 % 10, byte % 10] {
                text.push(char::from(b'0' + digit));
            }
        }
    }
    text.into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(wire: &[u8]) -> Option<String> {
        Name::from_wire(wire).map(|name| name.to_string())
    }

    #[test]
    fn lower_case_without_trailing_dot() {
        assert_eq!(name(b"WWW.Example.COM."), Some("www.example.com".into()));
        assert_eq!(name(b"192.0.2.1"), Some("192.0.2.1".into()));
        assert_eq!(name(b"2001:DB8::1"), Some("2001:db8::1".into()));
        assert_eq!(name(b"_a-b.example"), Some("_a-b.example".into()));
    }

    #[test]
    fn odd_bytes_are_escaped() {
        assert_eq!(name(b"a b\n\xff\\"), Some(r"a\032b\010\255\092".into()));
    }

    #[test]
    fn empty_and_overlong_are_refused() {
        assert_eq!(name(b""), None);
        assert_eq!(name(b"."), None);
        assert_eq!(name(&[b'a'; 256]), None);
        assert!(name(&[b'a'; 255]).is_some());
    }
}
