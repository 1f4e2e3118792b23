//! Captures generated for a test.

use crate::counters::INTERVAL_NS;
use crate::pipeline::tests::udp_frame;
use crate::source::Source;

/// A capture on disk, removed at the end of its test.
pub(super) struct Capture(std::path::PathBuf);

impl Drop for Capture {
    fn drop(&mut self) {
        // What is left is a file in a folder for such.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Capture {
    /// Frames at these milliseconds since 1970, in nanosecond pcap.
    pub(super) fn new(name: &str, frames: impl Iterator<Item = (u64, Vec<u8>)>) -> Self {
        let mut bytes = Vec::new();
        for field in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65_535, 1] {
            bytes.extend(field.to_le_bytes());
        }
        for (milliseconds, frame) in frames {
            let fraction = milliseconds % 1000 * 1_000_000;
            let length = frame.len() as u64;
            for field in [milliseconds / 1000, fraction, length, length] {
                bytes.extend((field as u32).to_le_bytes());
            }
            bytes.extend(frame);
        }
        let path = std::env::temp_dir().join(format!("blocktap-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).expect("room on the disk");
        Self(path)
    }

    pub(super) fn open(&self) -> Source {
        let path = self.0.to_str().expect("a path of UTF-8").to_owned();
        Source::open(&[path]).expect("a capture")
    }
}

/// Packets between some watched and many other hosts, there and back: several chunks of them.
pub(super) fn conversations(packets: u32) -> impl Iterator<Item = (u64, Vec<u8>)> {
    (0..packets).map(|number| {
        let mixed = number.wrapping_mul(2_654_435_761) >> 8;
        let inside = (0x0a00_0000 + mixed % 200, 1000 + (mixed % 7) as u16);
        let outside = (0x0808_0800 + mixed / 200 % 30, 53);
        let payload = vec![0; (mixed % 600) as usize];
        let frame = if number % 3 == 0 {
            udp_frame(outside, inside, &payload)
        } else {
            udp_frame(inside, outside, &payload)
        };
        // Long enough for flows to go idle and for the watched block to change.
        (u64::from(number) * 20, frame)
    })
}

/// A packet every few minutes of packet time: accounting rows are handed on all along.
pub(super) fn years() -> impl Iterator<Item = (u64, Vec<u8>)> {
    let minutes = INTERVAL_NS.unsigned_abs() / 1_000_000;
    conversations(30_000)
        .zip(0..)
        .map(move |((_, frame), number)| (number * 2 * minutes, frame))
}
