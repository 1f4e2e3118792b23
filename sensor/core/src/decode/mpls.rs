//! MPLS label stacks and the Ethernet pseudowires in them.

use super::DropReason;
use super::cursor::{Cursor, be16, be32};
use super::ethernet::{TYPE_MPLS, is_known_type};
use super::walk::Next;

/// Most labels of one stack.
const MAX_LABELS: usize = 16;
const BOTTOM_OF_STACK: u32 = 0x100;
const CONTROL_WORD_BYTES: usize = 4;

/// A label stack. Nothing in it says what follows, so the first half byte behind it has to.
pub(super) fn mpls(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    for _ in 0..MAX_LABELS {
        let entry = be32(cursor.take::<4>("mpls")?, 0);
        if entry & BOTTOM_OF_STACK != 0 {
            return payload(cursor);
        }
    }
    Err(cursor.invalid("mpls"))
}

fn payload(cursor: &mut Cursor<'_>) -> Result<Next, DropReason> {
    let [first] = cursor
        .peek::<1>(0)
        .ok_or_else(|| cursor.malformed("mpls payload", 1))?;
    match first >> 4 {
        4 => Ok(Next::Ip4),
        6 => Ok(Next::Ip6),
        0 if is_ethernet(cursor, CONTROL_WORD_BYTES) => {
            cursor.skip(CONTROL_WORD_BYTES, "pseudowire")?;
            Ok(Next::Ethernet)
        }
        _ if is_ethernet(cursor, 0) => Ok(Next::Ethernet),
        _ => Err(DropReason::NotIp(TYPE_MPLS)),
    }
}

/// Whether an Ethernet header seems to stand `at` bytes ahead.
fn is_ethernet(cursor: &Cursor<'_>, at: usize) -> bool {
    cursor
        .peek::<14>(at)
        .is_some_and(|header| is_known_type(be16(header, 12)))
}
