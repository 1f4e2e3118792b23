//! The identity of a flow, the same for both directions.

use std::hash::{BuildHasher, RandomState};

use bytemuck::{Pod, Zeroable};

use crate::decode::{Fragment, Level, Tunnel};

/// ICMP, ICMPv6: their flows pair a request type with its reply.
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

const TUNNEL_MASK: u8 = 0x0f;
const IPV6: u8 = 0x10;
const ONE_WAY_FROM_LOW: u8 = 0x20;
const ONE_WAY_FROM_HIGH: u8 = 0x40;

/// The 5-tuple with its lower end first, and the tunnel: a forged inner packet must not reach a flow
/// seen outside of tunnels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct FlowKey {
    low: [u64; 2],
    high: [u64; 2],
    /// Port of the lower end.
    pub low_port: u16,
    /// Port of the higher end.
    pub high_port: u16,
    /// IP protocol number.
    pub protocol: u8,
    kind: u8,
    spare: u16,
}

const fn split(address: u128) -> [u64; 2] {
    [(address >> 64) as u64, address as u64]
}

const fn join(words: [u64; 2]) -> u128 {
    (words[0] as u128) << 64 | words[1] as u128
}

impl FlowKey {
    /// The key of a level, and whether the packet goes from the lower end to the higher.
    #[inline]
    pub fn new(level: &Level) -> (Self, bool) {
        let mut kind = level.tunnel as u8 & TUNNEL_MASK;
        if level.version == 6 {
            kind |= IPV6;
        }
        let (mut from, mut to) = (level.source_port, level.destination_port);
        let mut one_way = false;
        if level.protocol == ICMP || level.protocol == ICMPV6 {
            match counterpart(level.protocol, from) {
                Some(reply) => to = reply,
                None => one_way = true,
            }
            // A later fragment has no type; it must not pass for an answer.
            one_way |= level.fragment == Fragment::Later;
        }
        let forward = (level.source, from) <= (level.destination, to);
        if one_way {
            kind |= if forward {
                ONE_WAY_FROM_LOW
            } else {
                ONE_WAY_FROM_HIGH
            };
        }
        let (mut low, mut high) = (split(level.source), split(level.destination));
        if !forward {
            (low, high, from, to) = (high, low, to, from);
        }
        (
            Self {
                low,
                high,
                low_port: from,
                high_port: to,
                protocol: level.protocol,
                kind,
                spare: 0,
            },
            forward,
        )
    }

    /// The lower address.
    pub const fn low(&self) -> u128 {
        join(self.low)
    }

    /// The higher address.
    pub const fn high(&self) -> u128 {
        join(self.high)
    }

    /// 4 or 6.
    pub const fn version(&self) -> u8 {
        if self.kind & IPV6 == 0 { 4 } else { 6 }
    }

    /// What the flow is wrapped in.
    pub fn tunnel(&self) -> Tunnel {
        let number = usize::from(self.kind & TUNNEL_MASK);
        number
            .checked_sub(1)
            .and_then(|index| Tunnel::ALL.get(index))
            .copied()
            .unwrap_or(Tunnel::None)
    }

    /// Whether the ports are an ICMP type and code.
    pub const fn is_icmp(&self) -> bool {
        self.protocol == ICMP || self.protocol == ICMPV6
    }

    /// A hash for tables: keyed, so that nobody outside can choose what collides.
    #[inline]
    pub fn hash(&self, keys: &HashKeys) -> u64 {
        let rest = u64::from(self.low_port)
            | u64::from(self.high_port) << 16
            | u64::from(self.protocol) << 32
            | u64::from(self.kind) << 40;
        let first = fold(self.low[1] ^ keys.0[0], self.high[1] ^ keys.0[1]);
        let second = fold(
            self.low[0] ^ self.high[0].rotate_left(32) ^ keys.0[2],
            rest ^ keys.0[3],
        );
        fold(first ^ keys.0[3], second ^ keys.0[0])
    }

    /// `flow_id`: unkeyed, of the tuple and the flow's first packet time. Part of the store's format.
    pub fn flow_id(&self, first_ns: i64) -> u64 {
        let rest = u64::from(self.low_port)
            | u64::from(self.high_port) << 16
            | u64::from(self.protocol) << 32
            | u64::from(self.kind) << 40;
        let words = [
            self.low[0],
            self.low[1],
            self.high[0],
            self.high[1],
            rest,
            first_ns.cast_unsigned(),
        ];
        words.iter().fold(0x243f_6a88_85a3_08d3, |state, word| {
            let mixed = fold(state ^ word, 0x9e37_79b9_7f4a_7c15);
            mixed ^ word.rotate_left(23)
        })
    }
}

/// The type that answers an ICMP type, after the Community ID specification, version 1.
const fn counterpart(protocol: u8, kind: u16) -> Option<u16> {
    Some(match (protocol, kind) {
        (ICMP, 0) => 8,
        (ICMP, 8) => 0,
        (ICMP, 9) => 10,
        (ICMP, 10) => 9,
        (ICMP, 13) => 14,
        (ICMP, 14) => 13,
        (ICMP, 15) => 16,
        (ICMP, 16) => 15,
        (ICMP, 17) => 18,
        (ICMP, 18) => 17,
        (ICMPV6, 128) => 129,
        (ICMPV6, 129) => 128,
        (ICMPV6, 130) => 131,
        (ICMPV6, 131) => 130,
        (ICMPV6, 133) => 134,
        (ICMPV6, 134) => 133,
        (ICMPV6, 135) => 136,
        (ICMPV6, 136) => 135,
        (ICMPV6, 139) => 140,
        (ICMPV6, 140) => 139,
        (ICMPV6, 144) => 145,
        (ICMPV6, 145) => 144,
        _ => return None,
    })
}

/// Secret words of the table hash, one set a process.
#[derive(Clone, Copy, Debug)]
pub struct HashKeys([u64; 4]);

impl Default for HashKeys {
    fn default() -> Self {
        let state = RandomState::new();
        Self([1u8, 2, 3, 4].map(|number| state.hash_one(number) | 1))
    }
}

/// Both halves of the product: every bit of either factor reaches every bit of the result.
#[inline]
pub(super) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}
