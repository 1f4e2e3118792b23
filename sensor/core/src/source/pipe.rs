//! Pipes: read on a thread of their own, so that whoever waits for bytes can be told to stop.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

/// Bytes asked of a pipe at once.
const PIECE_BYTES: usize = 1 << 16;
/// Pieces read ahead.
const PIECES: usize = 4;
/// How often a silent pipe's reader looks whether it shall stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// Ends the waiting for pipes: they look as if they were at their end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Ends it, now and later.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A pipe that can be interrupted.
pub(super) struct Pipe {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: io::Cursor<Vec<u8>>,
    interrupt: Interrupt,
}

impl Pipe {
    /// Begins to read. The thread ends with the pipe, or with the program where the pipe stays silent.
    pub(super) fn new(mut bytes: impl Read + Send + 'static, interrupt: Interrupt) -> Self {
        let (sender, pieces) = bounded(PIECES);
        thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE_BYTES];
                let outcome = match bytes.read(&mut piece) {
                    Ok(count) => {
                        piece.truncate(count);
                        Ok(piece)
                    }
                    Err(failure) if failure.kind() == io::ErrorKind::Interrupted => continue,
                    Err(failure) => Err(failure),
                };
                let is_over = outcome.as_ref().map_or(true, Vec::is_empty);
                if sender.send(outcome).is_err() || is_over {
                    return;
                }
            }
        });
        Self {
            pieces,
            piece: io::Cursor::default(),
            interrupt,
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(room)?;
            if count > 0 || room.is_empty() {
                return Ok(count);
            }
            if self.interrupt.is_set() {
                return Ok(0);
            }
            match self.pieces.recv_timeout(PATIENCE) {
                Ok(piece) => {
                    let piece = piece?;
                    if piece.is_empty() {
                        return Ok(0);
                    }
                    self.piece = io::Cursor::new(piece);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_was_sent() {
        let sent: Vec<u8> = (0..300_000u32).map(|number| number as u8).collect();
        let mut pipe = Pipe::new(io::Cursor::new(sent.clone()), Interrupt::default());
        let mut got = Vec::new();
        pipe.read_to_end(&mut got).expect("all of it");
        assert_eq!(got, sent);
        assert_eq!(pipe.read(&mut [0]).expect("the end again"), 0);
    }

    #[test]
    fn a_silent_pipe_can_be_interrupted() {
        let (silent, _writer) = io::pipe().expect("a pipe");
        let interrupt = Interrupt::default();
        let mut pipe = Pipe::new(silent, interrupt.clone());
        let waiting = thread::spawn(move || pipe.read(&mut [0; 16]).expect("no failure"));
        interrupt.interrupt();
        assert_eq!(waiting.join().expect("it ended"), 0);
    }
}
