//! Days of UTC in packet time.

const DAY_NS: i64 = 86_400_000_000_000;

/// A UTC day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    number: i32,
    start_ns: i64,
}

impl Day {
    /// The day of a time in nanoseconds since 1970 UTC.
    pub const fn of(time_ns: i64) -> Self {
        let number = time_ns.div_euclid(DAY_NS);
        Self {
            // At most 106,752 days fit into the nanoseconds.
            number: number as i32,
            start_ns: number.wrapping_mul(DAY_NS),
        }
    }

    /// Days since 1970.
    pub const fn number(self) -> i32 {
        self.number
    }

    /// Whether a time lies in it.
    #[inline]
    pub const fn holds(self, time_ns: i64) -> bool {
        time_ns.wrapping_sub(self.start_ns).cast_unsigned() < DAY_NS.cast_unsigned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_holds_its_own_times() {
        for time_ns in [0, 1, DAY_NS - 1, DAY_NS, -1, -DAY_NS, i64::MAX, i64::MIN] {
            assert!(Day::of(time_ns).holds(time_ns), "{time_ns}");
        }
        assert_eq!(Day::of(-1).number(), -1);
        let today = Day::of(17 * DAY_NS + 5);
        assert_eq!(today.number(), 17);
        assert!(today.holds(17 * DAY_NS) && today.holds(18 * DAY_NS - 1));
        assert!(!today.holds(17 * DAY_NS - 1) && !today.holds(18 * DAY_NS));
    }
}
