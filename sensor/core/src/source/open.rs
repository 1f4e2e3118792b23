//! All inputs together: the stream they make, what became of them, how far reading has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::compressed::DEFAULT_MAX_RATIO;
use super::input::Input;
use super::interfaces::Interfaces;
use super::merge::Merge;
use super::path::{STANDARD_INPUT, open_path, refusal};
use super::pipe::Interrupt;
use super::{CHUNK_BYTES, Chunk, InputReport, SourceError};

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
    interrupt: Interrupt,
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
        Self::open_within(paths, DEFAULT_MAX_RATIO)
    }

    /// Like `open`, for inputs that may unpack to `max_ratio` times their size.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn open_within(paths: &[String], max_ratio: u64) -> Result<Self, SourceError> {
        if paths.iter().filter(|path| *path == STANDARD_INPUT).count() > 1 {
            return Err(refusal(
                STANDARD_INPUT,
                "standard input can be read once only",
            ));
        }
        let mut interfaces = Interfaces::default();
        let bytes_read = Arc::new(AtomicU64::new(0));
        let interrupt = Interrupt::default();
        let mut bytes_total = Some(0);
        let inputs = if let [path] = paths {
            let opened = open_path(path, &bytes_read, &interrupt, max_ratio)?;
            bytes_total = opened.file_bytes;
            Inputs::One(Box::new(opened.input))
        } else {
            let mut merge = Merge::new(max_ratio);
            for path in paths {
                let opened = open_path(path, &bytes_read, &interrupt, max_ratio)?;
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
            interrupt,
        })
    }

    /// Ends the waiting for bytes of pipes, from any thread.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
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
