//! DNS messages: header, questions, answer section, EDNS (RFC 1035, 6891; mDNS bits of RFC 6762).
//!
//! [`Message`] is filled anew for each message and keeps its memory, so a storm of DNS allocates
//! nothing once the buffers have grown.

use super::dns_name::{NameError, read_name, skip_name};

mod record;
mod strict;

pub use record::{Answer, Data, Edns, Question, Span};
use record::{Record, word_at};
pub use strict::is_dns_strict;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 12;
/// Most questions kept of one message.
pub const MAX_QUESTIONS: usize = 256;
/// Most answers kept of one message.
pub const MAX_ANSWERS: usize = 512;
/// Most bytes of names kept of one message: compression can make 64 KiB out of a few hundred bytes.
pub const MAX_TEXT_BYTES: usize = 64 << 10;
/// Most CNAME records followed from a name asked for to its addresses.
pub const MAX_CHAIN: usize = 16;

/// Stateful operations (RFC 8490); larger numbers are not assigned.
const LAST_OPCODE: u8 = 6;
const TYPE_A: u16 = 1;
const TYPE_NS: u16 = 2;
const TYPE_CNAME: u16 = 5;
const TYPE_PTR: u16 = 12;
const TYPE_MX: u16 = 15;
const TYPE_AAAA: u16 = 28;
const TYPE_OPT: u16 = 41;
/// Names remembered by their offset, since most owners are pointers to the question.
const KNOWN_NAMES: usize = 4;

/// A name's address, as [`Message::addresses`] gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedAddress<'a> {
    /// IPv6 or IPv4 mapped.
    pub address: u128,
    /// The name asked for, before any CNAME.
    pub name: &'a str,
    /// Seconds: the least along the chain from name to address.
    pub ttl: u32,
}

/// One DNS message; reusable.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Transaction number.
    pub id: u16,
    /// The flags word as sent.
    pub flags: u16,
    /// RCODE, with the upper bits of EDNS where there are any.
    pub rcode: u16,
    /// Records the header announces: questions, answers, authority, additional.
    pub counts: [u16; 4],
    /// The bytes end before the records announced do (snap length), or limits cut the lists.
    pub truncated: bool,
    /// Something behind the first question contradicts itself; what stands before it is kept.
    pub malformed: bool,
    /// OPT record, if there is one.
    pub edns: Option<Edns>,
    /// Least time to live in the answer section, seconds.
    pub min_ttl: Option<u32>,
    /// Bytes read; less than the datagram where something stands behind the message.
    pub bytes_read: usize,
    questions: Vec<Question>,
    answers: Vec<Answer>,
    text: String,
    known: [(usize, Span); KNOWN_NAMES],
    known_count: usize,
}

impl Message {
    /// Whether this is a response (QR).
    pub const fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// OPCODE: 0 query, 4 notify, 5 update.
    pub const fn opcode(&self) -> u8 {
        (self.flags >> 11) as u8 & 15
    }

    /// The TC flag: the server shortened the message; ask again over TCP.
    pub const fn has_truncation_flag(&self) -> bool {
        self.flags & 0x0200 != 0
    }

    /// Every question, in order.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The answer section, in order.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The name at a span of this message.
    pub fn text(&self, span: Span) -> &str {
        self.text
            .get(span.begin as usize..span.end as usize)
            .unwrap_or("")
    }

    /// Name of the first question.
    pub fn first_name(&self) -> Option<&str> {
        self.questions
            .first()
            .map(|question| self.text(question.name))
    }

