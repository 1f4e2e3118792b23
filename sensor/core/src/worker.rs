//! Threads: chunks are read one at a time, decoded by whoever is free, and counted by every worker in
//! the order of the stream. No lock is held while packets are awaited, decoded or counted.

mod control;
mod crew;
mod queue;
mod reader;
mod sink;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{bounded, unbounded};

use crate::counters::Counts;
use crate::pipeline::{Generation, Pipeline, Settings, Work};
use crate::source::{Feed, InputReport};

pub use control::Control;
pub use crew::{BATCH_ROWS, now_ns};
pub use queue::{Item, RowQueue, Taken};
pub use sink::{Dropped, Sink};

use crew::{Message, Shared, Worker};
use reader::Reader;

/// How time passes and what is done when rows are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Packet time alone counts, rows are handed out in full batches, and the input waits for who takes them.
    Replay,
    /// The wall clock goes on without packets, and rows are handed out at least so often.
    Live {
        /// Time between two.
        flush: Duration,
        /// When the capture began, in nanoseconds since 1970 by the wall clock.
        begun_ns: i64,
    },
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// Counts over everything.
    pub counts: Counts,
    /// What became of each input.
    pub inputs: Vec<InputReport>,
}

/// A run that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no room for the flow tables.
    #[error("no memory for the flow tables, lower flow.max_flows: {0}")]
    Memory(#[from] std::io::Error),
    /// A worker thread died; nothing of the run is certain.
    #[error("a worker failed; this is a bug in blocktap")]
    WorkerFailed,
}

/// Reads a feed to its end, one thread a sink, and gives the sum.
pub fn run(
    feed: impl Feed + 'static,
    settings: &Settings,
    sinks: Vec<Box<dyn Sink>>,
    control: &Control,
    mode: Mode,
) -> Result<Summary, RunError> {
    let workers = sinks.len();
    let pipelines = (0..workers)
        .map(|_| Pipeline::new(settings.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    let (give_back, free) = bounded(2 * workers + 1);
    for _ in 0..=2 * workers {
        // There is room for all of them.
        let _ = give_back.try_send(Work::default());
    }
    let (inboxes, receivers): (Vec<_>, Vec<_>) = (0..workers).map(|_| unbounded()).unzip();
    let asks = control.seat(workers);
    let first = Arc::new(Generation::first(settings));
    let reader = Reader::new(Box::new(feed), first, mode, control);
    let (pass_on, readers) = bounded(1);
    let (done, ended) = bounded(1);
    let _ = pass_on.send(Box::new(reader));
    let shared = Shared {
        inboxes,
        give_back,
        free,
        pass_on,
        readers,
        done,
        control,
        mode,
    };
    let totals = std::thread::scope(|scope| {
        let handles: Vec<_> = pipelines
            .into_iter()
            .zip(sinks)
            .zip(receivers.into_iter().zip(asks))
            .enumerate()
            .map(|(number, ((mut pipeline, sink), (inbox, asks)))| {
                let shared = &shared;
                if let Mode::Live { begun_ns, .. } = mode {
                    pipeline.accounting().begin(begun_ns);
                }
                scope.spawn(move || {
                    let worker = Worker {
                        number,
                        shared,
                        inbox,
                        asks,
                        pipeline,
                        sink,
                        spare: None,
                        flushed: Instant::now(),
                    };
                    let outcome = catch_unwind(AssertUnwindSafe(|| worker.run()));
                    outcome.unwrap_or_else(|_| {
                        shared.broadcast(&Message::Abort);
                        None
                    })
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().ok().flatten())
            .collect::<Vec<_>>()
    });
    let mut counts = Counts::default();
    for total in totals {
        counts.add(&total.ok_or(RunError::WorkerFailed)?);
    }
    let reader = ended.try_recv().map_err(|_| RunError::WorkerFailed)?;
    Ok(Summary {
        counts,
        inputs: reader.reports(),
    })
}

#[cfg(test)]
mod tests;
