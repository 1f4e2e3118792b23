//! What may stand between an IP header and the transport header.

use super::cursor::{Cursor, be16, be32};
use super::ip::IP6_HEADER_BYTES;
use super::{Fragment, Level};

/// Most extension headers of one packet; behind more the transport stays unread.
const MAX_EXTENSIONS: usize = 16;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
pub(super) const NO_NEXT_HEADER: u8 = 59;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// Whether a protocol number of IPv6 is an extension header rather than the payload.
#[inline]
pub(super) fn is_extension(protocol: u8) -> bool {
    matches!(
        protocol,
        HOP_BY_HOP
            | ROUTING
            | FRAGMENT
            | AUTHENTICATION
            | DESTINATION_OPTIONS
            | MOBILITY
            | HOST_IDENTITY
            | SHIM6
    )
}

/// Passes extension headers (behind IPv4: AH only), sets the protocol behind them and what a
/// fragment header says. False where one is cut off, or there are too many.
pub(super) fn pass(level: &mut Level, cursor: &mut Cursor<'_>) -> bool {
    for _ in 0..MAX_EXTENSIONS {
        let kind = level.protocol;
        let present = if level.version == 4 {
            kind == AUTHENTICATION
        } else {
            is_extension(kind)
        };
        if !present || level.fragment == Fragment::Later {
            return true;
        }
        let Some(&header) = cursor.peek::<8>(0) else {
            return false;
        };
        let next = header[0];
        let bytes = match kind {
            FRAGMENT => {
                fragment(header, level);
                header.len()
            }
            AUTHENTICATION => (header[1] as usize + 2) * 4,
            // These three usually end the packet: then they are what it carries.
            MOBILITY | HOST_IDENTITY | SHIM6 if next == NO_NEXT_HEADER => return true,
            _ => (header[1] as usize + 1) * 8,
        };
        level.protocol = next;
        if cursor.skip(bytes, "ipv6 extension").is_err() {
            return false;
        }
    }
    !is_extension(level.protocol)
}

/// Offset in units of eight bytes and, lowest bit, whether more follow; both zero: not a fragment.
fn fragment(header: [u8; 8], level: &mut Level) {
    const MORE: u16 = 1;
    const OFFSET: u16 = 0xfff8;
    let place = be16(&header, 2);
    if place & (MORE | OFFSET) != 0 {
        level.fragment = if place & OFFSET == 0 {
            Fragment::First
        } else {
            Fragment::Later
        };
        level.fragment_id = be32(&header, 4);
    }
}

/// Length of an IPv6 packet: its payload length and header, or that of a jumbogram (RFC 2675).
/// Offload leaves 0 as well; then the frame tells.
pub(super) fn ip6_bytes(header: &[u8; IP6_HEADER_BYTES], cursor: &Cursor<'_>) -> usize {
    let payload_bytes = be16(header, 4) as usize;
    if payload_bytes != 0 || header[6] == NO_NEXT_HEADER {
        return IP6_HEADER_BYTES + payload_bytes;
    }
    match jumbo_payload_bytes(header[6], cursor) {
        // Only so far as the frame goes: four free bytes must not outweigh all other traffic.
        Some(bytes) => cursor
            .remaining()
            .min(IP6_HEADER_BYTES.saturating_add(bytes)),
        None => cursor.remaining(),
    }
}

/// The jumbo payload option, looked for where it is put: first in the hop-by-hop header.
fn jumbo_payload_bytes(next: u8, cursor: &Cursor<'_>) -> Option<usize> {
    const JUMBO_PAYLOAD_OPTION: [u8; 2] = [0xc2, 4];
    const LARGEST_ORDINARY: u32 = 65_535;
    let options = cursor.peek::<8>(IP6_HEADER_BYTES)?;
    let bytes = be32(options, 4);
    (next == HOP_BY_HOP && options[2..4] == JUMBO_PAYLOAD_OPTION && bytes > LARGEST_ORDINARY)
        .then_some(bytes as usize)
}
