//! The names behind `Record::interface`, over all inputs.

use std::collections::HashMap;
use std::path::Path;

use super::MAX_INTERFACES;

/// Most bytes of an interface name that a capture may bring along.
const MAX_NAME_BYTES: usize = 64;
/// Shared by all interfaces past the limit.
const FURTHER: &str = "(further interfaces)";

/// Every interface that a packet came from; equal names are one interface.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    names: Vec<String>,
    numbers: HashMap<String, u16>,
}

impl Interfaces {
    /// The number of the interface called so, a new one for a new name.
    pub(super) fn number(&mut self, name: &str) -> u16 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        if self.names.len() + 1 >= MAX_INTERFACES && name != FURTHER {
            return self.number(FURTHER);
        }
        let number = self.names.len() as u16;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The names, in the order of their numbers.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}

/// What the packets of an input are called after: its file name, `-` for standard input.
pub(super) fn file_label(path: &str) -> String {
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    name.unwrap_or(path).to_owned()
}

/// A name out of a capture made fit for tables: valid, short, printable.
pub(super) fn printable_name(bytes: &[u8]) -> String {
    let bytes = bytes.get(..MAX_NAME_BYTES).unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\0');
    text.chars()
        .map(|letter| if letter.is_control() { '?' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_one_interface_and_the_last_is_shared() {
        let mut interfaces = Interfaces::default();
        assert_eq!(interfaces.number("a"), 0);
        assert_eq!(interfaces.number("b"), 1);
        assert_eq!(interfaces.number("a"), 0);
        for number in 0..2 * MAX_INTERFACES {
            interfaces.number(&format!("interface {number}"));
        }
        assert_eq!(interfaces.names().len(), MAX_INTERFACES);
        assert_eq!(interfaces.names().last().map(String::as_str), Some(FURTHER));
        assert_eq!(
            usize::from(interfaces.number("one more")),
            MAX_INTERFACES - 1
        );
    }

    #[test]
    fn names_are_made_printable() {
        assert_eq!(printable_name(b"eth0\0\0"), "eth0");
        assert_eq!(printable_name(b"a\x1b[2Jb"), "a?[2Jb");
        assert_eq!(printable_name(&[0xff; 200]).chars().count(), MAX_NAME_BYTES);
        assert_eq!(file_label("/var/captures/one.pcap"), "one.pcap");
        assert_eq!(file_label("-"), "-");
    }
}
