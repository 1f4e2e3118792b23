//! Inputs opened, and the stream they make together.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::compressed::Bytes;
use super::input::Input;
use super::interfaces::Interfaces;
use super::merge::Merge;
use super::{CHUNK_BYTES, Chunk, InputReport, SourceError};

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// How far reading has come, in bytes of the files as they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read so far.
    pub bytes_read: u64,
    /// Size of all inputs; unknown if one is a pipe.
    pub bytes_total: Option<u64>,
}

/// One or more captures as a stream of chunks.
pub struct Source {
    inputs: Inputs,
    interfaces: Interfaces,
    bytes_read: Arc<AtomicU64>,
    bytes_total: Option<u64>,
}

enum Inputs {
    /// Packets are borrowed from the bytes as read.
    One(Box<Input>),
    /// Packets are copied into the order of time.
    Many(Merge),
}

impl Source {
    /// Opens every input (`-` is standard input) and recognises its format.
    ///
    /// # Errors
    /// The first input that is missing, a directory, unreadable, empty or no capture.
    pub fn open(paths: &[String]) -> Result<Self, SourceError> {
        if paths.iter().filter(|path| *path == STANDARD_INPUT).count() > 1 {
            return Err(refusal(
                STANDARD_INPUT,
                "standard input can be read once only",
            ));
        }
        let mut interfaces = Interfaces::default();
        let bytes_read = Arc::new(AtomicU64::new(0));
        let mut bytes_total = Some(0);
        let inputs = if let [path] = paths {
            let opened = open_path(path, &bytes_read)?;
            bytes_total = opened.file_bytes;
            Inputs::One(Box::new(opened.input))
        } else {
            let mut merge = Merge::default();
            for path in paths {
                let opened = open_path(path, &bytes_read)?;
                bytes_total = bytes_total
                    .zip(opened.file_bytes)
                    .map(|(sum, size)| sum + size);
                merge.add(opened.input, opened.file_bytes.is_some(), &mut interfaces);
            }
            // Files are read again from their start in their turn.
            bytes_read.store(0, Ordering::Relaxed);
            Inputs::Many(merge)
        };
        Ok(Self {
            inputs,
            interfaces,
            bytes_read,
            bytes_total,
        })
    }

    /// Replaces the chunk's contents with the next packets, about `CHUNK_BYTES` of them; false at
    /// the end of all inputs. What goes wrong is told by `reports`.
    pub fn fill(&mut self, chunk: &mut Chunk) -> bool {
        match &mut self.inputs {
            Inputs::One(input) => input.fill(chunk, &mut self.interfaces, CHUNK_BYTES),
            Inputs::Many(merge) => merge.fill(chunk, &mut self.interfaces, &self.bytes_read),
        }
    }

    /// What was read of each input so far, in the order given.
    pub fn reports(&self) -> Vec<InputReport> {
        match &self.inputs {
            Inputs::One(input) => vec![input.report().clone()],
            Inputs::Many(merge) => merge.reports(),
        }
    }

    /// Names for `Record::interface`; more may come with later packets, none changes.
    pub fn interfaces(&self) -> &[String] {
        self.interfaces.names()
    }

    /// How far reading has come.
    pub fn progress(&self) -> Progress {
        Progress {
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            bytes_total: self.bytes_total,
        }
    }
}

/// An input just opened.
pub(super) struct Opened {
    pub(super) input: Input,
    /// Its size if it is a file, which can be opened again.
    pub(super) file_bytes: Option<u64>,
}

/// Opens one input and adds what is read of it to `bytes_read`.
pub(super) fn open_path(path: &str, bytes_read: &Arc<AtomicU64>) -> Result<Opened, SourceError> {
    let (bytes, file_bytes): (Bytes, _) = if path == STANDARD_INPUT {
        (Box::new(io::stdin()), None)
    } else {
        let cannot_open = |failure: io::Error| refusal(path, &failure_text(&failure));
        let file = File::open(path).map_err(cannot_open)?;
        let kind = file.metadata().map_err(cannot_open)?;
        if kind.is_dir() {
            return Err(refusal(path, "is a directory; name the captures in it"));
        }
        let size = kind.is_file().then_some(kind.len());
        (Box::new(file), size)
    };
    let counted = Counted {
        bytes,
        bytes_read: Arc::clone(bytes_read),
    };
    Ok(Opened {
        input: Input::new(path, Box::new(counted))?,
        file_bytes,
    })
}

fn failure_text(failure: &io::Error) -> String {
    match failure.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission to read it is denied".to_owned(),
        _ => format!("cannot be opened: {failure}"),
    }
}

fn refusal(path: &str, reason: &str) -> SourceError {
    SourceError {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Counts what is read.
struct Counted {
    bytes: Bytes,
    bytes_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(room)?;
        self.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
