//! The catalogue of services: the longest suffix of a name, on label boundaries, says whose it is.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// A service as the rules name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What people call it.
    pub service: String,
    /// Who runs it.
    pub organisation: String,
    /// What it is for.
    pub category: String,
}

/// In place of a service's number: names below this suffix are nobody's.
pub const EXCEPTION: i32 = -1;

/// Suffixes of names and the services they belong to.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    services: Vec<Service>,
    suffixes: HashMap<Box<str>, Option<u32>, RandomState>,
}

impl Catalogue {
    /// A catalogue of services and of suffixes, lower case, with the number of their service or
    /// [`EXCEPTION`]. A number that no service has counts as an exception.
    pub fn new(services: Vec<Service>, suffixes: impl IntoIterator<Item = (String, i32)>) -> Self {
        let known = |number: i32| {
            let number = u32::try_from(number).ok()?;
            ((number as usize) < services.len()).then_some(number)
        };
        let suffixes = suffixes
            .into_iter()
            .map(|(suffix, number)| (suffix.into_boxed_str(), known(number)))
            .collect();
        Self { services, suffixes }
    }

    /// The services, in the order of their numbers.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The number of the service that a name belongs to.
    pub fn find(&self, name: &str) -> Option<u32> {
        let mut rest = name;
        loop {
            if let Some(&service) = self.suffixes.get(rest) {
                return service;
            }
            let dot = memchr::memchr(b'.', rest.as_bytes())?;
            rest = rest.get(dot + 1..)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let service = |name: &str| Service {
            service: name.into(),
            organisation: String::new(),
            category: String::new(),
        };
        let suffixes = [
            ("google.com", 0),
            ("mail.google.com", 1),
            ("x.mail.google.com", EXCEPTION),
            ("cn", 2),
            ("no.example", 7),
        ];
        Catalogue::new(
            vec![service("Google"), service("Gmail")],
            suffixes.map(|(suffix, number)| (suffix.to_owned(), number)),
        )
    }

    #[test]
    fn longest_suffix_on_a_label_boundary() {
        let catalogue = catalogue();
        for (name, expected) in [
            ("google.com", Some(0)),
            ("www.google.com", Some(0)),
            ("a.b.mail.google.com", Some(1)),
            ("y.x.mail.google.com", None),
            ("notgoogle.com", None),
            ("google.com.evil.org", None),
            ("www.cn", None),
            ("a.no.example", None),
            ("", None),
            (".", None),
            ("..google.com", Some(0)),
        ] {
            assert_eq!(catalogue.find(name), expected, "{name}");
        }
    }
}
