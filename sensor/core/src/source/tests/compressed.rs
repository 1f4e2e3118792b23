//! Packed captures give the packets of the plain ones.

use std::io::{self, Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use liblzma::write::XzEncoder;

use super::build::{MICROSECONDS, Order, Pcap};
use super::{read, read_by};
use crate::source::compressed::{DEFAULT_MAX_RATIO, Packing, unpack};
use crate::source::input::Input;

/// More than a few chunks, so that records lie across their borders.
fn capture() -> Vec<u8> {
    let mut pcap = Pcap::new(Order::Little, MICROSECONDS, 1);
    let mut state = 1_u32;
    for second in 0..4_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let bytes: Vec<u8> = (0..state >> 23)
            .map(|at| (state >> (at % 24)) as u8)
            .collect();
        pcap = pcap.packet(second, 0, 1_500, &bytes);
    }
    pcap.bytes
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("packed")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

/// The name of a format and what packs into it.
type Packer = (&'static str, fn(&[u8]) -> Vec<u8>);

const PACKERS: [Packer; 3] = [("pcap.gz", gz), ("pcap.zst", zst), ("pcap.xz", xz)];

#[test]
fn plain_packed_and_slow_give_the_same_packets() {
    let capture = capture();
    let (expected, _) = read(&capture);
    assert_eq!(expected.len(), 4_000);
    for step in [usize::MAX, 65_536, 4_099, 97] {
        assert!(read_by(&capture, step).0 == expected, "plain by {step}");
        for (format, pack) in PACKERS {
            let (packets, report) = read_by(&pack(&capture), step);
            assert!(packets == expected, "{format} by {step}");
            assert_eq!(
                (report.format.as_str(), report.warning, report.error),
                (format, None, None)
            );
        }
    }
}

#[test]
fn members_frames_and_streams_are_joined() {
    let capture = capture();
    let (expected, _) = read(&capture);
    for (format, pack) in PACKERS {
        let parts: Vec<Vec<u8>> = capture.chunks(50_000).map(pack).collect();
        let (packets, report) = read(&parts.concat());
        assert!(
            packets == expected && report.error.is_none(),
            "{format}: {report:?}"
        );
    }
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    let (packets, report) = read(&[skippable.to_vec(), zst(&capture)].concat());
    assert!(packets == expected, "{report:?}");
}

#[test]
fn packed_data_that_ends_early_is_a_warning() {
    let capture = capture();
    let (expected, _) = read(&capture);
    for (format, pack) in PACKERS {
        let packed = pack(&capture);
        for length in [packed.len() / 2, packed.len() - 1] {
            let (packets, report) = read(&packed[..length]);
            assert!(expected.starts_with(&packets), "{format}");
            assert!(!packets.is_empty(), "{format}");
            assert_eq!(report.error, None, "{format}");
            let warning = report.warning.expect(format);
            assert!(warning.contains("ends early, at byte"), "{warning}");
            assert!(
                warning.contains(&format!("{} packets kept", packets.len())),
                "{warning}"
            );
        }
    }
}

#[test]
fn packed_data_that_is_corrupt_is_an_error() {
    let capture = capture();
    let (expected, _) = read(&capture);
    for (format, pack) in PACKERS {
        let mut packed = pack(&capture);
        let middle = packed.len() / 2;
        for byte in &mut packed[middle..middle + 64] {
            *byte ^= 0xa5;
        }
        let (packets, report) = read(&packed);
        let error = report.error.expect(format);
        assert!(
            error.contains(&format!("{} packets kept", packets.len())),
            "{error}"
        );
        // What the check at the end condemns has been read by then.
        assert!(packets.len() <= expected.len(), "{format}");
    }
}

#[test]
fn one_layer_is_unpacked() {
    for (format, pack) in PACKERS {
        let twice = pack(&pack(&capture()));
        let Err(refusal) = Input::new("twice", Box::new(Cursor::new(twice)), DEFAULT_MAX_RATIO)
        else {
            panic!("{format} is read");
        };
        assert!(refusal.reason.contains("inside the"), "{refusal}");
    }
}

#[test]
fn a_small_input_does_not_unpack_without_end() {
    const ZEROS: usize = 70 << 20;
    let bomb = zst(&vec![0; ZEROS]);
    let unpacked = |max_ratio| {
        let rest = Box::new(Cursor::new(bomb.clone()));
        let bytes = unpack(Packing::Zstandard, Vec::new(), rest, max_ratio).expect("a decoder");
        let mut count = 0;
        let end = drain(bytes, &mut count);
        (count, end.err().map(|failure| failure.to_string()))
    };
    let (count, failure) = unpacked(1000);
    assert!(count < ZEROS, "{count}");
    assert!(failure.expect("a refusal").contains("--max-ratio"));
    assert_eq!(unpacked(1 << 20), (ZEROS, None));
}

fn drain(mut bytes: impl Read, count: &mut usize) -> io::Result<()> {
    let mut room = vec![0; 1 << 16];
    loop {
        match bytes.read(&mut room)? {
            0 => return Ok(()),
            read => *count += read,
        }
    }
}
