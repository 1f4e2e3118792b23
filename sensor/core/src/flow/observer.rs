//! Who looks at the payload of flows as they are counted.

use bytemuck::{Pod, Zeroable};

use super::entry::Flow;
use super::packet::Packet;

/// What an observer keeps of a flow, in four bytes of it: a number of its own, and whether it wants to
/// see further packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Mark(u32);

impl Mark {
    /// Nothing is kept, and nothing more is wanted.
    pub const NONE: Self = Self(0);
    /// The two upper bits: both for the client's packets alone, the lower for the server's alone.
    const LOOKS: u32 = 1 << 31;
    const ONE_SIDE: u32 = 1 << 30;
    /// Most that [`Self::number`] can be.
    pub const MOST: u32 = Self::ONE_SIDE - 1;

    /// A mark with this number, up to [`Self::MOST`].
    pub const fn new(number: u32, looks: bool) -> Self {
        Self(number & Self::MOST | if looks { Self::LOOKS } else { 0 })
    }

    /// Whether further packets are to be shown to the observer.
    #[inline]
    pub const fn looks(self) -> bool {
        self.0 & (Self::LOOKS | Self::ONE_SIDE) != 0
    }

    /// The same number, but of the packets only the client's are wanted.
    #[must_use]
    pub const fn of_client(self) -> Self {
        Self(self.0 | Self::LOOKS | Self::ONE_SIDE)
    }

    /// The same number, but of the packets only the server's are wanted.
    #[must_use]
    pub const fn of_server(self) -> Self {
        Self(self.0 & !Self::LOOKS | Self::ONE_SIDE)
    }

    /// Whether only packets of the client are wanted.
    #[inline]
    pub const fn is_of_client(self) -> bool {
        self.0 & Self::ONE_SIDE != 0 && self.wants(true)
    }

    /// Whether a packet of this end is to be shown, where any is.
    #[inline]
    pub const fn wants(self, from_client: bool) -> bool {
        self.0 & Self::ONE_SIDE == 0 || (self.0 & Self::LOOKS != 0) == from_client
    }

    /// The observer's number; 0 is none.
    #[inline]
    pub const fn number(self) -> u32 {
        self.0 & Self::MOST
    }
}

/// Looks at packets of flows, and has something to note beside their records.
pub trait Observer {
    /// Flows with such marks are about to be looked at or noted: reads what is kept of them, so that the
    /// cache misses of several overlap.
    #[inline]
    fn approach(&self, _mark: Mark) -> u64 {
        0
    }
    /// Goes on with what that leads to.
    #[inline]
    fn touch(&self, _mark: Mark) -> u64 {
        0
    }
    /// Whether more is kept of flows than there is room for: some of those must go.
    fn is_crowded(&self) -> bool {
        false
    }
    /// Whether anything is kept of a flow with this mark.
    fn keeps(&self, _mark: Mark) -> bool {
        false
    }
    /// A flow has begun with this packet, which is counted in it.
    fn begin(&mut self, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark;
    /// Another packet of a flow whose mark asks for it.
    fn look(&mut self, flow: &Flow, packet: &Packet, payload: &[u8]) -> Mark;
    /// A packet that is not the flow's first is about to be counted in its record.
    #[inline]
    fn about_to_count(&mut self, _flow: &Flow, _packet: &Packet) {}
    /// A packet has been counted in the flow, after it was `shown` or not. Gives the label that the flow has
    /// from now on.
    #[inline]
    fn counted(&mut self, flow: &Flow, _packet: &Packet, _shown: bool) -> u16 {
        flow.label
    }
    /// A record of the flow is written, its last one if it `ends`: the mark that goes into the record.
    fn note(&mut self, flow: &Flow, ends: bool) -> Mark;
}

/// Nobody looks.
impl Observer for () {
    fn begin(&mut self, _: &Flow, _: &Packet, _: &[u8]) -> Mark {
        Mark::NONE
    }

    fn look(&mut self, _: &Flow, _: &Packet, _: &[u8]) -> Mark {
        Mark::NONE
    }

    fn note(&mut self, _: &Flow, _: bool) -> Mark {
        Mark::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_both_ends_of_one_or_of_none() {
        let mark = Mark::new(7, true);
        for (mark, looks, client, server) in [
            (Mark::NONE, false, true, true),
            (Mark::new(7, false), false, true, true),
            (mark, true, true, true),
            (mark.of_client(), true, true, false),
            (mark.of_server(), true, false, true),
            (mark.of_server().of_client(), true, true, false),
        ] {
            assert_eq!(mark.looks(), looks, "{mark:?}");
            assert_eq!(
                (mark.wants(true), mark.wants(false)),
                (client, server),
                "{mark:?}"
            );
        }
        assert_eq!(
            (mark.of_client().number(), mark.of_server().number()),
            (7, 7)
        );
        assert_eq!(Mark::new(u32::MAX, false).number(), Mark::MOST);
    }
}