    /// Reads a message; false where the bytes are none, and this message is then of no use.
    ///
    /// Bytes that end early give what is whole, questions even where answers are cut. A message whose
    /// first record is broken or cut is none.
    pub fn parse(&mut self, bytes: &[u8]) -> bool {
        self.clear();
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return false;
        };
        let word = |index: usize| u16::from_be_bytes([header[index * 2], header[index * 2 + 1]]);
        self.id = word(0);
        self.flags = word(1);
        if self.opcode() > LAST_OPCODE {
            return false;
        }
        self.rcode = self.flags & 15;
        self.counts = [word(2), word(3), word(4), word(5)];
        match self.read_sections(bytes) {
            Ok(()) => {}
            Err(NameError::Cut) => self.truncated = true,
            Err(NameError::Bad) => self.malformed = true,
        }
        let is_bare =
            self.counts[0] == 0 && self.counts[1] == 0 && !self.malformed && !self.truncated;
        is_bare || !self.questions.is_empty() || !self.answers.is_empty()
    }

    /// Each address of the answer section with the name asked for.
    ///
    /// An address whose owner no chain of CNAMEs ties to the question is left out; where there is no
    /// question (mDNS), the head of its chain is its name.
    pub fn addresses(&self) -> impl Iterator<Item = NamedAddress<'_>> {
        self.answers.iter().filter_map(|answer| {
            let address = answer.address()?;
            let (name, ttl) = self.asked_for(answer)?;
            Some(NamedAddress { address, name, ttl })
        })
    }

    fn asked_for(&self, answer: &Answer) -> Option<(&str, u32)> {
        let asked = self.first_name();
        let mut name = self.text(answer.owner);
        let mut ttl = answer.ttl;
        for _ in 0..=MAX_CHAIN {
            if asked == Some(name) {
                return Some((name, ttl));
            }
            let Some((alias, alias_ttl)) = self.alias_of(name) else {
                return asked.is_none().then_some((name, ttl));
            };
            name = alias;
            ttl = ttl.min(alias_ttl);
        }
        None
    }

    fn alias_of(&self, name: &str) -> Option<(&str, u32)> {
        self.answers
            .iter()
            .filter_map(|answer| match answer.data {
                Data::Cname(target) => Some((answer, target)),
                _ => None,
            })
            .take(MAX_CHAIN)
            .find(|&(_, target)| self.text(target) == name)
            .map(|(answer, _)| (self.text(answer.owner), answer.ttl))
    }

    fn clear(&mut self) {
        self.truncated = false;
        self.malformed = false;
        self.edns = None;
        self.min_ttl = None;
        self.bytes_read = 0;
        self.questions.clear();
        self.answers.clear();
        self.text.clear();
        self.known_count = 0;
    }

    fn read_sections(&mut self, bytes: &[u8]) -> Result<(), NameError> {
        self.bytes_read = HEADER_BYTES;
        for _ in 0..self.counts[0] {
            self.read_question(bytes)?;
        }
        for _ in 0..self.counts[1] {
            self.read_answer(bytes)?;
        }
        for _ in 0..u32::from(self.counts[2]) + u32::from(self.counts[3]) {
            let at = skip_name(bytes, self.bytes_read)?;
            let record = Record::read(bytes, at)?;
            self.note_option(&record);
            self.bytes_read = record.end;
        }
        Ok(())
    }

    fn read_question(&mut self, bytes: &[u8]) -> Result<(), NameError> {
        if self.questions.len() == MAX_QUESTIONS {
            return Err(NameError::Cut);
        }
        let (name, at) = self.name(bytes, self.bytes_read)?;
        let qtype = word_at(bytes, at)?;
        let qclass = word_at(bytes, at + 2)?;
        self.questions.push(Question {
            name,
            qtype,
            qclass,
        });
        self.bytes_read = at + 4;
        Ok(())
    }

    fn read_answer(&mut self, bytes: &[u8]) -> Result<(), NameError> {
        if self.answers.len() == MAX_ANSWERS {
            return Err(NameError::Cut);
        }
        let (owner, at) = self.name(bytes, self.bytes_read)?;
        let record = Record::read(bytes, at)?;
        self.note_option(&record);
        self.bytes_read = record.end;
        if record.rtype == TYPE_OPT {
            return Ok(());
        }
        let data = self.data(bytes, &record);
        let ttl = if record.ttl >> 31 == 0 { record.ttl } else { 0 };
        self.min_ttl = Some(self.min_ttl.map_or(ttl, |least| least.min(ttl)));
        self.answers.push(Answer {
            owner,
            rtype: record.rtype,
            class: record.class,
            ttl,
            data,
        });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8], record: &Record) -> Data {
        let octets = bytes.get(record.data..record.end).unwrap_or(&[]);
        let other = Data::Other(record.rtype);
        let name_at = match record.rtype {
            TYPE_A => return octets.try_into().map_or(other, Data::A),
            TYPE_AAAA => return octets.try_into().map_or(other, Data::Aaaa),
            TYPE_CNAME | TYPE_NS | TYPE_PTR => record.data,
            TYPE_MX => record.data + 2,
            _ => return other,
        };
        match self.name(bytes, name_at) {
            Ok((name, end)) if end == record.end && record.rtype == TYPE_CNAME => Data::Cname(name),
            Ok((name, end)) if end == record.end => Data::Name(name),
            _ => other,
        }
    }

    /// The name at `at` and the offset behind it; a pointer to a name met before is not read again.
    fn name(&mut self, bytes: &[u8], at: usize) -> Result<(Span, usize), NameError> {
        if let Some(&[high @ 0xc0..=0xff, low]) = bytes.get(at..at + 2) {
            let target = usize::from(high & 0x3f) << 8 | usize::from(low);
            let known = self.known.get(..self.known_count).unwrap_or(&[]);
            if let Some(&(_, span)) = known.iter().find(|&&(offset, _)| offset == target) {
                return Ok((span, at + 2));
            }
        }
        if self.text.len() > MAX_TEXT_BYTES {
            return Err(NameError::Cut);
        }
        let begin = self.text.len() as u32;
        let end = read_name(bytes, at, &mut self.text)?;
        let span = Span {
            begin,
            end: self.text.len() as u32,
        };
        if let Some(place) = self.known.get_mut(self.known_count) {
            *place = (at, span);
            self.known_count += 1;
        }
        Ok((span, end))
    }

    fn note_option(&mut self, record: &Record) {
        if record.rtype == TYPE_OPT {
            self.rcode = self.rcode & 15 | (record.ttl >> 24 << 4) as u16;
            self.edns = Some(Edns {
                udp_bytes: record.class,
                version: (record.ttl >> 16) as u8,
                dnssec_ok: record.ttl & 0x8000 != 0,
            });
        }
    }
}

/// Reads one message into memory of its own; [`Message::parse`] reuses.
pub fn parse_message(bytes: &[u8]) -> Option<Message> {
    let mut message = Message::default();
    message.parse(bytes).then_some(message)
}

/// The whole messages at the front of a TCP stream, and how many of its bytes they take.
///
/// Each stands behind its length in two octets (RFC 1035, 4.2.2). A length too small for a header
/// ends the walk: such a stream is no DNS.
pub fn tcp_messages(stream: &[u8]) -> (usize, impl Iterator<Item = &[u8]>) {
    let frames = TcpMessages { rest: stream };
    let consumed = frames.clone().map(|message| message.len() + 2).sum();
    (consumed, frames)
}

#[derive(Clone)]
struct TcpMessages<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for TcpMessages<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length < HEADER_BYTES {
            return None;
        }
        let (message, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(message)
    }
}

#[cfg(test)]
mod tests;
