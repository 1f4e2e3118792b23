//! A path made into an open input.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::SourceError;
use super::compressed::{Bytes, Counted};
use super::input::Input;
use super::pipe::{Interrupt, Pipe};

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// An input just opened.
pub(super) struct Opened {
    pub(super) input: Input,
    /// Its size if it is a file, which can be opened again.
    pub(super) file_bytes: Option<u64>,
}

/// Opens one input and adds what is read of it to `bytes_read`; it may unpack to `max_ratio` times its size.
pub(super) fn open_path(
    path: &str,
    bytes_read: &Arc<AtomicU64>,
    interrupt: &Interrupt,
    max_ratio: u64,
) -> Result<Opened, SourceError> {
    let (bytes, file_bytes): (Bytes, _) = if path == STANDARD_INPUT {
        (Box::new(Pipe::new(io::stdin(), interrupt.clone())), None)
    } else {
        let cannot_open = |failure: io::Error| refusal(path, &failure_text(&failure));
        let file = File::open(path).map_err(cannot_open)?;
        let kind = file.metadata().map_err(cannot_open)?;
        if kind.is_dir() {
            return Err(refusal(path, "is a directory; name the captures in it"));
        }
        if kind.is_file() {
            (Box::new(file), Some(kind.len()))
        } else {
            (Box::new(Pipe::new(file, interrupt.clone())), None)
        }
    };
    let counted = Counted::new(bytes, bytes_read);
    Ok(Opened {
        input: Input::new(path, Box::new(counted), max_ratio)?,
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

/// An input that is not read, and why.
pub(super) fn refusal(path: &str, reason: &str) -> SourceError {
    SourceError {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}
