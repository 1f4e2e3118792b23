//! Random and mutated frames: no panic, offsets inside the frame, both paths agree.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Levels, Tunnels, decode, walk};
use super::frames::*;

/// Link types that are read.
const LINKS: [u16; 30] = [
    0, 1, 7, 8, 9, 10, 11, 12, 50, 51, 101, 104, 105, 107, 108, 109, 113, 117, 119, 122, 123, 127,
    129, 163, 166, 192, 239, 242, 274, 276,
];

fn check(link: u16, frame: &[u8], original: u32) -> Result<(), TestCaseError> {
    let mut levels = Levels::default();
    let outcome = decode(link, frame, original, Tunnels::default(), &mut levels);
    prop_assert_eq!(outcome.is_ok(), !levels.as_slice().is_empty());
    for level in levels.as_slice() {
        prop_assert!(level.header <= level.payload);
        prop_assert!(level.payload as usize <= frame.len());
        prop_assert!(level.payload_in(frame).len() <= level.payload_bytes as usize);
        prop_assert!(level.version == 4 || level.version == 6);
    }
    // The general path alone gives the same, error included.
    let mut general = Levels::default();
    let expected = walk::walk(link, frame, original, Tunnels::default(), &mut general);
    prop_assert_eq!(outcome, expected);
    prop_assert_eq!(levels.as_slice(), general.as_slice());
    Ok(())
}

/// Frames of the kind that the fast path reads, with bytes of any value in the transport header.
fn common_frame() -> impl Strategy<Value = Vec<u8>> {
    let ports = prop_oneof![Just(4789_u16), Just(53), Just(2152), any::<u16>()];
    (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        ports,
        vec(any::<u8>(), 0..80),
    )
        .prop_map(|(tagged, six, is_udp, port, bytes)| {
            let segment = if is_udp {
                udp(port, 443, &bytes)
            } else {
                tcp(&bytes)
            };
            let protocol = if is_udp { UDP } else { TCP };
            let packet = if six {
                ip6(protocol, &segment)
            } else {
                ip4(protocol, &segment)
            };
            let kind = if six { TYPE_IPV6 } else { TYPE_IPV4 };
            if tagged {
                ethernet(0x8100, &join(&[&[0, 5], &kind.to_be_bytes(), &packet]))
            } else {
                ethernet(kind, &packet)
            }
        })
}

/// Overwrites some bytes, cuts the end.
fn mutate(frame: &mut Vec<u8>, changes: &[(usize, u8)], keep: usize) {
    for &(at, value) in changes {
        let length = frame.len().max(1);
        if let Some(byte) = frame.get_mut(at % length) {
            *byte = value;
        }
    }
    frame.truncate(keep);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn random_bytes(link in proptest::sample::select(&LINKS[..]), frame in vec(any::<u8>(), 0..200)) {
        check(link, &frame, frame.len() as u32)?;
    }

    #[test]
    fn common_frames_by_both_paths(
        frame in common_frame(),
        changes in vec((any::<usize>(), any::<u8>()), 0..3),
        near in vec((12..64_usize, any::<u8>()), 0..3),
        keep in prop_oneof![Just(usize::MAX), 0..120_usize],
        beyond in prop_oneof![Just(0_u32), 0..3000_u32],
    ) {
        let mut frame = frame;
        mutate(&mut frame, &changes, usize::MAX);
        mutate(&mut frame, &near, keep);
        check(1, &frame, frame.len() as u32 + beyond)?;
    }

    #[test]
    fn mutated_cases(
        pick in any::<prop::sample::Index>(),
        changes in vec((any::<usize>(), any::<u8>()), 0..5),
        keep in prop_oneof![Just(usize::MAX), 0..160_usize],
    ) {
        let cases = super::cases();
        let case = pick.get(&cases);
        let mut frame = case.frame.clone();
        let original = frame.len() as u32;
        mutate(&mut frame, &changes, keep);
        check(case.link, &frame, original)?;
    }
}
