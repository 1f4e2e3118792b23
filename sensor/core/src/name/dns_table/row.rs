//! A row of the `dns` table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::DnsContext;
use crate::name::dns::{Answer, Data, Message};
use crate::watch::BlockRef;

/// Most answers of one row.
pub const MAX_ROW_ANSWERS: usize = 64;
/// Most aliases of one row.
pub const MAX_ROW_CNAMES: usize = 16;

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

/// What an answer record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsAnswer {
    /// A or AAAA.
    Address(IpAddr),
    /// NS, PTR or MX.
    Name(Box<str>),
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
    /// The name asked for, lower case.
    pub qname: Box<str>,
    /// QTYPE.
    pub qtype: u16,
    /// Response code.
    pub rcode: Option<u16>,
    /// Addresses and names of the answer section, in order.
    pub answers: Vec<DnsAnswer>,
    /// The aliases between the name asked for and the answers, in order.
    pub cnames: Vec<Box<str>>,
    /// Least time to live in the answer section, seconds.
    pub min_ttl: Option<u32>,
    /// Time between query and answer.
    pub latency_us: Option<u32>,
    /// Identity of the flow.
    pub flow_id: u64,
}

impl DnsRow {
    pub(super) fn of_query(context: &DnsContext, name: &str, qtype: u16) -> Self {
        Self {
            time_ns: context.time_ns,
            inside: context.inside,
            block: context.block,
            server: context.destination.0,
            version: context.version,
            transport: context.transport,
            qname: name.into(),
            qtype,
            rcode: None,
            answers: Vec::new(),
            cnames: Vec::new(),
            min_ttl: None,
            latency_us: None,
            flow_id: context.flow_id,
        }
    }

    pub(super) fn by_server(mut self, server: u128) -> Self {
        self.server = server;
        self
    }

    pub(super) fn with_answer(mut self, message: &Message) -> Self {
        self.rcode = Some(message.rcode);
        self.min_ttl = message.min_ttl;
        for answer in message.answers() {
            match answer.data {
                Data::Cname(target) if self.cnames.len() < MAX_ROW_CNAMES => {
                    self.cnames.push(message.text(target).into());
                }
                _ if self.answers.len() < MAX_ROW_ANSWERS => {
                    self.answers.extend(said(message, answer));
                }
                _ => {}
            }
        }
        self
    }
}

fn said(message: &Message, answer: &Answer) -> Option<DnsAnswer> {
    match answer.data {
        Data::A(octets) => Some(DnsAnswer::Address(Ipv4Addr::from(octets).into())),
        Data::Aaaa(octets) => Some(DnsAnswer::Address(Ipv6Addr::from(octets).into())),
        Data::Name(name) => Some(DnsAnswer::Name(message.text(name).into())),
        Data::Cname(_) | Data::Other(_) => None,
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
