//! What the naming stages have found out of one flow.

use super::{Application, Verdict};
use crate::name::Name;
use crate::name::http::Authority;
use crate::name::ja4::Ja4;
use crate::name::proxied::Proxy;
use crate::name::tls::ClientHello;

/// Most distinct names kept of one flow; further ones are counted.
pub const MAX_FOUND_NAMES: usize = 16;
/// Most bytes of them all.
pub const MAX_FOUND_NAME_BYTES: usize = 2048;
/// Most distinct user agents kept of one flow.
pub const MAX_USER_AGENTS: usize = 4;
/// Longest user agent kept; longer ones are cut.
pub const MAX_USER_AGENT_BYTES: usize = 256;

/// What a text costs besides its bytes: its place in a list, and what the allocator rounds up to.
const TEXT_BYTES: usize = 32;

/// Where a name stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum NameSource {
    /// Server name in a hello of TLS or DTLS.
    TlsSni,
    /// Server name in a hello of QUIC.
    QuicSni,
    /// HTTP's Host or `:authority`.
    HttpHost,
    /// A DNS flow's question.
    DnsQuery,
    /// A DNS answer to the inside host.
    DnsAnswer,
}

impl NameSource {
    /// Every source, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::TlsSni,
        Self::QuicSni,
        Self::HttpHost,
        Self::DnsQuery,
        Self::DnsAnswer,
    ];

    /// The word of the `name_source` column.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TlsSni => "tls_sni",
            Self::QuicSni => "quic_sni",
            Self::HttpHost => "http_host",
            Self::DnsQuery => "dns_query",
            Self::DnsAnswer => "dns_answer",
        }
    }

    /// Whether it is the name in a hello, which no later name betters.
    pub const fn is_of_hello(self) -> bool {
        self.rank() == 0
    }

    /// Which name is the best: the lower the better, the first of equals.
    const fn rank(self) -> u8 {
        match self {
            Self::TlsSni | Self::QuicSni => 0,
            Self::HttpHost => 1,
            Self::DnsQuery => 2,
            Self::DnsAnswer => 3,
        }
    }
}

/// Names of one flow: nearly always one, which then needs no list.
#[derive(Clone, Debug)]
enum Names {
    Few(Option<Box<str>>),
    Many(Vec<Box<str>>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Few(None)
    }
}

impl Names {
    fn as_slice(&self) -> &[Box<str>] {
        match self {
            Self::Few(name) => name.as_slice(),
            Self::Many(names) => names,
        }
    }

    fn push(&mut self, name: Box<str>) {
        match self {
            Self::Few(first @ None) => *first = Some(name),
            Self::Few(first) => {
                *self = Self::Many(first.take().into_iter().chain([name]).collect());
            }
            Self::Many(names) => names.push(name),
        }
    }

    fn pop(&mut self) -> Option<Box<str>> {
        match self {
            Self::Few(name) => name.take(),
            Self::Many(names) => names.pop(),
        }
    }
}

/// What is known of a flow; lives as long as the flow, beside its hot state.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What the flow is, and why.
    pub verdict: Option<Verdict>,
    /// A proxy carried the connection that is named.
    pub proxied: Option<Proxy>,
    /// The connection went over to TLS after a beginning in the clear.
    pub starttls: bool,
    /// Encrypted Client Hello was offered.
    pub ech: bool,
    /// Fingerprint of the first client hello.
    pub ja4: Option<Ja4>,
    /// First application protocol that the first client hello offered.
    pub alpn: Option<Box<str>>,
    /// Names left out for their number or their length.
    pub names_dropped: u32,
    names: Names,
    name_sources: [Option<NameSource>; MAX_FOUND_NAMES],
    /// At most [`MAX_FOUND_NAME_BYTES`].
    name_bytes: u16,
    /// Place among the names, below [`MAX_FOUND_NAMES`].
    best: Option<(u8, NameSource)>,
    user_agents: Vec<Box<str>>,
}

