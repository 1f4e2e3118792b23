//! A clock made of packet times that one wrong timestamp cannot move.

const SECOND: u64 = 1_000_000_000;

/// A larger step ahead must be confirmed by the packets behind it.
const STEP_NS: u64 = 60 * SECOND;
/// What a confirmed jump counts for: the packets that confirmed it must not look silent for longer.
const JUMP_NS: u64 = 5 * SECOND;
/// So many packets in a row beyond a step ahead make it real.
const CONFIRM_AHEAD: u32 = 16;
/// So many packets in a row far behind say that time was set back.
const CONFIRM_BEHIND: u32 = 256;

/// Time elapsed on a stream of packets. It only grows, slower than packet time where that jumps:
/// flows are swept by it, and sweeping late costs memory while sweeping early would cut flows.
/// It depends on the packets alone, not on workers or buffer sizes.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamClock {
    high_ns: Option<i64>,
    elapsed_ns: u64,
    ahead: u32,
    behind: u32,
}

impl StreamClock {
    /// Takes the next packet's time; gives the time elapsed so far.
    #[inline]
    pub fn advance(&mut self, time_ns: i64) -> u64 {
        let Some(high_ns) = self.high_ns else {
            self.high_ns = Some(time_ns);
            return 0;
        };
        if time_ns >= high_ns {
            self.behind = 0;
            let step = time_ns.abs_diff(high_ns);
            if step <= STEP_NS {
                self.ahead = 0;
                self.elapsed_ns += step;
                self.high_ns = Some(time_ns);
            } else {
                self.jump_ahead(time_ns);
            }
        } else {
            self.ahead = 0;
            if time_ns.abs_diff(high_ns) > STEP_NS {
                self.jump_behind(time_ns);
            } else {
                self.behind = 0;
            }
        }
        self.elapsed_ns
    }

    /// Nothing came for so long: time goes on without packets.
    pub fn pass(&mut self, silent_ns: u64) {
        if let Some(high_ns) = &mut self.high_ns {
            *high_ns = high_ns.saturating_add_unsigned(silent_ns);
            self.elapsed_ns += silent_ns;
        }
    }

    /// Packet time as far as the clock believes it; before the first packet 0.
    pub fn time_ns(&self) -> i64 {
        self.high_ns.unwrap_or(0)
    }

    /// The time elapsed so far.
    pub fn now_ns(&self) -> u64 {
        self.elapsed_ns
    }

    #[cold]
    fn jump_ahead(&mut self, time_ns: i64) {
        self.ahead += 1;
        if self.ahead >= CONFIRM_AHEAD {
            self.ahead = 0;
            self.elapsed_ns += JUMP_NS;
            self.high_ns = Some(time_ns);
        }
    }

    #[cold]
    fn jump_behind(&mut self, time_ns: i64) {
        self.behind += 1;
        if self.behind >= CONFIRM_BEHIND {
            self.behind = 0;
            self.high_ns = Some(time_ns);
        }
    }
}
