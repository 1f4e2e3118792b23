//! Which block an address lies in: the most specific prefix that is valid at packet time.

mod trie;

use trie::Trie;

/// A watched prefix as the rules give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// First address; IPv4 is mapped into `::ffff:0:0/96`.
    pub address: u128,
    /// Leading bits that count, 0 to 128; an IPv4 prefix `/n` has `96 + n`.
    pub length: u8,
    /// Index of the block it belongs to.
    pub block: u32,
    /// First nanosecond at which it is valid.
    pub valid_from_ns: i64,
    /// First nanosecond at which it is no longer valid; `i64::MAX` for never.
    pub valid_until_ns: i64,
}

impl Prefix {
    const fn is_ipv4(&self) -> bool {
        self.length >= 96 && self.address >> 32 == 0xffff
    }

    const fn is_dated(&self) -> bool {
        self.valid_from_ns != i64::MIN || self.valid_until_ns != i64::MAX
    }
}

/// Most prefixes in one plan.
pub const MAX_PREFIXES: usize = 1 << 24;
/// Block indices must stay below this: trie values carry two flag bits.
pub const MAX_BLOCKS: u32 = 1 << 29;

/// The block of an address, or none: an index plus one, so that zero is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct BlockRef(u32);

impl BlockRef {
    /// No block holds the address.
    pub const NONE: Self = Self(0);

    /// The block at `index` of the plan.
    pub const fn new(index: u32) -> Self {
        Self(index + 1)
    }

    /// Whether no block holds the address.
    #[inline]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Index into the plan's blocks.
    #[inline]
    pub const fn index(self) -> Option<u32> {
        self.0.checked_sub(1)
    }
}

/// A plan that cannot be compiled.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WatchError {
    /// More than [`MAX_PREFIXES`].
    #[error("{0} prefixes are more than {MAX_PREFIXES}")]
    TooManyPrefixes(usize),
    /// A prefix length above 128, or bits set behind it.
    #[error("prefix {0} is not a network address")]
    BadPrefix(usize),
    /// A block index above [`MAX_BLOCKS`].
    #[error("prefix {0} names a block beyond {MAX_BLOCKS}")]
    BadBlock(usize),
}

/// A prefix that holds only for a time, and what holds when it does not.
#[derive(Clone, Copy, Debug)]
struct Dated {
    from_ns: i64,
    until_ns: i64,
    block: u32,
    otherwise: u32,
}

/// Set in a trie value that is an index into the dated prefixes.
const DATED: u32 = 1 << 30;

/// The watched prefixes of both families, ready for lookup.
#[derive(Debug)]
pub struct Watch {
    ipv4: Trie,
    ipv6: Trie,
    dated: Vec<Dated>,
}

impl Watch {
    /// Compiles prefixes in any order. Of equal undated prefixes the first wins.
    pub fn new(prefixes: &[Prefix]) -> Result<Self, WatchError> {
        if prefixes.len() > MAX_PREFIXES {
            return Err(WatchError::TooManyPrefixes(prefixes.len()));
        }
        for (number, prefix) in prefixes.iter().enumerate() {
            let host_bits = u128::MAX.checked_shr(u32::from(prefix.length)).unwrap_or(0);
            if prefix.length > 128 || prefix.address & host_bits != 0 {
                return Err(WatchError::BadPrefix(number));
            }
            if prefix.block >= MAX_BLOCKS {
                return Err(WatchError::BadBlock(number));
            }
        }
        let mut dated = Vec::new();
        let mut family = |ipv4: bool| {
            let mut order: Vec<(u128, u8, bool, usize)> = prefixes
                .iter()
                .enumerate()
                .filter(|(_, prefix)| prefix.is_ipv4() == ipv4)
                .map(|(number, prefix)| {
                    let (address, length) = if ipv4 {
                        (prefix.address << 96, prefix.length - 96)
                    } else {
                        (prefix.address, prefix.length)
                    };
                    // Later entries override: dated after undated, earlier lines after later ones.
                    (address, length, prefix.is_dated(), usize::MAX - number)
                })
                .collect();
            order.sort_unstable();
            Trie::build(order.len(), |position, inherited| {
                let (address, length, is_dated, reversed) = order[position];
                let prefix = &prefixes[usize::MAX - reversed];
                let value = inherited.map(|otherwise| {
                    if !is_dated {
                        return prefix.block + 1;
                    }
                    dated.push(Dated {
                        from_ns: prefix.valid_from_ns,
                        until_ns: prefix.valid_until_ns,
                        block: prefix.block,
                        otherwise,
                    });
                    DATED | (dated.len() - 1) as u32
                });
                (address, length, value)
            })
        };
        let (ipv4, ipv6) = (family(true), family(false));
        Ok(Self { ipv4, ipv6, dated })
    }

    /// Reads what the lookup of an address will need first, so that it is near then; gives a ticket for
    /// [`Self::touch`].
    #[inline]
    pub fn approach(&self, version: u8, address: u128) -> u32 {
        if version == 4 {
            self.ipv4.approach(address as u32)
        } else {
            self.ipv6.approach((address >> 96) as u32)
        }
    }

    /// Reads what it will need next. What it gives means nothing.
    #[inline]
    pub fn touch(&self, version: u8, ticket: u32) -> u64 {
        if version == 4 {
            self.ipv4.touch(ticket)
        } else {
            self.ipv6.touch(ticket)
        }
    }

    /// The block of an address of IP `version` at `time_ns`.
    #[inline]
    pub fn lookup(&self, version: u8, address: u128, time_ns: i64) -> BlockRef {
        let value = if version == 4 {
            self.ipv4.lookup_short(address as u32)
        } else {
            self.ipv6.lookup(address)
        };
        if value & DATED == 0 {
            BlockRef(value)
        } else {
            self.valid_at(value, time_ns)
        }
    }

    #[cold]
    fn valid_at(&self, mut value: u32, time_ns: i64) -> BlockRef {
        while value & DATED != 0 {
            let Some(dated) = self.dated.get((value & !DATED) as usize) else {
                return BlockRef::NONE;
            };
            if dated.from_ns <= time_ns && time_ns < dated.until_ns {
                return BlockRef::new(dated.block);
            }
            value = dated.otherwise;
        }
        BlockRef(value)
    }

    /// Bytes the tries take.
    pub fn memory_bytes(&self) -> usize {
        self.ipv4.memory_bytes() + self.ipv6.memory_bytes() + self.dated.len() * size_of::<Dated>()
    }
}

#[cfg(test)]
mod tests;
