//! The classic format.

use super::build::{MICROSECONDS, MODIFIED, NANOSECONDS, Order, Pcap};
use super::{Packet, read};
use crate::source::MAX_PACKET_BYTES;

#[test]
fn both_orders_and_every_layout() {
    let layouts = [(MICROSECONDS, 5_000), (NANOSECONDS, 5), (MODIFIED, 5_000)];
    for order in [Order::Little, Order::Big] {
        for (magic, fraction_ns) in layouts {
            let capture = Pcap::new(order, magic, 113)
                .packet(1_500_000_000, 5, 60, b"abc")
                .packet(u32::MAX, 5, 0, b"")
                .bytes;
            let (packets, report) = read(&capture);
            let packet = |seconds: i64, bytes: &[u8], original| Packet {
                time_ns: seconds * 1_000_000_000 + fraction_ns,
                bytes: bytes.to_vec(),
                original,
                link: 113,
                interface: "capture".to_owned(),
            };
            let expected = [
                packet(1_500_000_000, b"abc", 60),
                packet(4_294_967_295, b"", 0),
            ];
            assert_eq!(packets, expected, "{order:?} {magic:x}");
            assert_eq!(
                (report.format.as_str(), report.warning, report.error),
                ("pcap", None, None)
            );
        }
    }
}

#[test]
fn upper_half_of_the_link_field_is_no_link_type() {
    let capture = Pcap::new(Order::Big, MICROSECONDS, 0x2400_0001)
        .packet(0, 0, 0, b"a")
        .bytes;
    assert_eq!(read(&capture).0[0].link, 1);
}

#[test]
fn other_versions_are_read() {
    let mut capture = Pcap::new(Order::Little, MICROSECONDS, 1)
        .packet(1, 0, 1, b"a")
        .bytes;
    capture[4..8].copy_from_slice(&[1, 0, 5, 0]);
    assert_eq!(read(&capture).0.len(), 1);
}

#[test]
fn a_packet_is_at_least_as_long_as_its_captured_bytes() {
    let capture = Pcap::new(Order::Little, MICROSECONDS, 1)
        .packet(1, 0, 2, b"abcd")
        .bytes;
    assert_eq!(read(&capture).0[0].original, 4);
}

#[test]
fn the_longest_packet_is_read_and_a_longer_one_is_damage() {
    let longest = vec![7; MAX_PACKET_BYTES];
    let pcap = Pcap::new(Order::Little, MICROSECONDS, 1).packet(1, 0, 0, &longest);
    let pcap = pcap.packet(2, 0, 0, &longest);
    let damaged_at = pcap.bytes.len();
    let (packets, report) = read(&pcap.packet(3, 0, 0, &[&longest[..], &[7]].concat()).bytes);
    assert_eq!(packets.len(), 2);
    assert_eq!(packets[1].bytes, longest);
    assert_eq!(report.warning, None);
    let error = report.error.expect("an error");
    assert!(error.starts_with(&format!(
        "damaged at byte {damaged_at}: a packet of 262145 bytes"
    )));
    assert!(error.contains("2 packets kept"), "{error}");
}

#[test]
fn a_header_alone_is_an_empty_capture() {
    let (packets, report) = read(&Pcap::new(Order::Little, MICROSECONDS, 1).bytes);
    assert!(packets.is_empty());
    assert_eq!((report.warning, report.error), (None, None));
}
