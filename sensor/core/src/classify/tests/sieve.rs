//! The sieve keeps no matcher from a datagram that it says or remembers anything of.

use super::datagrams::flows;
use super::*;

/// Ports that matchers ask for, and others.
const PORTS: [(u16, u16); 7] = [
    (40_000, 50_000),
    (40_000, 123),
    (40_000, 3478),
    (4500, 4500),
    (546, 547),
    (40_000, 1701),
    (53, 40_000),
];

/// Asks every matcher about one datagram, which the sieve must give the same answer and memory as all.
fn agree(bytes: &[u8], side: Side, ports: (u16, u16), state: &mut UdpState) -> Option<Verdict> {
    let datagram = Datagram {
        bytes,
        length: bytes.len(),
        side,
        source_port: ports.0,
        destination_port: ports.1,
    };
    let mut whole = *state;
    let expected = whole.takes_another().then(|| {
        UDP_MATCHERS
            .iter()
            .find_map(|(matcher, _)| matcher.ask(&datagram, &mut whole))
    });
    let verdict = udp(&datagram, state);
    assert_eq!(verdict, expected.flatten(), "{bytes:x?} {ports:?}");
    assert_eq!(*state, whole, "{bytes:x?} {ports:?}");
    verdict
}

#[test]
fn known_flows_with_every_first_octet_and_length() {
    for (_, _, ports, flow) in flows() {
        let mut known = UdpState::default();
        for (side, bytes) in &flow {
            let mut changed = bytes.clone();
            for first in 0..=u8::MAX {
                changed[0] = first;
                agree(&changed, *side, ports, &mut known.clone());
            }
            for length in 0..bytes.len().min(300) {
                agree(&bytes[..length], *side, ports, &mut known.clone());
            }
            agree(bytes, *side, ports, &mut known);
        }
    }
}

proptest! {
    #[test]
    fn noise_with_every_first_octet(
        rests in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0), Just(1), Just(0xff), any::<u8>()], 0..300), 1..6),
        ports in 0..PORTS.len(),
    ) {
        for first in 0..=u8::MAX {
            let mut state = UdpState::default();
            for (number, rest) in rests.iter().enumerate() {
                let bytes = [&[first], &rest[..]].concat();
                let side = if number % 2 == 0 { Side::Client } else { Side::Server };
                agree(&bytes, side, PORTS[ports], &mut state);
            }
        }
    }
}
