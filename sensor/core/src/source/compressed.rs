//! Compressed inputs, recognised by their first bytes and unpacked one layer deep.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

/// Compressed bytes asked of the file at once.
const COMPRESSED_READ_BYTES: usize = 1 << 16;
/// Most memory an xz file may ask of its decoder; `xz -9` asks for a quarter of it.
const XZ_MEMORY_BYTES: u64 = 1 << 28;
/// Largest zstd window as a power of two: 128 MiB, what `zstd --ultra -22` uses.
const ZSTD_WINDOW_LOG: u32 = 27;

/// How many times its size an input may unpack to, where nothing else is said. Deflate reaches 1,032 with zeros alone;
/// captures of real traffic stay far below 100.
pub const DEFAULT_MAX_RATIO: u64 = 1000;
/// What any input may unpack to: nobody is harmed by so little.
const ALWAYS_UNPACKED_BYTES: u64 = 1 << 26;

/// Bytes from which to tell a compression, and that any real file has.
pub(super) const HEAD_BYTES: usize = 8;

/// An input's bytes, wherever they come from.
pub(super) type Bytes = Box<dyn Read + Send>;

/// What an input is wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Zstandard,
    Xz,
}

impl Packing {
    /// Tells by the first bytes.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            // A frame, or a skippable frame before the first one.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstandard,
            [0xfd, b'7', b'z', b'X', b'Z', 0x00, ..] => Self::Xz,
            _ => Self::None,
        }
    }

    /// What is put behind the name of the format.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstandard => ".zst",
            Self::Xz => ".xz",
        }
    }
}

/// The bytes inside: several gzip members, zstd frames or xz streams give one run of bytes, which fails once it is
/// more than `max_ratio` times what was read for it.
pub(super) fn unpack(
    packing: Packing,
    head: Vec<u8>,
    rest: Bytes,
    max_ratio: u64,
) -> io::Result<Bytes> {
    let whole = Cursor::new(head).chain(rest);
    if packing == Packing::None {
        return Ok(Box::new(whole));
    }
    let packed_bytes = Arc::new(AtomicU64::new(0));
    let counted = Counted::new(Box::new(whole), &packed_bytes);
    let whole = BufReader::with_capacity(COMPRESSED_READ_BYTES, counted);
    let unpacked: Bytes = match packing {
        Packing::None | Packing::Gzip => Box::new(MultiGzDecoder::new(whole)),
        Packing::Zstandard => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(whole)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        Packing::Xz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY_BYTES, CONCATENATED)?;
            Box::new(XzDecoder::new_stream(whole, stream))
        }
    };
    Ok(Box::new(Rationed {
        unpacked,
        unpacked_bytes: 0,
        packed_bytes,
        max_ratio,
    }))
}

/// Counts what is read.
pub(super) struct Counted {
    bytes: Bytes,
    count: Arc<AtomicU64>,
}

impl Counted {
    pub(super) fn new(bytes: Bytes, count: &Arc<AtomicU64>) -> Self {
        Self {
            bytes,
            count: Arc::clone(count),
        }
    }
}

impl Read for Counted {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(room)?;
        self.count.fetch_add(count as u64, Relaxed);
        Ok(count)
    }
}

/// Stops a small input that unpacks without end.
struct Rationed {
    unpacked: Bytes,
    unpacked_bytes: u64,
    packed_bytes: Arc<AtomicU64>,
    max_ratio: u64,
}

impl Read for Rationed {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let most = self
            .packed_bytes
            .load(Relaxed)
            .saturating_mul(self.max_ratio);
        if self.unpacked_bytes > most.max(ALWAYS_UNPACKED_BYTES) {
            return Err(io::Error::other(format!(
                "unpacks to more than {} times its size; --max-ratio allows more, if you trust it",
                self.max_ratio
            )));
        }
        let count = self.unpacked.read(room)?;
        self.unpacked_bytes += count as u64;
        Ok(count)
    }
}
