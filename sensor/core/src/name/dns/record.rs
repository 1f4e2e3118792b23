//! Questions and records of a message.

use crate::name::dns_name::NameError;

const CLASS_IN: u16 = 1;
/// mDNS: a unicast answer is welcome, or the cache is to be flushed (RFC 6762, 10.2 and 5.4).
pub(super) const TOP_BIT: u16 = 0x8000;

/// Where a name stands in the message's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub(super) begin: u32,
    pub(super) end: u32,
}

/// One question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name asked for; read it with [`Message::text`](super::Message::text).
    pub name: Span,
    /// QTYPE.
    pub qtype: u16,
    /// QCLASS as sent; in mDNS the top bit asks for a unicast answer.
    pub qclass: u16,
}

impl Question {
    /// mDNS: whether a unicast answer is welcome.
    pub const fn wants_unicast(&self) -> bool {
        self.qclass & TOP_BIT != 0
    }
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// IPv4 address.
    A([u8; 4]),
    /// IPv6 address.
    Aaaa([u8; 16]),
    /// The owner is an alias of this name.
    Cname(Span),
    /// The name that NS, PTR or MX gives.
    Name(Span),
    /// Anything else, by its type, or one of the above whose data does not fit its type.
    Other(u16),
}

/// One record of the answer section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Owner name.
    pub owner: Span,
    /// TYPE.
    pub rtype: u16,
    /// CLASS as sent; in mDNS the top bit means that the cache is to be flushed.
    pub class: u16,
    /// Seconds; values with the top bit set count as 0 (RFC 2181, 8).
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

impl Answer {
    /// mDNS: whether older records of this owner and type are to be forgotten.
    pub const fn flushes_cache(&self) -> bool {
        self.class & TOP_BIT != 0
    }

    /// The address as IPv6 or IPv4 mapped, if the record holds one of class IN.
    pub fn address(&self) -> Option<u128> {
        if self.class & !TOP_BIT != CLASS_IN {
            return None;
        }
        match self.data {
            Data::A(octets) => Some(0xffff_0000_0000 | u128::from(u32::from_be_bytes(octets))),
            Data::Aaaa(octets) => Some(u128::from_be_bytes(octets)),
            _ => None,
        }
    }
}

/// What the OPT record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns {
    /// Largest datagram the sender takes.
    pub udp_bytes: u16,
    /// Version.
    pub version: u8,
    /// Whether DNSSEC records are wanted.
    pub dnssec_ok: bool,
}

/// A record without its owner; `data..end` lies inside the bytes.
pub(super) struct Record {
    pub(super) rtype: u16,
    pub(super) class: u16,
    pub(super) ttl: u32,
    pub(super) data: usize,
    pub(super) end: usize,
}

impl Record {
    pub(super) fn read(bytes: &[u8], at: usize) -> Result<Self, NameError> {
        let data = at + 10;
        let end = data + usize::from(word_at(bytes, at + 8)?);
        if end > bytes.len() {
            return Err(NameError::Cut);
        }
        Ok(Self {
            rtype: word_at(bytes, at)?,
            class: word_at(bytes, at + 2)?,
            ttl: u32::from(word_at(bytes, at + 4)?) << 16 | u32::from(word_at(bytes, at + 6)?),
            data,
            end,
        })
    }
}

pub(super) fn word_at(bytes: &[u8], at: usize) -> Result<u16, NameError> {
    match bytes.get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(NameError::Cut),
    }
}
