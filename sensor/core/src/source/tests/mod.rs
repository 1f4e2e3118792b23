//! Captures made by hand and by chance, and real ones.

mod build;
mod compressed;
mod damage;
mod merge;
mod open;
mod pcap;
mod pcapng;
mod real;

use std::io::{self, Cursor, Read};

use super::compressed::DEFAULT_MAX_RATIO;
use super::input::Input;
use super::interfaces::Interfaces;
use super::{CHUNK_BYTES, Chunk, InputReport, Source};

/// A packet with everything its record says, free of the chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Packet {
    time_ns: i64,
    bytes: Vec<u8>,
    original: u32,
    link: u16,
    interface: String,
}

/// Adds the chunk's packets to `packets`.
fn collect(chunk: &Chunk, interfaces: &[String], packets: &mut Vec<Packet>) {
    packets.extend(chunk.records.iter().map(|record| Packet {
        time_ns: record.time_ns,
        bytes: chunk.packet(record).to_vec(),
        original: record.original,
        link: record.link,
        interface: interfaces[usize::from(record.interface)].clone(),
    }));
}

/// Gives a few bytes a read, as a slow pipe does.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    step: usize,
}

impl Read for Trickle {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let step = self.step.min(room.len());
        self.bytes.read(&mut room[..step])
    }
}

/// Reads a whole capture out of memory, `step` bytes at a time.
fn read_by(bytes: &[u8], step: usize) -> (Vec<Packet>, InputReport) {
    let trickle = Trickle {
        bytes: Cursor::new(bytes.to_vec()),
        step,
    };
    let mut input = Input::new("capture", Box::new(trickle), DEFAULT_MAX_RATIO).expect("a capture");
    let mut interfaces = Interfaces::default();
    let (mut chunk, mut packets) = (Chunk::default(), Vec::new());
    while input.fill(&mut chunk, &mut interfaces, CHUNK_BYTES) {
        collect(&chunk, interfaces.names(), &mut packets);
    }
    assert!(
        !input.fill(&mut chunk, &mut interfaces, CHUNK_BYTES),
        "the end is final"
    );
    assert_eq!(input.report().packets, packets.len() as u64);
    (packets, input.report().clone())
}

/// The same with reads as large as asked for.
fn read(bytes: &[u8]) -> (Vec<Packet>, InputReport) {
    read_by(bytes, usize::MAX)
}

/// Reads files to their end.
fn replay(paths: &[String]) -> (Vec<Packet>, Source) {
    let mut source = Source::open(paths).expect("captures");
    let (mut chunk, mut packets) = (Chunk::default(), Vec::new());
    while source.fill(&mut chunk) {
        collect(&chunk, source.interfaces(), &mut packets);
    }
    (packets, source)
}

/// A folder of its own for a test, removed at its end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("blocktap-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path.to_str().expect("a path of UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing depends on it; the next run of the machine's clean-up takes what is left.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
