//! What is kept of a UDP flow's datagrams while it has no verdict.

use super::Side;

/// The protocol that the datagrams so far may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Candidate {
    #[default]
    Nothing,
    Wireguard,
    Openvpn,
    Esp,
    Utp,
    Rtp,
    Ntp,
    Stun,
    Telegram,
}

/// Datagrams after which a flow that fits nothing is given up.
const HOPEFUL_DATAGRAMS: u8 = 4;

/// What one side sent for the candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Track {
    /// Identifier that must stay the same.
    pub(super) key: u64,
    /// Number that must go up.
    pub(super) counter: u32,
    /// Consistent datagrams so far.
    pub(super) hits: u8,
}

/// Small state of a flow without a verdict: one candidate, one track for each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpState {
    datagrams: u8,
    candidate: Candidate,
    tracks: [Track; 2],
}

impl UdpState {
    /// Datagrams looked at; a flow that none of them named stays without an application.
    pub const MAX_DATAGRAMS: u8 = 32;

    /// Whether the datagrams so far speak against every candidate: less than half of them fit the present one.
    pub(super) fn is_hopeless(&self) -> bool {
        let [client, server] = &self.tracks;
        self.datagrams >= HOPEFUL_DATAGRAMS && (client.hits + server.hits) * 2 < self.datagrams
    }

    /// Whether no protocol is a candidate.
    pub(super) fn is_blank(&self) -> bool {
        self.candidate == Candidate::Nothing
    }

    /// Counts a datagram; false once enough were looked at.
    pub(super) fn takes_another(&mut self) -> bool {
        if self.datagrams == Self::MAX_DATAGRAMS {
            return false;
        }
        self.datagrams += 1;
        true
    }

    /// The tracks of this side and of the other for a candidate; those of any other are forgotten.
    pub(super) fn tracks(&mut self, candidate: Candidate, side: Side) -> (&mut Track, &mut Track) {
        if self.candidate != candidate {
            self.candidate = candidate;
            self.tracks = [Track::default(); 2];
        }
        let [client, server] = &mut self.tracks;
        match side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        }
    }

    /// Whether this is the candidate that the datagrams so far point to.
    pub(super) fn holds(&self, candidate: Candidate) -> bool {
        self.candidate == candidate
    }
}
