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

/// Bits of a [`UdpState::hint`].
pub const HINT_BITS: u32 = HINT_KEY_BITS + u16::BITS + 3;
/// Of a key as a hint has it.
const HINT_KEY_BITS: u32 = 10;
/// In place of a key of which only [`hint_key`] is known; keys of RTP are shorter.
const IS_HINT_KEY: u64 = 1 << 63;

/// Few bits of a key of RTP.
fn hint_key(key: u64) -> u64 {
    if key & IS_HINT_KEY == 0 {
        key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - HINT_KEY_BITS)
    } else {
        key & !IS_HINT_KEY
    }
}

impl Track {
    /// Whether a packet of RTP with this key may be of the same source as the one before.
    pub(super) fn may_be_of(&self, key: u64) -> bool {
        self.key == key || self.key == IS_HINT_KEY | hint_key(key)
    }
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

    /// The state in [`HINT_BITS`] bits, where all it knows is one datagram that may be of RTP: every ninth
    /// datagram of noise looks like one, and is not worth memory of its own.
    ///
    /// They are the datagrams looked at, the side, the sequence number and a few bits of the source.
    pub(super) fn hint(&self) -> Option<u32> {
        let (side, track) = match &self.tracks {
            [own, other] if (own.hits, other.hits) == (1, 0) => (0, own),
            [other, own] if (own.hits, other.hits) == (1, 0) => (1, own),
            _ => return None,
        };
        if self.candidate != Candidate::Rtp || self.datagrams >= HOPEFUL_DATAGRAMS {
            return None;
        }
        let key = hint_key(track.key) as u32;
        let start = u32::from(self.datagrams) << 1 | side;
        Some(start << (HINT_KEY_BITS + u16::BITS) | key << u16::BITS | track.counter)
    }

    /// The state that gave this hint.
    pub(super) fn of_hint(hint: u32) -> Self {
        let start = hint >> (HINT_KEY_BITS + u16::BITS);
        let key = hint >> u16::BITS & ((1 << HINT_KEY_BITS) - 1);
        let track = Track {
            key: IS_HINT_KEY | u64::from(key),
            counter: hint & u32::from(u16::MAX),
            hits: 1,
        };
        let (none, side) = (Track::default(), start & 1);
        Self {
            datagrams: (start >> 1) as u8,
            candidate: Candidate::Rtp,
            tracks: if side == 0 {
                [track, none]
            } else {
                [none, track]
            },
        }
    }

    /// Datagrams looked at.
    pub(super) fn datagrams(&self) -> u8 {
        self.datagrams
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of_rtp(datagrams: u8, side: Side, key: u64, counter: u16) -> UdpState {
        let mut state = UdpState::default();
        for _ in 0..datagrams {
            state.takes_another();
        }
        let (own, _) = state.tracks(Candidate::Rtp, side);
        (own.key, own.counter, own.hits) = (key, counter.into(), 1);
        state
    }

    #[test]
    fn one_datagram_of_rtp_is_a_hint() {
        for (datagrams, side, key, counter) in [
            (1, Side::Client, 0, 0),
            (3, Side::Server, 0xff_ffff_ffff, u16::MAX),
            (2, Side::Client, 0x12_3456_7860, 5),
        ] {
            let hint = of_rtp(datagrams, side, key, counter).hint().unwrap();
            assert_eq!(hint >> HINT_BITS, 0);
            let mut state = UdpState::of_hint(hint);
            assert_eq!(state.hint(), Some(hint));
            assert_eq!(state.datagrams(), datagrams);
            let (own, other) = state.tracks(Candidate::Rtp, side);
            assert!(own.may_be_of(key) && own.counter == u32::from(counter) && own.hits == 1);
            assert_eq!(*other, Track::default());
        }
    }

    #[test]
    fn more_than_one_datagram_of_rtp_is_not() {
        assert!(UdpState::default().hint().is_none());
        assert!(of_rtp(4, Side::Client, 1, 1).hint().is_none());
        let mut state = of_rtp(2, Side::Client, 1, 1);
        state.tracks(Candidate::Rtp, Side::Server).0.hits = 1;
        assert!(state.hint().is_none());
        let mut state = of_rtp(2, Side::Client, 1, 1);
        state.tracks(Candidate::Rtp, Side::Client).0.hits = 2;
        assert!(state.hint().is_none());
        let mut state = of_rtp(1, Side::Client, 1, 1);
        state.tracks(Candidate::Utp, Side::Client).0.hits = 1;
        assert!(state.hint().is_none());
    }

    #[test]
    fn sources_are_told_apart() {
        let hint = of_rtp(1, Side::Client, 0x1234_5678_60, 1).hint().unwrap();
        let mut state = UdpState::of_hint(hint);
        let (own, _) = state.tracks(Candidate::Rtp, Side::Client);
        let taken = (0..100_000).filter(|&key| own.may_be_of(key)).count();
        assert!((50..200).contains(&taken), "{taken}");
    }
}
