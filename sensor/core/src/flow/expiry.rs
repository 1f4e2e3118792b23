//! When a flow has ended, and finding those that have.

use super::FlowLimits;
use super::entry::{EndReason, Flow};
use super::packet::Packet;
use super::slots::Slots;

const SECOND: u64 = 1_000_000_000;

/// Packets may be so much out of order before a flow is swept too early.
const REORDER_NS: u64 = 5 * SECOND;
/// A sweep over all places begins at most so often.
const SWEEP_EVERY_NS: u64 = 5 * SECOND;
/// Places looked at each time.
const SWEEP_PLACES: usize = 8192;

/// Why the flow is over by the time this packet comes, if it is.
#[inline]
pub(super) fn ended_before(flow: &Flow, packet: &Packet, limits: &FlowLimits) -> Option<EndReason> {
    const SYN_ONLY: u8 = 0x02;
    // First, since the sweep may have been here already: it must not show in the records.
    if let Some(reason) = swept_at(flow, packet.clock_ns, limits) {
        return Some(reason);
    }
    if let Some((reason, closed_ns)) = flow.closed() {
        let begins_anew = packet.tcp_flags & 0x12 == SYN_ONLY;
        if begins_anew || packet.time_ns.saturating_sub(closed_ns) > limits.close_ns {
            return Some(reason);
        }
    }
    if packet.time_ns.saturating_sub(flow.end_ns) > limits.idle_ns
        || flow.start_ns.saturating_sub(packet.time_ns) > limits.idle_ns
    {
        return Some(EndReason::Idle);
    }
    if flow.same_blocks(packet) {
        None
    } else {
        Some(EndReason::End)
    }
}

/// Why a flow may be swept once the stream's clock says this much.
#[inline]
pub(super) fn swept_at(flow: &Flow, clock_ns: u64, limits: &FlowLimits) -> Option<EndReason> {
    // Of a flow that stays, only the second of its lines is read.
    let silent_ns = clock_ns.saturating_sub(flow.clock_ns);
    let patience_ns = if flow.is_closed() {
        limits.close_ns
    } else {
        limits.idle_ns
    };
    if silent_ns <= patience_ns.unsigned_abs() + REORDER_NS {
        return None;
    }
    let closed = flow.closed().map(|(reason, _)| reason);
    Some(closed.unwrap_or(EndReason::Idle))
}

/// Whether a record is to be written because it covers the active timeout, packet or none.
#[inline]
fn cut_at(flow: &Flow, clock_ns: u64, limits: &FlowLimits) -> Option<EndReason> {
    let silent_ns = clock_ns.saturating_sub(flow.clock_ns);
    let covers_ns = flow
        .end_ns
        .abs_diff(flow.start_ns)
        .saturating_add(silent_ns);
    (limits.cut_silent && !flow.is_empty() && covers_ns >= limits.active_ns.unsigned_abs())
        .then_some(EndReason::Active)
}

/// Walks over the places a piece at a time.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    next_place: usize,
    began_ns: u64,
    under_way: bool,
}

impl Sweep {
    /// Adds the places of flows that have ended to `found`, and of those whose record is to be cut.
    pub(super) fn step(
        &mut self,
        slots: &Slots,
        clock_ns: u64,
        limits: &FlowLimits,
        found: &mut Vec<(u32, EndReason)>,
    ) {
        if !self.under_way {
            if clock_ns.saturating_sub(self.began_ns) < SWEEP_EVERY_NS {
                return;
            }
            *self = Self {
                next_place: 0,
                began_ns: clock_ns,
                under_way: true,
            };
        }
        let end = self.next_place + SWEEP_PLACES;
        found.extend(
            slots
                .range(self.next_place, end)
                .filter_map(|(slot, flow)| {
                    let reason = swept_at(flow, clock_ns, limits)
                        .or_else(|| cut_at(flow, clock_ns, limits))?;
                    Some((slot, reason))
                }),
        );
        self.next_place = end;
        self.under_way = end < slots.used();
    }
}
