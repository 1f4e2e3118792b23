//! Which matchers of UDP a datagram may concern, by its first octet and its length: most matchers need not
//! be asked about most datagrams.

/// What every datagram that a matcher says or remembers anything of has in common.
pub(super) struct Fits {
    /// Whether it may begin with this octet.
    pub(super) first: fn(u8) -> bool,
    /// Fewest captured octets.
    pub(super) least_bytes: usize,
}

/// A bit for each matcher.
type Bits = u32;

/// From this length on nothing is sieved out by it.
const LENGTHS: usize = 128;

/// A matcher's bit is set where it has to be asked.
pub(super) struct Sieve {
    by_first: [Bits; 256],
    by_length: [Bits; LENGTHS + 1],
}

impl Sieve {
    /// The sieve of matchers with these conditions, in their order.
    pub(super) fn new(conditions: &[Fits]) -> Self {
        let bits = |holds: &dyn Fn(&Fits) -> bool| {
            (0..).zip(conditions).fold(0, |bits, (number, fits)| {
                bits | Bits::from(holds(fits)) << number
            })
        };
        Self {
            by_first: std::array::from_fn(|first| bits(&|fits| (fits.first)(first as u8))),
            by_length: std::array::from_fn(|length| {
                bits(&|fits| length == LENGTHS || fits.least_bytes <= length)
            }),
        }
    }

    /// The numbers of the matchers to be asked about a datagram, in their order. Of none without an octet is
    /// there anything to be said.
    pub(super) fn candidates(&self, bytes: &[u8]) -> impl Iterator<Item = usize> {
        let first = bytes
            .first()
            .and_then(|&first| self.by_first.get(usize::from(first)));
        let length = self.by_length.get(bytes.len().min(LENGTHS));
        let mut bits = first
            .zip(length)
            .map_or(0, |(first, length)| first & length);
        std::iter::from_fn(move || {
            let number = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(number)
        })
    }
}
