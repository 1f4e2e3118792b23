//! Compressed inputs, recognised by their first bytes and unpacked one layer deep.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

/// Compressed bytes asked of the file at once.
const COMPRESSED_READ_BYTES: usize = 1 << 16;
/// Most memory an xz file may ask of its decoder; `xz -9` asks for a quarter of it.
const XZ_MEMORY_BYTES: u64 = 1 << 28;
/// Largest zstd window as a power of two: 128 MiB, what `zstd --ultra -22` uses.
const ZSTD_WINDOW_LOG: u32 = 27;

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

/// The bytes inside: several gzip members, zstd frames or xz streams give one run of bytes.
pub(super) fn unpack(packing: Packing, head: Vec<u8>, rest: Bytes) -> io::Result<Bytes> {
    let whole = Cursor::new(head).chain(rest);
    if packing == Packing::None {
        return Ok(Box::new(whole));
    }
    let whole = BufReader::with_capacity(COMPRESSED_READ_BYTES, whole);
    Ok(match packing {
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
    })
}