impl Found {
    /// What the flow is.
    pub fn application(&self) -> Option<Application> {
        self.verdict.map(|verdict| verdict.application)
    }

    /// The best name and where it stood: a hello's before a Host, the first before later ones.
    pub fn name(&self) -> Option<(&str, NameSource)> {
        let (index, source) = self.best?;
        Some((self.names().get(usize::from(index))?, source))
    }

    /// Every distinct name, in order.
    pub fn names(&self) -> &[Box<str>] {
        self.names.as_slice()
    }

    /// Where a name of [`Self::names`] stood first.
    pub fn name_source(&self, place: usize) -> Option<NameSource> {
        self.name_sources.get(place).copied().flatten()
    }

    /// Distinct user agents, in order, as printable text.
    pub fn user_agents(&self) -> &[Box<str>] {
        &self.user_agents
    }

    /// Whether nothing has been found.
    pub fn is_empty(&self) -> bool {
        self.verdict.is_none()
            && self.names().is_empty()
            && self.ja4.is_none()
            && self.proxied.is_none()
            && self.user_agents.is_empty()
            && !self.starttls
    }

    /// Bytes of memory, with the struct itself; a little less is in use.
    pub fn memory_bytes(&self) -> usize {
        let texts = self.names().len() + self.user_agents.len();
        let agents = self.user_agents.len() * MAX_USER_AGENT_BYTES;
        size_of::<Self>() + texts * TEXT_BYTES + usize::from(self.name_bytes) + agents
    }

    /// Reads each of its lines, so that they are near when they are needed.
    #[inline]
    pub fn touch(&self) -> usize {
        usize::from(self.verdict.is_some())
            ^ usize::from(self.ja4.is_some())
            ^ usize::from(self.name_bytes)
            ^ self.names().len()
            ^ self.user_agents.len()
    }

    /// Goes on with the first name.
    #[inline]
    pub fn touch_name(&self) -> usize {
        let first = self
            .names()
            .first()
            .and_then(|name| name.as_bytes().first());
        first.copied().map_or(0, usize::from)
    }

    /// Says what the flow is, where nothing has said so before.
    pub(super) fn say(&mut self, verdict: Verdict) {
        self.verdict.get_or_insert(verdict);
    }

    /// Adds a name, lower case.
    pub(super) fn add_name(&mut self, name: &str, source: NameSource) {
        match self.names().iter().position(|known| **known == *name) {
            Some(known) => self.prefer(known, source),
            None => self.add_owned_name(name.into(), source),
        }
    }

    /// The same with a name that is its own already.
    fn add_owned_name(&mut self, name: Box<str>, source: NameSource) {
        if name.is_empty() {
            return;
        }
        let known = self.names().iter().position(|known| *known == name);
        let better = self.betters(source);
        if let Some(index) = known.or_else(|| self.keep(name, source, better)) {
            self.prefer(index, source);
        }
    }

    /// Whether a name from there is better than all so far.
    fn betters(&self, source: NameSource) -> bool {
        self.best
            .is_none_or(|(_, best)| source.rank() < best.rank())
    }

    /// Takes a name of those kept for the best, if it is.
    fn prefer(&mut self, index: usize, source: NameSource) {
        if self.betters(source) {
            self.best = Some((index as u8, source));
        }
    }

    /// Adds the name of a Host header.
    pub(super) fn add_host(&mut self, host: Authority<'_>) {
        if let Some(name) = Name::from_wire(host.name()) {
            self.add_owned_name(name.into_boxed_str(), NameSource::HttpHost);
        }
    }

