//! What a pcapng section says of an interface: link type, clock, name.

use super::input::word;
use super::interfaces::printable_name;

/// Link type, reserved, snap length.
const HEADER_BYTES: usize = 8;
const OPTION_HEADER_BYTES: usize = 4;

const END_OF_OPTIONS: u16 = 0;
const NAME: u16 = 2;
const RESOLUTION: u16 = 9;
const OFFSET: u16 = 14;

const SECOND_NS: u64 = 1_000_000_000;
/// Decimal places of a second in a nanosecond.
const NANOSECOND_PLACES: u32 = 9;
/// Set in `if_tsresol` if the resolution is a power of two.
const BINARY: u8 = 0x80;

/// How ticks become nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// Nanoseconds a tick.
    Coarse(u64),
    /// Ticks a nanosecond.
    Fine(u64),
    /// Ticks are seconds shifted left by so many bits.
    Binary(u32),
}

impl Clock {
    /// Reads `if_tsresol`.
    fn new(resolution: u8) -> Self {
        let places = u32::from(resolution & !BINARY);
        if resolution & BINARY != 0 {
            Self::Binary(places)
        } else if let Some(missing) = NANOSECOND_PLACES.checked_sub(places) {
            Self::Coarse(10_u64.pow(missing))
        } else {
            // Where the power overflows, no number of ticks comes to a nanosecond.
            10_u64
                .checked_pow(places - NANOSECOND_PLACES)
                .map_or(Self::Coarse(0), Self::Fine)
        }
    }

    #[inline]
    fn nanoseconds(self, ticks: u64) -> i128 {
        match self {
            Self::Coarse(factor) => i128::from(ticks) * i128::from(factor),
            Self::Fine(divisor) => i128::from(ticks / divisor),
            Self::Binary(bits) => (i128::from(ticks) * i128::from(SECOND_NS)) >> bits,
        }
    }
}

/// One interface of a section.
#[derive(Debug)]
pub(super) struct Interface {
    link: u16,
    snap_bytes: u32,
    clock: Clock,
    offset_ns: i128,
    name: String,
    /// In `Source::interfaces`, from its first packet on.
    number: Option<u16>,
}

impl Interface {
    /// Reads the body of an interface description; nothing if it is too short to be one.
    pub(super) fn read<const BIG_ENDIAN: bool>(body: &[u8]) -> Option<Self> {
        let ([link, snap_bytes, ..], _) = body.as_chunks::<4>() else {
            return None;
        };
        let mut interface = Self {
            link: half::<BIG_ENDIAN>([link[0], link[1]]),
            snap_bytes: word::<BIG_ENDIAN>(*snap_bytes),
            clock: Clock::new(6),
            offset_ns: 0,
            name: String::new(),
            number: None,
        };
        let mut options = body.get(HEADER_BYTES..).unwrap_or_default();
        // An option that runs past the block ends the list: what came before still holds.
        while let Some(([a, b, c, d], rest)) = options.split_first_chunk::<OPTION_HEADER_BYTES>() {
            let code = half::<BIG_ENDIAN>([*a, *b]);
            let length = usize::from(half::<BIG_ENDIAN>([*c, *d]));
            let Some(value) = rest.get(..length).filter(|_| code != END_OF_OPTIONS) else {
                break;
            };
            interface.set::<BIG_ENDIAN>(code, value);
            options = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Some(interface)
    }

    fn set<const BIG_ENDIAN: bool>(&mut self, code: u16, value: &[u8]) {
        match (code, value) {
            (NAME, name) => self.name = printable_name(name),
            (RESOLUTION, [resolution, ..]) => self.clock = Clock::new(*resolution),
            (OFFSET, value) => {
                if let Some(&seconds) = value.first_chunk::<8>() {
                    let seconds = if BIG_ENDIAN {
                        i64::from_be_bytes(seconds)
                    } else {
                        i64::from_le_bytes(seconds)
                    };
                    self.offset_ns = i128::from(seconds) * i128::from(SECOND_NS);
                }
            }
            _ => {}
        }
    }

    /// Link type of its packets.
    pub(super) const fn link(&self) -> u16 {
        self.link
    }

    /// Most bytes captured of a packet, where there is a limit.
    pub(super) const fn snap_bytes(&self) -> u32 {
        if self.snap_bytes == 0 {
            u32::MAX
        } else {
            self.snap_bytes
        }
    }

    /// Nanoseconds since 1970; the nearest time there is for one out of range.
    #[inline]
    pub(super) fn time_ns(&self, ticks: u64) -> i64 {
        let time = self.clock.nanoseconds(ticks) + self.offset_ns;
        time.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// The number of the interface, asked for by its name at its first packet.
    #[inline]
    pub(super) fn number(&mut self, register: impl FnOnce(&str) -> u16) -> u16 {
        *self.number.get_or_insert_with(|| register(&self.name))
    }
}

#[inline]
fn half<const BIG_ENDIAN: bool>(bytes: [u8; 2]) -> u16 {
    if BIG_ENDIAN {
        u16::from_be_bytes(bytes)
    } else {
        u16::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(resolution: u8, offset_s: i64) -> Interface {
        let mut body = vec![1, 0, 0, 0, 0, 0, 0, 0];
        body.extend([9, 0, 1, 0, resolution, 0, 0, 0]);
        body.extend([14, 0, 8, 0]);
        body.extend(offset_s.to_le_bytes());
        Interface::read::<false>(&body).expect("an interface")
    }

    #[test]
    fn decimal_and_binary_clocks() {
        assert_eq!(interface(0, 0).time_ns(3), 3_000_000_000);
        assert_eq!(interface(6, 0).time_ns(1_500_000), 1_500_000_000);
        assert_eq!(interface(9, 0).time_ns(7), 7);
        assert_eq!(interface(12, 0).time_ns(7_999), 7);
        assert_eq!(interface(127, 0).time_ns(u64::MAX), 0);
        assert_eq!(interface(BINARY | 1, 0).time_ns(3), 1_500_000_000);
        assert_eq!(interface(BINARY | 0x0a, 0).time_ns(512), 500_000_000);
        assert_eq!(interface(BINARY | 127, 0).time_ns(u64::MAX), 0);
    }

    #[test]
    fn offsets_move_and_times_out_of_range_saturate() {
        assert_eq!(interface(6, 10).time_ns(0), 10_000_000_000);
        assert_eq!(interface(6, -10).time_ns(0), -10_000_000_000);
        assert_eq!(interface(0, 0).time_ns(u64::MAX), i64::MAX);
        assert_eq!(interface(0, i64::MAX).time_ns(u64::MAX), i64::MAX);
        assert_eq!(interface(0, i64::MIN).time_ns(0), i64::MIN);
    }

    #[test]
    fn options_past_the_end_are_left_out() {
        let body = [
            1, 0, 0, 0, 0, 1, 0, 0, 2, 0, 4, 0, b'e', b't', b'h', b'0', 9, 0, 200, 0,
        ];
        let interface = Interface::read::<false>(&body).expect("an interface");
        assert_eq!(
            (interface.name.as_str(), interface.snap_bytes()),
            ("eth0", 256)
        );
        assert_eq!(interface.clock, Clock::Coarse(1_000));
        assert!(Interface::read::<false>(&body[..7]).is_none());
    }
}
