//! Addresses as text, without the formatting machinery: two of them stand in every row.

use std::io::Write;
use std::net::Ipv6Addr;

/// Appends an address of IP `version`; IPv4 is mapped.
#[inline]
pub(super) fn push_address(out: &mut Vec<u8>, version: u8, address: u128) {
    if version == 4 {
        let [a, b, c, d] = (address as u32).to_be_bytes();
        push_octet(out, a);
        for octet in [b, c, d] {
            out.push(b'.');
            push_octet(out, octet);
        }
    } else {
        // Writing to a vector cannot fail.
        let _ = write!(out, "{}", Ipv6Addr::from(address));
    }
}

#[inline]
fn push_octet(out: &mut Vec<u8>, octet: u8) {
    let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|digit| b'0' + digit);
    let skip = usize::from(octet < 100) + usize::from(octet < 10);
    out.extend_from_slice(&digits[skip..]);
}
