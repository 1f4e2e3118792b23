//! Other rules come into force: flows whose blocks are still the same go on, the others are cut.

use super::{EndReason, Observer, Packet, Shard, swept_at};
use crate::source::Bytes;
use crate::watch::BlockRef;

/// Gives the block of an address (with its IP version) its new number; nothing where it lies in another.
type Renew<'a> = &'a dyn Fn(u8, u128, BlockRef) -> Option<BlockRef>;

impl<O: Observer> Shard<O> {
    /// Matches fragments that wait anew. Those whose blocks have changed are counted in their old flows, so
    /// this comes before the flows.
    pub fn rematch_fragments(&mut self, clock_ns: u64, renew: Renew<'_>) {
        self.release_fragments(clock_ns);
        let renew = |packet: &mut Packet| {
            let version = packet.key.version();
            let low = renew(version, packet.key.low(), packet.low_block);
            let high = renew(version, packet.key.high(), packet.high_block);
            let Some((low, high)) = low.zip(high) else {
                return false;
            };
            (packet.low_block, packet.high_block) = (low, high);
            true
        };
        self.with_fragments(Bytes::default(), |fragments, ready| {
            fragments.rematch(clock_ns, renew, ready);
        });
    }

    /// Matches the flows in `places` places from `first` on anew; false once there are no more behind them.
    pub fn rematch_flows(
        &mut self,
        first: usize,
        places: usize,
        clock_ns: u64,
        renew: Renew<'_>,
    ) -> bool {
        let (mut kept, mut ended) = (Vec::new(), std::mem::take(&mut self.ended));
        let slots = self.table.slots();
        for (slot, flow) in slots.range(first, first + places) {
            let (version, key) = (flow.key.version(), &flow.key);
            let (low, high) = flow.blocks_by_end();
            let blocks = renew(version, key.low(), low).zip(renew(version, key.high(), high));
            // Where the sweep has been must not show: what it would end by now ends as it would.
            let swept = swept_at(flow, clock_ns, &self.limits);
            match (swept, blocks) {
                (None, Some(blocks)) => kept.push((slot, blocks)),
                (swept, _) => {
                    let closed = || flow.closed().map(|(reason, _)| reason);
                    ended.push((slot, swept.or_else(closed).unwrap_or(EndReason::End)));
                }
            }
        }
        for (slot, blocks) in kept {
            self.table.at(slot).renumber_blocks(blocks);
        }
        for (slot, reason) in ended.drain(..) {
            self.end(slot, reason);
        }
        self.ended = ended;
        first + places < self.table.slots().used()
    }
}