    /// Adds a user agent as sent.
    pub(super) fn add_user_agent(&mut self, sent: &[u8]) {
        let sent = sent.get(..MAX_USER_AGENT_BYTES).unwrap_or(sent);
        let printable = |&octet: &u8| {
            if octet == b' ' || octet.is_ascii_graphic() {
                char::from(octet)
            } else {
                '?'
            }
        };
        let is_known = |known: &str| {
            known
                .bytes()
                .eq(sent.iter().map(|octet| printable(octet) as u8))
        };
        if sent.is_empty()
            || self.user_agents.len() >= MAX_USER_AGENTS
            || self.user_agents.iter().any(|known| is_known(known))
        {
            return;
        }
        self.user_agents.push(sent.iter().map(printable).collect());
    }

    /// Takes what a client hello says, all but what application it makes.
    pub(super) fn add_hello(&mut self, hello: ClientHello, source: NameSource) {
        if let Some(sni) = hello.sni {
            self.add_owned_name(sni.into_boxed_str(), source);
        }
        self.ech |= hello.ech;
        if self.ja4.is_none() {
            self.ja4 = hello.ja4;
            self.alpn = hello.alpn_first;
        }
    }

    /// Keeps a new name where there is room; a better one takes the last place where there is none.
    fn keep(&mut self, name: Box<str>, source: NameSource, better: bool) -> Option<usize> {
        let fits = |found: &Self| {
            found.names().len() < MAX_FOUND_NAMES
                && usize::from(found.name_bytes) + name.len() <= MAX_FOUND_NAME_BYTES
        };
        while better && !fits(self) {
            self.name_bytes -= self.names.pop()?.len() as u16;
            self.names_dropped += 1;
        }
        if !fits(self) {
            self.names_dropped = self.names_dropped.saturating_add(1);
            return None;
        }
        self.name_bytes += name.len() as u16;
        if let Some(place) = self.name_sources.get_mut(self.names.as_slice().len()) {
            *place = Some(source);
        }
        self.names.push(name);
        Some(self.names().len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_name_is_the_first_of_the_best_kind() {
        let mut found = Found::default();
        found.add_name("host", NameSource::HttpHost);
        found.add_name("other", NameSource::HttpHost);
        assert_eq!(found.name(), Some(("host", NameSource::HttpHost)));
        found.add_name("sni", NameSource::TlsSni);
        found.add_name("later", NameSource::TlsSni);
        assert_eq!(found.name(), Some(("sni", NameSource::TlsSni)));
        found.add_name("host", NameSource::HttpHost);
        let names: Vec<&str> = found.names().iter().map(|name| &**name).collect();
        assert_eq!(names, ["host", "other", "sni", "later"]);
        let sources = [1, 2, 4].map(|place| found.name_source(place));
        let (host, sni) = (Some(NameSource::HttpHost), Some(NameSource::TlsSni));
        assert_eq!(sources, [host, sni, None]);
    }

    #[test]
    fn names_are_bounded_and_a_better_one_finds_room() {
        let mut found = Found::default();
        for number in 0..20 {
            found.add_name(&format!("host-{number}"), NameSource::HttpHost);
        }
        assert_eq!((found.names().len(), found.names_dropped), (16, 4));
        found.add_name("sni", NameSource::TlsSni);
        assert_eq!(found.name(), Some(("sni", NameSource::TlsSni)));
        assert_eq!((found.names().len(), found.names_dropped), (16, 5));
        let mut found = Found::default();
        for letter in b'a'..=b'z' {
            let name = String::from(char::from(letter)).repeat(255);
            found.add_name(&name, NameSource::DnsQuery);
        }
        assert_eq!((found.names().len(), found.names_dropped), (8, 18));
    }

    #[test]
    fn user_agents_are_printable_distinct_and_bounded() {
        let mut found = Found::default();
        for sent in [
            &b"a b\xff"[..],
            b"a b\xff",
            b"",
            &[b'x'; 999],
            b"3",
            b"4",
            b"5",
        ] {
            found.add_user_agent(sent);
        }
        assert_eq!(found.user_agents().len(), MAX_USER_AGENTS);
        assert_eq!(&*found.user_agents()[0], "a b?");
        assert_eq!(found.user_agents()[1].len(), MAX_USER_AGENT_BYTES);
    }
}
