//! Prefixes looked up in the tries and one by one.

use blocktap_core::watch::{BlockRef, Prefix, Watch};

use super::pieces::Pieces;

const MAX_PREFIXES: usize = 64;
const IP4: u128 = 0xffff_0000_0000;

/// Prefixes, each looked up at both its ends and beside them.
pub fn trie(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let time_ns = i64::from(pieces.u8().cast_signed());
    let mut prefixes = Vec::new();
    while !pieces.is_empty() && prefixes.len() < MAX_PREFIXES {
        prefixes.push(prefix(&mut pieces));
    }
    let watch = match Watch::new(&prefixes) {
        Ok(watch) => watch,
        Err(error) => panic!("{error}"),
    };
    for prefix in &prefixes {
        let last = prefix.address | host_bits(prefix.length);
        for address in [
            prefix.address,
            prefix.address.wrapping_sub(1),
            last,
            last.wrapping_add(1),
        ] {
            // The families are apart: an IPv4 address is never asked for as an IPv6 one.
            let version = if address >> 32 == 0xffff { 4 } else { 6 };
            assert_eq!(
                watch.lookup(version, address, time_ns),
                one_by_one(&prefixes, version == 4, address, time_ns),
                "{address:x} of {prefixes:x?}"
            );
            watch.touch(version, watch.approach(version, address));
        }
    }
    assert!(watch.memory_bytes() > 0);
}

fn prefix(pieces: &mut Pieces<'_>) -> Prefix {
    let flags = pieces.u8();
    let (address, length) = if flags & 1 == 0 {
        (IP4 | u128::from(pieces.u32()), 96 + pieces.u8() % 33)
    } else {
        let high = u128::from(pieces.u64()) << 64;
        (high | u128::from(pieces.u32()), pieces.u8() % 129)
    };
    let (valid_from_ns, valid_until_ns) = if flags & 2 == 0 {
        (i64::MIN, i64::MAX)
    } else {
        let [from, until] = [(); 2].map(|()| i64::from(pieces.u8().cast_signed()));
        (from, until)
    };
    Prefix {
        address: address & !host_bits(length),
        length,
        block: u32::from(flags >> 2),
        valid_from_ns,
        valid_until_ns,
    }
}

fn host_bits(length: u8) -> u128 {
    u128::MAX.checked_shr(u32::from(length)).unwrap_or(0)
}

/// The longest that holds the address and is valid; of equals a dated one, of those the first.
fn one_by_one(prefixes: &[Prefix], is_ip4: bool, address: u128, time_ns: i64) -> BlockRef {
    prefixes
        .iter()
        .enumerate()
        .filter(|(_, prefix)| (prefix.length >= 96 && prefix.address >> 32 == 0xffff) == is_ip4)
        .filter(|(_, prefix)| address & !host_bits(prefix.length) == prefix.address)
        .filter_map(|(number, prefix)| {
            let is_dated = (prefix.valid_from_ns, prefix.valid_until_ns) != (i64::MIN, i64::MAX);
            let is_valid =
                !is_dated || (prefix.valid_from_ns..prefix.valid_until_ns).contains(&time_ns);
            is_valid.then_some((prefix.length, is_dated, usize::MAX - number, prefix.block))
        })
        .max()
        .map_or(BlockRef::NONE, |(.., block)| BlockRef::new(block))
}
