//! Whom to evict where there is no room: flows that nobody answered and that say little, of each kind the longest
//! idle. A flood must not drive out what was there before it.

use super::entry::Flow;
use super::slots::Slots;

/// So many packets make a flow established without any answer: some taps see one direction only.
const ESTABLISHED_PACKETS: u64 = 8;

/// Of so many flows one is found by a search.
const ONE_IN: usize = 4;

/// The outcome of a search, used up before the next one: a search looks at every flow.
#[derive(Debug, Default)]
pub(super) struct Eviction {
    /// Ages and places, the next one last.
    candidates: Vec<(u64, u32)>,
}

impl Eviction {
    /// The place of the flow to go next, of those that `may_go`, if there is any.
    pub(super) fn next(&mut self, slots: &Slots, may_go: impl Fn(&Flow) -> bool) -> Option<u32> {
        self.next_unchanged(slots, &may_go).or_else(|| {
            self.candidates = oldest(slots, &may_go);
            self.next_unchanged(slots, &may_go)
        })
    }

    /// The next one that is as it was when it was found.
    fn next_unchanged(&mut self, slots: &Slots, may_go: impl Fn(&Flow) -> bool) -> Option<u32> {
        while let Some((age, slot)) = self.candidates.pop() {
            let flow = slots.get(slot).filter(|flow| flow.is_live());
            if flow.is_some_and(|flow| age_of(flow) == age && may_go(flow)) {
                return Some(slot);
            }
        }
        None
    }
}

/// Ages and places of a quarter of the flows that `may_go`, at least of one; the first to go is the last.
fn oldest(slots: &Slots, may_go: impl Fn(&Flow) -> bool) -> Vec<(u64, u32)> {
    let mut by_age: Vec<(u64, u32)> = slots
        .range(0, slots.used())
        .filter(|(_, flow)| may_go(flow))
        .map(|(slot, flow)| (age_of(flow), slot))
        .collect();
    let count = (by_age.len() / ONE_IN).max(1).min(by_age.len());
    if count < by_age.len() {
        by_age.select_nth_unstable(count);
        by_age.truncate(count);
        by_age.shrink_to_fit();
    }
    by_age.sort_unstable_by(|a, b| b.cmp(a));
    by_age
}

/// The lower, the sooner a flow goes: the clock at its last packet, those established behind all others.
fn age_of(flow: &Flow) -> u64 {
    // No clock gets there: that is 292 years.
    const ESTABLISHED: u64 = 1 << 63;
    let (out, incoming) = flow.packets();
    let is_established =
        out + incoming >= ESTABLISHED_PACKETS || flow.answered() || flow.record > 0;
    flow.clock_ns & (ESTABLISHED - 1) | if is_established { ESTABLISHED } else { 0 }
}
