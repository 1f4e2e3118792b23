//! The closed set of DNS results.

/// The result of a DNS transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rcode(u8);

/// RFC 6895, section 2.3; behind them what has no word there.
const WORDS: [&str; 13] = [
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSET",
    "NOTAUTH",
    "NOTZONE",
    "other",
    "unanswered",
];
const OTHER: u8 = 11;
const UNANSWERED: u8 = 12;

impl Rcode {
    /// How many there are.
    pub const COUNT: usize = WORDS.len();

    /// The result with this response code, none where nobody answered.
    pub fn new(rcode: Option<u16>) -> Self {
        match rcode {
            None => Self(UNANSWERED),
            Some(code) => Self(u8::try_from(code).map_or(OTHER, |code| code.min(OTHER))),
        }
    }

    /// Every result, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }

    /// Its number, below [`Self::COUNT`].
    pub const fn number(self) -> usize {
        self.0 as usize
    }

    /// The value of the label `rcode`.
    pub fn word(self) -> &'static str {
        WORDS.get(self.number()).copied().unwrap_or("other")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_word() {
        let word = |code| Rcode::new(code).word();
        assert_eq!(word(Some(0)), "NOERROR");
        assert_eq!(word(Some(3)), "NXDOMAIN");
        assert_eq!(word(Some(10)), "NOTZONE");
        assert_eq!(word(Some(11)), "other");
        assert_eq!(word(Some(u16::MAX)), "other");
        assert_eq!(word(None), "unanswered");
        assert_eq!(Rcode::all().count(), Rcode::COUNT);
    }
}
