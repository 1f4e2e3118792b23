//! Later fragments find the ports in the first one, whichever comes first.

use std::collections::{HashMap, VecDeque};

use foldhash::quality::RandomState;

use super::key::FlowKey;
use super::packet::Packet;
use crate::decode::{Fragment, Tunnel};

/// Most datagrams remembered at a time.
pub const MAX_DATAGRAMS: usize = 8192;
/// Most later fragments that wait for a first one, over all datagrams.
pub const MAX_WAITING: usize = 32_768;
/// A datagram is forgotten so long after its first seen fragment (RFC 791 suggests 15 s, RFC 8200 60 s).
const TIMEOUT_NS: u64 = 30_000_000_000;

/// How many fragments are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentLimits {
    /// Datagrams at a time.
    pub datagrams: usize,
    /// Later fragments that wait for a first one, over all datagrams.
    pub waiting: usize,
}

impl FragmentLimits {
    /// Where memory is no matter.
    pub const MOST: Self = Self {
        datagrams: MAX_DATAGRAMS,
        waiting: MAX_WAITING,
    };
}

/// A datagram: who sent it to whom, inside what, and its identification.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Datagram {
    low: u128,
    high: u128,
    protocol: u8,
    version: u8,
    tunnel: Tunnel,
    forward: bool,
    identification: u32,
}

impl Datagram {
    fn of(packet: &Packet) -> Self {
        let key: &FlowKey = &packet.key;
        // Within one flow level the lower address comes first whatever the ports are.
        Self {
            low: key.low(),
            high: key.high(),
            // A later IPv6 fragment may name an extension header instead of the protocol.
            protocol: if key.version() == 6 { 0 } else { key.protocol },
            version: key.version(),
            tunnel: key.tunnel(),
            forward: packet.forward || key.low() == key.high(),
            identification: packet.fragment_id,
        }
    }
}

#[derive(Default)]
struct State {
    first: Option<Packet>,
    waiting: Vec<Packet>,
}

/// The datagrams under way, bounded.
pub(super) struct Fragments {
    limits: FragmentLimits,
    datagrams: HashMap<Datagram, State, RandomState>,
    order: VecDeque<(u64, Datagram)>,
    waiting: usize,
    /// Datagrams forgotten for lack of room.
    pub(super) evicted: u64,
}

impl Fragments {
    pub(super) fn new(limits: FragmentLimits) -> Self {
        Self {
            limits,
            datagrams: HashMap::default(),
            order: VecDeque::new(),
            waiting: 0,
            evicted: 0,
        }
    }

    /// Takes a fragment; adds to `ready` what can be counted now, with the ports of its first fragment.
    pub(super) fn take(&mut self, packet: &Packet, ready: &mut Vec<Packet>) {
        self.expire(packet.clock_ns, ready);
        let datagram = Datagram::of(packet);
        if !self.datagrams.contains_key(&datagram) {
            while self.datagrams.len() >= self.limits.datagrams.max(1) {
                self.forget_oldest(packet.clock_ns, ready);
                self.evicted += 1;
            }
            self.order.push_back((packet.clock_ns, datagram));
        }
        let state = self.datagrams.entry(datagram).or_default();
        if packet.fragment == Fragment::First {
            state.first = Some(*packet);
            ready.push(*packet);
            // Taken, not drained: a datagram that waits for nothing more keeps no room for it.
            let waiting = std::mem::take(&mut state.waiting);
            self.waiting -= waiting.len();
            let named = waiting.into_iter();
            ready.extend(named.map(|later| with_ports_of(later, packet)));
        } else if let Some(first) = &state.first {
            ready.push(with_ports_of(*packet, first));
        } else if self.waiting < self.limits.waiting {
            self.waiting += 1;
            state.waiting.push(*packet);
        } else {
            self.evicted += 1;
            ready.push(*packet);
        }
    }

    /// Everything that still waits, without ports.
    pub(super) fn finish(&mut self, clock_ns: u64, ready: &mut Vec<Packet>) {
        self.expire(clock_ns, ready);
        while !self.order.is_empty() {
            self.forget_oldest(clock_ns, ready);
        }
    }

    /// The rules have changed: `renew` gives a packet's blocks their new numbers, or nothing where they are
    /// no longer the same. Packets of those wait no more, and their datagrams are forgotten.
    pub(super) fn rematch(
        &mut self,
        clock_ns: u64,
        renew: impl Fn(&mut Packet) -> bool,
        ready: &mut Vec<Packet>,
    ) {
        for (_, datagram) in &self.order {
            let Some(state) = self.datagrams.get_mut(datagram) else {
                continue;
            };
            state.first = state
                .first
                .and_then(|mut first| renew(&mut first).then_some(first));
            self.waiting -= state.waiting.len();
            state.waiting.retain_mut(|later| {
                let stays = renew(later);
                if !stays {
                    ready.push(Packet { clock_ns, ..*later });
                }
                stays
            });
            self.waiting += state.waiting.len();
        }
    }

    /// The oldest datagram is too old once the stream's clock is beyond this.
    #[inline]
    pub(super) fn due_ns(&self) -> u64 {
        self.order
            .front()
            .map_or(u64::MAX, |(seen_ns, _)| seen_ns.saturating_add(TIMEOUT_NS))
    }

    /// Forgets the datagrams that are too old once the stream's clock says this much.
    pub(super) fn expire(&mut self, clock_ns: u64, ready: &mut Vec<Packet>) {
        while self.due_ns() < clock_ns {
            self.forget_oldest(self.due_ns(), ready);
        }
    }

    /// Gives up waiting. The packets count as if they came only now: a flow that the sweep may have
    /// ended since must not take them.
    fn forget_oldest(&mut self, clock_ns: u64, ready: &mut Vec<Packet>) {
        let Some((_, datagram)) = self.order.pop_front() else {
            return;
        };
        if let Some(state) = self.datagrams.remove(&datagram) {
            self.waiting -= state.waiting.len();
            ready.extend(
                state
                    .waiting
                    .into_iter()
                    .map(|later| Packet { clock_ns, ..later }),
            );
        }
    }
}

fn with_ports_of(later: Packet, first: &Packet) -> Packet {
    Packet {
        key: first.key,
        hash: first.hash,
        icmp: first.icmp,
        forward: first.forward,
        payload_captured: 0,
        clock_ns: later.clock_ns.max(first.clock_ns),
        low_block: first.low_block,
        high_block: first.high_block,
        ..later
    }
}
