//! The newer format.

use super::build::{Order, Pcapng};
use super::{Packet, read, read_by};
use crate::source::{CHUNK_BYTES, MAX_INTERFACES};

const SECOND: i64 = 1_000_000_000;

fn packet(time_ns: i64, bytes: &[u8], original: u32, link: u16, interface: &str) -> Packet {
    let interface = interface.to_owned();
    Packet {
        time_ns,
        bytes: bytes.to_vec(),
        original,
        link,
        interface,
    }
}

fn times(capture: &[u8]) -> Vec<i64> {
    read(capture)
        .0
        .iter()
        .map(|packet| packet.time_ns)
        .collect()
}

#[test]
fn every_kind_of_packet_block_in_both_orders() {
    for order in [Order::Little, Order::Big] {
        let capture = Pcapng::new(order)
            .interface(1, 4, &[(2, b"eth0")])
            .interface(113, 0, &[])
            .simple(9, b"abcd")
            .enhanced(0, 7_000_000, 60, b"abcde")
            .obsolete(1, 8_000_000, 3, b"xyz")
            .block(5, b"statistics, passed over")
            .simple(3, b"abc")
            .bytes;
        let (packets, report) = read(&capture);
        let expected = [
            packet(0, b"abcd", 9, 1, "capture:eth0"),
            packet(7 * SECOND, b"abcde", 60, 1, "capture:eth0"),
            packet(8 * SECOND, b"xyz", 3, 113, "capture:1"),
            packet(8 * SECOND, b"abc", 3, 1, "capture:eth0"),
        ];
        assert_eq!(packets, expected, "{order:?}");
        assert_eq!(
            (report.format.as_str(), report.warning, report.error),
            ("pcapng", None, None)
        );
    }
}

#[test]
fn each_section_has_its_own_order_and_interfaces() {
    let capture = Pcapng::new(Order::Little)
        .interface(1, 0, &[(2, b"eth0")])
        .enhanced(0, 1, 1, b"a")
        .section(Order::Big)
        .interface(113, 0, &[(9, &[9])])
        .interface(101, 0, &[])
        .enhanced(1, 1, 1, b"b")
        .enhanced(0, 1, 1, b"c")
        .section(Order::Little)
        .enhanced(0, 1, 1, b"of an interface of another section")
        .bytes;
    let (packets, report) = read(&capture);
    let expected = [
        packet(1_000, b"a", 1, 1, "capture"),
        packet(1_000, b"b", 1, 101, "capture:1"),
        packet(1, b"c", 1, 113, "capture:0"),
    ];
    assert_eq!(packets, expected);
    assert!(
        report
            .error
            .expect("an error")
            .contains("interface 0, not described")
    );
}

#[test]
fn clocks_and_offsets() {
    let big = 5_i64.to_be_bytes();
    let capture = Pcapng::new(Order::Big)
        .interface(1, 0, &[(9, &[0x8a]), (14, &big)])
        .interface(1, 0, &[(9, &[0])])
        .enhanced(0, 1 << 9, 1, b"a")
        .enhanced(1, u64::MAX, 1, b"b")
        .bytes;
    assert_eq!(times(&capture), [5 * SECOND + SECOND / 2, i64::MAX]);
}

#[test]
fn a_block_longer_than_any_buffer_is_passed_over() {
    let capture = Pcapng::new(Order::Little)
        .interface(1, 0, &[])
        .block(0x0bad_cafe, &vec![0xff; 5 * CHUNK_BYTES])
        .enhanced(0, 1_000_000, 1, b"a")
        .bytes;
    for step in [usize::MAX, 100_003] {
        let (packets, report) = read_by(&capture, step);
        assert_eq!(packets, [packet(SECOND, b"a", 1, 1, "capture")]);
        assert_eq!((report.warning, report.error), (None, None));
    }
    let (packets, report) = read(&capture[..4 * CHUNK_BYTES]);
    assert!(packets.is_empty());
    assert!(report.warning.expect("a warning").starts_with("cut short"));
}

#[test]
fn blocks_that_make_no_sense_are_damage() {
    let good = Pcapng::new(Order::Little)
        .interface(1, 0, &[])
        .enhanced(0, 1, 1, b"a")
        .bytes;
    let wrong_end = {
        let mut bytes = Pcapng::new(Order::Little)
            .enhanced(0, 0, 0, b"")
            .bytes
            .split_off(28);
        bytes.splice(28.., [9, 9, 9, 9]);
        bytes
    };
    let enhanced = |captured: u32| {
        let mut bytes = Pcapng::new(Order::Little)
            .enhanced(0, 0, 0, b"")
            .bytes
            .split_off(28);
        bytes.splice(20..24, captured.to_le_bytes());
        bytes
    };
    let cases: [(&str, Vec<u8>); 9] = [
        ("a block of 8 bytes", [6, 0, 0, 0, 8, 0, 0, 0].to_vec()),
        ("a block of 0 bytes", [77, 0, 0, 0, 0, 0, 0, 0].to_vec()),
        ("a block of 33 bytes", [77, 0, 0, 0, 33, 0, 0, 0].to_vec()),
        (
            "a block of 16777216 bytes, more",
            [6, 0, 0, 0, 0, 0, 0, 1].to_vec(),
        ),
        ("whose end gives another length", wrong_end),
        (
            "a packet of 1 bytes in a block with room for 0",
            enhanced(1),
        ),
        ("a packet of 4294967295 bytes", enhanced(u32::MAX)),
        (
            "a packet block without a header",
            [3, 0, 0, 0, 12, 0, 0, 0, 12, 0, 0, 0].to_vec(),
        ),
        (
            "a section of byte order 00000000",
            [10, 13, 13, 10, 28, 0, 0, 0, 0, 0, 0, 0].to_vec(),
        ),
    ];
    for (expected, bad) in cases {
        let (packets, report) = read(&[good.clone(), bad].concat());
        assert_eq!(packets.len(), 1);
        let error = report.error.expect(expected);
        assert!(
            error.starts_with(&format!("damaged at byte {}: ", good.len())),
            "{error}"
        );
        assert!(
            error.contains(expected) && error.contains("1 packets kept"),
            "{error}"
        );
    }
}

#[test]
fn a_section_cannot_describe_interfaces_without_end() {
    let mut capture = Pcapng::new(Order::Little);
    for _ in 0..=MAX_INTERFACES {
        capture = capture.interface(1, 0, &[]);
    }
    let error = read(&capture.bytes).1.error.expect("an error");
    assert!(error.contains("more than 16384 interfaces"), "{error}");
}
