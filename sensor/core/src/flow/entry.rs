//! The state of one flow and how a packet changes it.

use bytemuck::{Pod, Zeroable};

use super::key::FlowKey;
use super::observer::Mark;
use super::packet::Packet;
use crate::watch::BlockRef;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

const TCP: u8 = 6;

/// Who began a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// The inside end.
    Inside,
    /// The outside end.
    Outside,
    /// A TCP flow met in the middle.
    Unknown,
}

/// Why a record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum EndReason {
    /// It covered the active timeout; the flow goes on.
    Active = 0,
    /// Nothing came for the idle timeout.
    Idle,
    /// Both ends closed it.
    Fin,
    /// One end reset it.
    Rst,
    /// Its place was needed.
    Evicted,
    /// The input ended, or the flow's block is no longer the same.
    End,
}

impl EndReason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Active,
        Self::Idle,
        Self::Fin,
        Self::Rst,
        Self::Evicted,
        Self::End,
    ];

    /// The word in the `end_reason` column.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Evicted => "evicted",
            Self::End => "end",
        }
    }
}

/// Bits of `Flow::state`.
mod bit {
    pub(super) const INSIDE_IS_LOW: u16 = 1 << 0;
    pub(super) const BEGUN_BY_LOW: u16 = 1 << 1;
    pub(super) const BEGUN_BY_HIGH: u16 = 1 << 2;
    pub(super) const ANSWERED: u16 = 1 << 3;
    pub(super) const FIN_FROM_LOW: u16 = 1 << 4;
    pub(super) const FIN_FROM_HIGH: u16 = 1 << 5;
    pub(super) const RESET: u16 = 1 << 7;
    pub(super) const SPOKE_LOW: u16 = 1 << 8;
    pub(super) const SPOKE_HIGH: u16 = 1 << 9;
    pub(super) const REASON_SHIFT: u16 = 12;
}

/// A live flow and, copied out, a flow record: two cache lines, the first to find it, the second to count.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Flow {
    /// The 5-tuple.
    pub key: FlowKey,
    low_block: BlockRef,
    high_block: BlockRef,
    /// Number of this record within the flow.
    pub record: u32,
    /// The table's own mark: low bits of the hash.
    pub(super) tag: u32,
    state: u16,
    /// Flags of TCP by sender; of ICMP the type and code of the first packet.
    flags: [u8; 2],
    /// Time to live of the last packet from inside in this record, plus one; 0 for none so far.
    ttl_out: u16,
    /// What an observer counts it under; 0 for nothing so far.
    pub label: u16,

    /// Time of the flow's first packet.
    pub first_ns: i64,
    /// Earliest packet counted in this record.
    pub start_ns: i64,
    /// Latest packet counted in this record.
    pub end_ns: i64,
    /// The stream's clock at the flow's last packet.
    pub(super) clock_ns: u64,
    packets: [u32; 2],
    bytes: [u64; 2],
    /// When it was closed: whole milliseconds after its first packet, 24 days at most; else [`OPEN`].
    closed_ms: i32,
    /// What the observer keeps of it; in a record, the note that belongs to it.
    pub mark: Mark,
}

/// In place of the clock where there is no flow: no clock ever reads this.
const FREE: u64 = u64::MAX;

const MILLISECOND: i64 = 1_000_000;

/// In place of the time when a flow was closed, where it was not.
const OPEN: i32 = i32::MIN;

/// Which end of the key: an index into the counters by sender.
const LOW: usize = 0;
const HIGH: usize = 1;

impl Flow {
    /// A flow that begins with this packet, which is still to be counted.
    pub(super) fn begin(packet: &Packet) -> Self {
        let mut flow = Self {
            key: packet.key,
            low_block: packet.low_block,
            high_block: packet.high_block,
            tag: packet.hash as u32,
            flags: if packet.key.is_icmp() {
                packet.icmp
            } else {
                [0; 2]
            },
            first_ns: packet.time_ns,
            start_ns: packet.time_ns,
            end_ns: packet.time_ns,
            closed_ms: OPEN,
            ..Self::default()
        };
        let by_sender = if packet.forward {
            bit::BEGUN_BY_LOW
        } else {
            bit::BEGUN_BY_HIGH
        };
        let by_receiver = if packet.forward {
            bit::BEGUN_BY_HIGH
        } else {
            bit::BEGUN_BY_LOW
        };
        flow.state |= match (packet.key.protocol, packet.tcp_flags & (SYN | ACK)) {
            (TCP, SYN) => by_sender,
            // The SYN itself was missed; who answers one did not send it.
            (TCP, flags) if flags == SYN | ACK => by_receiver,
            (TCP, _) => 0,
            _ => by_sender,
        };
        let inside_is_low = match (flow.low_block.is_none(), flow.high_block.is_none()) {
            (false, false) => flow.state & bit::BEGUN_BY_HIGH == 0,
            (low_is_outside, _) => !low_is_outside,
        };
        if inside_is_low {
            flow.state |= bit::INSIDE_IS_LOW;
        }
        flow
    }

