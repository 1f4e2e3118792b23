//! Whether a datagram is DNS beyond doubt, so that DNS is recognised on any port.

use super::record::TOP_BIT;
use super::{HEADER_BYTES, Message, Question, TYPE_AAAA};

/// Fewest octets of a message with a question: header, root, type, class.
const LEAST_BYTES: usize = HEADER_BYTES + 5;
/// Most records of a section in a datagram taken for DNS on the shape alone.
const MAX_RECORDS: u16 = 128;
const NETBIOS_NAME_LETTERS: usize = 32;

/// Parses into `message` and says whether the bytes are DNS by their shape alone.
///
/// Evidence asked for, all of it: known opcode, response code and flags that fit, one question (mDNS:
/// some question or answer) of a known type and class with a plain name, every announced record whole,
/// and not an octet behind the last. NetBIOS names, whose packets look alike, are refused.
pub fn is_dns_strict(bytes: &[u8], message: &mut Message) -> bool {
    // The header alone turns nearly every other datagram away, before anything is parsed.
    if bytes.len() < LEAST_BYTES || !header_fits(bytes) || !message.parse(bytes) {
        return false;
    }
    !message.truncated
        && !message.malformed
        && message.bytes_read == bytes.len()
        && message
            .questions()
            .iter()
            .all(|question| question_fits(message, question))
        && message
            .answers()
            .iter()
            .all(|answer| is_class(answer.class) && is_type(answer.rtype))
}

fn header_fits(bytes: &[u8]) -> bool {
    let word = |at: usize| match bytes.get(at..at + 2) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => u16::MAX,
    };
    let [flags, questions, answers, authority, additional] = [2, 4, 6, 8, 10].map(word);
    let is_response = flags & 0x8000 != 0;
    let rcode = flags & 15;
    let is_reserved_zero = flags & 0x0040 == 0;
    let opcode_fits = matches!(flags >> 11 & 15, 0 | 4 | 5);
    let multicast = word(0) == 0;
    let counts_fit =
        answers <= MAX_RECORDS && authority <= MAX_RECORDS && additional <= MAX_RECORDS;
    let sections_fit = if is_response {
        questions == 1 || multicast && questions <= MAX_RECORDS && answers > 0
    } else {
        // Known answers of mDNS and the records of an update are the only ones in a query.
        let may_hold_records = multicast || flags >> 11 & 15 != 0;
        let questions_fit = questions == 1 || multicast && (1..=MAX_RECORDS).contains(&questions);
        questions_fit
            && rcode == 0
            && (may_hold_records || answers == 0 && authority == 0 && additional <= 2)
    };
    is_reserved_zero && opcode_fits && counts_fit && sections_fit && rcode <= 11
}

fn question_fits(message: &Message, question: &Question) -> bool {
    let name = message.text(question.name);
    is_type(question.qtype) && is_class(question.qclass) && !is_netbios(name)
}

/// First-level encoding of RFC 1001: 16 octets as 32 letters from A to P.
fn is_netbios(name: &str) -> bool {
    let label = name.split('.').next().unwrap_or("");
    label.len() == NETBIOS_NAME_LETTERS
        && label.bytes().all(|letter| (b'a'..=b'p').contains(&letter))
}

const fn is_class(class: u16) -> bool {
    matches!(class & !TOP_BIT, 1 | 3 | 4 | 254 | 255)
}

const fn is_type(rtype: u16) -> bool {
    matches!(rtype, 1..=TYPE_AAAA | 29..=31 | 33..=53 | 55..=66 | 99..=109 | 128 | 249..=262 | 32_768 | 32_769)
}
