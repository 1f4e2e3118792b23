//! A row of the `dns` table.

use std::fmt::Write;
use std::net::Ipv6Addr;

use memchr::memchr;

use super::DnsContext;
use crate::name::dns::{Data, Message};
use crate::watch::BlockRef;

/// Most answers of one row.
pub const MAX_ROW_ANSWERS: usize = 64;
/// Most aliases of one row.
pub const MAX_ROW_CNAMES: usize = 16;
/// Room for answers behind the name asked for: most have one address or two.
const ANSWER_ROOM: usize = 32;

/// Most bytes of the text of a row; aliases and answers beyond are left out. Some hundred bytes of a message can
/// unpack to many thousand.
pub const MAX_ROW_TEXT_BYTES: usize = 2 << 10;

/// What carried a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum DnsTransport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// Multicast DNS.
    Mdns,
    /// Link-local multicast name resolution.
    Llmnr,
}

impl DnsTransport {
    /// Every transport, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Udp, Self::Tcp, Self::Mdns, Self::Llmnr];

    /// The word of the `transport` column.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Mdns => "mdns",
            Self::Llmnr => "llmnr",
        }
    }
}

/// One transaction: `rcode` is none where nobody answered, `latency_us` where nobody was seen to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsRow {
    /// Packet time of the query; of the answer where nobody asked.
    pub time_ns: i64,
    /// The address in a watched block.
    pub inside: u128,
    /// That block.
    pub block: BlockRef,
    /// Whoever was asked, or answered unasked.
    pub server: u128,
    /// 4 or 6.
    pub version: u8,
    /// What carried it.
    pub transport: DnsTransport,
    /// QTYPE.
    pub qtype: u16,
    /// Response code.
    pub rcode: Option<u16>,
    /// Least time to live in the answer section, seconds.
    pub min_ttl: Option<u32>,
    /// Time between query and answer.
    pub latency_us: Option<u32>,
    /// Identity of the flow.
    pub flow_id: u64,
    /// How many aliases there are.
    pub cname_count: u8,
    /// The name asked for, aliases, and answers, a line each: names hold no control character, and a row is one
    /// allocation, with room for the answer from the beginning.
    lines: String,
}

impl DnsRow {
    /// Reads its text, so that it is near when it is needed.
    #[inline]
    pub fn touch(&self) -> u8 {
        let text = self.lines.as_bytes();
        text.first().copied().unwrap_or(0) ^ text.last().copied().unwrap_or(0)
    }

    /// Bytes of memory.
    pub const fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.lines.len()
    }

    /// The name asked for, lower case.
    pub fn qname(&self) -> &str {
        self.lines().next().unwrap_or_default()
    }

    /// The aliases between the name asked for and the answers, in order.
    pub fn cnames(&self) -> impl Iterator<Item = &str> {
        self.lines().skip(1).take(usize::from(self.cname_count))
    }

    /// Addresses and names of the answer section, in order.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.lines().skip(1 + usize::from(self.cname_count))
    }

    /// The name asked for, then [`Self::cname_count`] aliases, then the answers.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let mut rest = Some(&*self.lines);
        // Quicker than `str::split` on lines as short as these.
        std::iter::from_fn(move || {
            let lines = rest?;
            let Some(end) = memchr(b'\n', lines.as_bytes()) else {
                return rest.take();
            };
            rest = lines.get(end + 1..);
            lines.get(..end)
        })
    }

    pub(super) fn of_query(context: &DnsContext, name: &str, qtype: u16) -> Self {
        let mut lines = String::with_capacity(name.len() + ANSWER_ROOM);
        lines.push_str(name);
        Self {
            time_ns: context.time_ns,
            inside: context.inside,
            block: context.block,
            server: context.destination.0,
            version: context.version,
            transport: context.transport,
            qtype,
            rcode: None,
            min_ttl: None,
            latency_us: None,
            flow_id: context.flow_id,
            cname_count: 0,
            lines,
        }
    }

    pub(super) fn by_server(mut self, server: u128) -> Self {
        self.server = server;
        self
    }

    /// The row with what the response says.
    pub(super) fn with_answer(mut self, message: &Message) -> Self {
        self.rcode = Some(message.rcode);
        self.min_ttl = message.min_ttl;
        let aliases = message
            .answers()
            .iter()
            .filter_map(|answer| match answer.data {
                Data::Cname(target) => Some(target),
                _ => None,
            });
        for target in aliases.take(MAX_ROW_CNAMES) {
            if self.lines.len() >= MAX_ROW_TEXT_BYTES {
                break;
            }
            self.lines.push('\n');
            self.lines.push_str(message.text(target));
            self.cname_count += 1;
        }
        let answers = message.answers().iter().map(|answer| answer.data);
        for data in answers.filter(says).take(MAX_ROW_ANSWERS) {
            if self.lines.len() >= MAX_ROW_TEXT_BYTES {
                break;
            }
            self.lines.push('\n');
            push_answer(message, data, &mut self.lines);
        }
        self
    }
}

/// Whether this kind of data is an answer of its own.
const fn says(data: &Data) -> bool {
    matches!(data, Data::A(_) | Data::Aaaa(_) | Data::Name(_))
}

fn push_answer(message: &Message, data: Data, text: &mut String) {
    match data {
        Data::A(octets) => push_dotted(octets, text),
        Data::Aaaa(octets) => {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}", Ipv6Addr::from(octets));
        }
        Data::Name(name) => text.push_str(message.text(name)),
        Data::Cname(_) | Data::Other(_) => {}
    }
}

/// An IPv4 address without the formatting machinery: nearly every answer is one.
fn push_dotted(octets: [u8; 4], text: &mut String) {
    for (place, octet) in octets.into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        if octet >= 100 {
            text.push(char::from(b'0' + octet / 100));
        }
        if octet >= 10 {
            text.push(char::from(b'0' + octet / 10 % 10));
        }
        text.push(char::from(b'0' + octet % 10));
    }
}

/// Name and type that a response is about: its question, or (multicast DNS) its first answer.
pub(super) fn subject(message: &Message) -> (&str, u16) {
    if let Some(question) = message.questions().first() {
        return (message.text(question.name), question.qtype);
    }
    message
        .answers()
        .first()
        .map_or(("", 0), |answer| (message.text(answer.owner), answer.rtype))
}