    /// Marks its place as free.
    pub(super) fn free(&mut self) {
        self.clock_ns = FREE;
    }

    /// Whether its place is taken.
    #[inline]
    pub(super) const fn is_live(&self) -> bool {
        self.clock_ns != FREE
    }

    /// Counts a packet into the current record.
    #[inline]
    pub(super) fn count(&mut self, packet: &Packet) {
        let sender = if packet.forward { LOW } else { HIGH };
        self.packets[sender] += 1;
        self.bytes[sender] += u64::from(packet.ip_bytes);
        // No other protocol has any.
        self.flags[sender] |= packet.tcp_flags;
        if self.goes_out(packet.forward) {
            self.ttl_out = u16::from(packet.ttl) + 1;
        }
        self.start_ns = self.start_ns.min(packet.time_ns);
        self.end_ns = self.end_ns.max(packet.time_ns);
        self.clock_ns = self.clock_ns.max(packet.clock_ns);
        if packet.key.protocol == TCP {
            self.follow_tcp(packet);
        } else {
            let by_initiator = if packet.forward {
                bit::BEGUN_BY_LOW
            } else {
                bit::BEGUN_BY_HIGH
            };
            if self.state & by_initiator == 0 {
                self.state |= bit::ANSWERED;
            }
        }
    }

    #[inline]
    fn follow_tcp(&mut self, packet: &Packet) {
        let flags = packet.tcp_flags;
        let (begun_by_sender, spoke, fin) = if packet.forward {
            (bit::BEGUN_BY_LOW, bit::SPOKE_LOW, bit::FIN_FROM_LOW)
        } else {
            (bit::BEGUN_BY_HIGH, bit::SPOKE_HIGH, bit::FIN_FROM_HIGH)
        };
        let syn_ack = flags & (SYN | ACK) == SYN | ACK;
        if flags & RST == 0 && (packet.payload_bytes > 0 || syn_ack) {
            self.state |= spoke;
            let begun = self.state & (bit::BEGUN_BY_LOW | bit::BEGUN_BY_HIGH);
            let both = bit::SPOKE_LOW | bit::SPOKE_HIGH;
            // Where nobody is known to have begun, data both ways is an answer.
            if begun != 0 && begun & begun_by_sender == 0 || self.state & both == both {
                self.state |= bit::ANSWERED;
            }
        }
        if flags & (FIN | RST) == 0 || self.closed_ms != OPEN {
            return;
        }
        if flags & FIN != 0 {
            self.state |= fin;
        }
        let both = bit::FIN_FROM_LOW | bit::FIN_FROM_HIGH;
        if flags & RST != 0 {
            self.state |= bit::RESET;
        } else if self.state & both != both {
            return;
        }
        let after_ns = packet.time_ns.saturating_sub(self.first_ns);
        let after_ms = after_ns.div_euclid(MILLISECOND);
        self.closed_ms = after_ms.clamp((OPEN + 1).into(), i32::MAX.into()) as i32;
    }

    /// Begins the next record of the same flow; flags and answers stay.
    pub(super) fn next_record(&mut self, packet: &Packet) {
        self.record = self.record.saturating_add(1);
        self.start_ns = packet.time_ns;
        self.end_ns = packet.time_ns;
        self.packets = [0; 2];
        self.bytes = [0; 2];
        self.ttl_out = 0;
    }

    /// Begins the next record before there is a packet for it. Its times stay those of the last packet until
    /// then, since a flow's age is told by them.
    pub(super) fn next_record_later(&mut self) {
        self.record = self.record.saturating_add(1);
        self.start_ns = self.end_ns;
        self.packets = [0; 2];
        self.bytes = [0; 2];
    }

