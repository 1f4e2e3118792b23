//! No bytes make reading fail: cuts anywhere, anything behind a valid start.

use proptest::prelude::*;

use super::build::{MODIFIED, NANOSECONDS, Order, Pcap, Pcapng};
use super::{read, read_by};

/// A small capture of each format, with the offsets behind each packet and each block.
fn small() -> Vec<(Vec<u8>, Vec<usize>, Vec<usize>)> {
    let mut captures = Vec::new();
    for (order, magic) in [(Order::Little, NANOSECONDS), (Order::Big, MODIFIED)] {
        let mut pcap = Pcap::new(order, magic, 1);
        let mut packets = Vec::new();
        let mut borders = vec![pcap.bytes.len()];
        for length in [0, 5, 40] {
            pcap = pcap.packet(1, 2, 60, &vec![1; length]);
            packets.push(pcap.bytes.len());
        }
        borders.extend(&packets);
        captures.push((pcap.bytes, packets, borders));
    }
    for order in [Order::Little, Order::Big] {
        let (mut packets, mut borders) = (Vec::new(), Vec::new());
        let mut border = |capture: Pcapng, is_packet: bool| {
            borders.push(capture.bytes.len());
            if is_packet {
                packets.push(capture.bytes.len());
            }
            capture
        };
        let capture = border(Pcapng::new(order), false);
        let capture = border(capture.interface(1, 0, &[(2, b"eth0"), (9, &[6])]), false);
        let capture = border(capture.enhanced(0, 1, 60, b"abcde"), true);
        let capture = border(capture.block(4, b"names"), false);
        let capture = border(capture.simple(60, b"abc"), true);
        let capture = border(capture.section(order), false);
        let capture = border(capture.interface(1, 0, &[]), false);
        let capture = border(capture.obsolete(0, 1, 60, b"abcdef"), true);
        captures.push((capture.bytes, packets, borders));
    }
    captures
}

#[test]
fn a_cut_anywhere_keeps_all_whole_packets_and_is_told() {
    for (capture, ends, borders) in small() {
        // Of fewer than four bytes nobody can say that they are a capture.
        for length in 4..=capture.len() {
            for step in [usize::MAX, 1] {
                let (packets, report) = read_by(&capture[..length], step);
                let whole = ends.iter().filter(|end| **end <= length).count();
                assert_eq!(packets.len(), whole, "cut at {length}");
                assert_eq!(report.error, None, "cut at {length}");
                assert_eq!(
                    report.warning.is_none(),
                    borders.contains(&length),
                    "cut at {length}"
                );
                if let Some(warning) = report.warning {
                    assert!(warning.starts_with(&format!("cut short at byte {length}: ")));
                    assert!(warning.contains(&format!("{whole} packets kept")));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn anything_behind_a_valid_start_is_survived(
        start in 0..4_usize,
        noise in prop::collection::vec(prop_oneof![Just(0_u8), 0..40_u8, any::<u8>()], 0..2_000),
        step in 1..500_usize,
    ) {
        let (capture, ..) = small().swap_remove(start);
        let from = if start < 2 { 24 } else { 60 };
        for keep in [4, from, capture.len()] {
            let bytes = [&capture[..keep], &noise].concat();
            let fast = read(&bytes);
            let slow = read_by(&bytes, step);
            prop_assert_eq!(&fast.0, &slow.0);
            prop_assert_eq!(fast.1.warning, slow.1.warning);
            prop_assert_eq!(fast.1.error, slow.1.error);
        }
    }

    #[test]
    fn a_changed_byte_is_survived(start in 0..4_usize, at in 4..100_usize, byte in any::<u8>()) {
        let (mut capture, ..) = small().swap_remove(start);
        let at = at.min(capture.len() - 1);
        capture[at] = byte;
        let fast = read(&capture);
        let slow = read_by(&capture, 3);
        prop_assert_eq!(fast.0, slow.0);
    }
}
