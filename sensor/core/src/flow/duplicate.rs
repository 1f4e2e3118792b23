//! Packets that a span port delivers twice.

/// Places of the table of recent packets; at a million packets a second it looks back 16 ms.
const PLACES: usize = 1 << 14;

/// The fingerprints of recent packets with their times, each in one place: a newer packet of the same
/// place takes it, so memory is fixed and a busy link forgets sooner.
#[derive(Debug)]
pub(super) struct Duplicates {
    recent: Vec<(u64, i64)>,
    window_ns: u64,
}

impl Duplicates {
    pub(super) fn new(window_ns: i64) -> Self {
        Self {
            recent: vec![(0, i64::MIN); PLACES],
            window_ns: window_ns.unsigned_abs(),
        }
    }

    /// Reads the place of a packet with this fingerprint, so that it is near when it is needed.
    #[inline]
    pub(super) fn approach(&self, fingerprint: u64) -> u64 {
        self.recent[fingerprint as usize % PLACES].0
    }

    /// Whether the same bytes were seen within the window; remembers these.
    #[inline]
    pub(super) fn seen(&mut self, fingerprint: u64, time_ns: i64) -> bool {
        let place = &mut self.recent[fingerprint as usize % PLACES];
        let seen = place.0 == fingerprint && place.1.abs_diff(time_ns) <= self.window_ns;
        *place = (fingerprint, time_ns);
        seen
    }
}