    /// Whether its record has counted nothing yet.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.packets == [0; 2]
    }

    /// Whether a counter is about to overflow.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.packets[LOW].max(self.packets[HIGH]) == u32::MAX
    }

    pub(super) fn set_reason(&mut self, reason: EndReason) {
        self.state =
            self.state & ((1 << bit::REASON_SHIFT) - 1) | (reason as u16) << bit::REASON_SHIFT;
    }

    /// Why this record was written.
    pub fn reason(&self) -> EndReason {
        let number = usize::from(self.state >> bit::REASON_SHIFT);
        EndReason::ALL
            .get(number)
            .copied()
            .unwrap_or(EndReason::End)
    }

    /// Whether both ends closed it or one reset it.
    #[inline]
    pub(super) const fn is_closed(&self) -> bool {
        self.closed_ms != OPEN
    }

    /// The same with the reason, and when.
    #[inline]
    pub(super) fn closed(&self) -> Option<(EndReason, i64)> {
        if !self.is_closed() {
            return None;
        }
        let reset = self.state & bit::RESET != 0;
        let reason = if reset {
            EndReason::Rst
        } else {
            EndReason::Fin
        };
        let after_ns = i64::from(self.closed_ms) * MILLISECOND;
        Some((reason, self.first_ns.saturating_add(after_ns)))
    }

    /// Whether the packet's addresses are still in the blocks the flow began in.
    #[inline]
    pub(super) fn same_blocks(&self, packet: &Packet) -> bool {
        self.low_block == packet.low_block && self.high_block == packet.high_block
    }

    /// The blocks of the lower and the higher end.
    pub(super) const fn blocks_by_end(&self) -> (BlockRef, BlockRef) {
        (self.low_block, self.high_block)
    }

    /// The same blocks under other numbers.
    pub(super) fn renumber_blocks(&mut self, (low, high): (BlockRef, BlockRef)) {
        self.low_block = low;
        self.high_block = high;
    }

    /// Whether both ends are watched.
    pub const fn is_internal(&self) -> bool {
        !self.low_block.is_none() && !self.high_block.is_none()
    }

    const fn inside_is_low(&self) -> bool {
        self.state & bit::INSIDE_IS_LOW != 0
    }

    /// Orders a pair by (low, high) as (inside, outside).
    const fn oriented<T: Copy>(&self, low: T, high: T) -> (T, T) {
        if self.inside_is_low() {
            (low, high)
        } else {
            (high, low)
        }
    }

    /// Inside and outside address.
    pub const fn addresses(&self) -> (u128, u128) {
        self.oriented(self.key.low(), self.key.high())
    }

    /// Inside and outside port; of ICMP the type and code of the first packet.
    pub const fn ports(&self) -> (u16, u16) {
        if self.key.is_icmp() {
            return (self.flags[0] as u16, self.flags[1] as u16);
        }
        self.oriented(self.key.low_port, self.key.high_port)
    }

    /// Block of the inside and of the outside end.
    pub const fn blocks(&self) -> (BlockRef, BlockRef) {
        self.oriented(self.low_block, self.high_block)
    }

    /// Packets out and in.
    pub const fn packets(&self) -> (u64, u64) {
        self.oriented(self.packets[LOW] as u64, self.packets[HIGH] as u64)
    }

    /// IP bytes out and in.
    pub const fn bytes(&self) -> (u64, u64) {
        self.oriented(self.bytes[LOW], self.bytes[HIGH])
    }

    /// Flags of TCP out and in.
    pub const fn tcp_flags(&self) -> (u8, u8) {
        if self.key.is_icmp() {
            return (0, 0);
        }
        self.oriented(self.flags[LOW], self.flags[HIGH])
    }

    /// Time to live (hop limit) of the last packet from inside in this record, if there was one.
    pub const fn ttl_out(&self) -> Option<u8> {
        match self.ttl_out.checked_sub(1) {
            Some(ttl) => Some(ttl as u8),
            None => None,
        }
    }

    /// Whether the packet comes from inside with another time to live than the one before it in this record.
    #[inline]
    pub const fn changes_ttl(&self, packet: &Packet) -> bool {
        self.ttl_out != 0 && self.ttl_out != packet.ttl as u16 + 1 && self.goes_out(packet.forward)
    }

    /// Who began the flow.
    pub const fn initiator(&self) -> Initiator {
        let (by_inside, by_outside) = self.oriented(
            self.state & bit::BEGUN_BY_LOW,
            self.state & bit::BEGUN_BY_HIGH,
        );
        if by_inside != 0 {
            Initiator::Inside
        } else if by_outside != 0 {
            Initiator::Outside
        } else {
            Initiator::Unknown
        }
    }

    /// Whether the client sends what goes `forward`, from the key's lower end to the higher. Who begins a flow
    /// is its client; of one met in the middle the inside end is taken for it.
    #[inline]
    pub const fn sent_by_client(&self, forward: bool) -> bool {
        let client_is_low = if self.state & (bit::BEGUN_BY_LOW | bit::BEGUN_BY_HIGH) == 0 {
            self.inside_is_low()
        } else {
            self.state & bit::BEGUN_BY_LOW != 0
        };
        client_is_low == forward
    }

    /// Whether what goes `forward`, from the key's lower end to the higher, comes from inside.
    #[inline]
    pub const fn goes_out(&self, forward: bool) -> bool {
        self.inside_is_low() == forward
    }

    /// Whether the observer wants to see this packet.
    #[inline]
    pub fn wants_look(&self, packet: &Packet) -> bool {
        self.mark.looks() && self.mark.wants(self.sent_by_client(packet.forward))
    }

    /// Whether the inside address decides which worker counts the flow: its names may then be joined there.
    pub const fn is_placed_by_inside(&self) -> bool {
        !self.is_internal() || self.inside_is_low()
    }

    /// Whether the other end answered so far.
    pub const fn answered(&self) -> bool {
        self.state & bit::ANSWERED != 0
    }

    /// `flow_id`, the same on every run.
    pub fn flow_id(&self) -> u64 {
        self.key.flow_id(self.first_ns)
    }
}
