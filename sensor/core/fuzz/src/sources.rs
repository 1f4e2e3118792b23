//! Captures as files: pcap, pcapng, compressed, several at once.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use blocktap_core::source::{Chunk, Origin, Source, walk_block};

use super::pieces::Pieces;

/// One file of any format.
pub fn file(bytes: &[u8]) {
    read(&[bytes]);
}

/// A capture inside a compression that is whole or cut off.
pub fn packed(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let kind = pieces.u8();
    let missing = usize::from(pieces.u8());
    let mut packed = pack(kind, pieces.rest());
    packed.truncate(packed.len().saturating_sub(missing));
    read(&[&packed]);
}

/// Up to four files, merged by time.
pub fn merged(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let [a, b, c] = [(); 3].map(|()| pieces.piece());
    let files = [a, b, c, pieces.rest()];
    let files: Vec<&[u8]> = files.into_iter().filter(|file| !file.is_empty()).collect();
    read(&files);
}

/// A block of a capture ring, of packets with any link type and any length kept.
pub fn ring_block(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let origin = Origin {
        link: u16::from(pieces.u8()),
        interface: 0,
        snap_bytes: u32::from(pieces.u16()),
        longest_frame_bytes: 1522,
    };
    let mut block = pieces.rest().to_vec();
    let mut records = Vec::new();
    let walked = walk_block(&mut block, origin, &mut records);
    assert_eq!(walked.packets, records.len() as u64);
    assert!(walked.frames_merged.max(walked.adapter_times) <= walked.packets);
    for record in &records {
        assert!(record.captured <= record.original.min(origin.snap_bytes));
        assert!(record.offset as usize + record.captured as usize <= block.len());
    }
}

/// A file that lies in memory while it is used.
pub struct MemoryFile(PathBuf);

impl MemoryFile {
    /// A file with these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("blocktap-fuzz-{}-{number}", std::process::id()));
        std::fs::write(&path, bytes).expect("a temporary file");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> String {
        self.0.to_str().expect("a path of UTF-8").to_owned()
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        // One that stays does no harm.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn read(files: &[&[u8]]) {
    let files: Vec<MemoryFile> = files.iter().map(|bytes| MemoryFile::new(bytes)).collect();
    let paths: Vec<String> = files.iter().map(MemoryFile::path).collect();
    if paths.is_empty() {
        return;
    }
    let Ok(mut source) = Source::open(&paths) else {
        return;
    };
    let mut chunk = Chunk::default();
    while source.fill(&mut chunk) {
        for record in &chunk.records {
            assert!(record.captured <= record.original);
            assert_eq!(chunk.packet(record).len(), record.captured as usize);
            assert!(usize::from(record.interface) < source.interfaces().len());
        }
    }
    assert!(!source.fill(&mut chunk), "the end is the end");
    assert_eq!(source.reports().len(), paths.len());
}

/// gzip, zstd or xz, at their fastest.
fn pack(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let packed = match kind % 3 {
        0 => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(bytes).and_then(|()| gzip.finish())
        }
        1 => zstd::stream::encode_all(bytes, 1),
        _ => {
            let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 0);
            xz.write_all(bytes).and_then(|()| xz.finish())
        }
    };
    packed.expect("memory does not fail")
}
