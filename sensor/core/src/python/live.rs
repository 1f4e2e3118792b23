//! A capture from live interfaces, as Python has it in hand.

use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyStopIteration, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::snapshot::add_tallies;
use super::{Batch, Names, Options, Outcome, Rows, Rules, labels_of, settings_of, summary_of};
use crate::batch::{Labels, accounting_batch, dns_batch, flows_batch, hosts_batch};
use crate::classify::Note;
use crate::counters::{Counts, Interval};
use crate::flow::Flow;
use crate::hosts::HostRow;
use crate::name::dns_table::DnsRow;
use crate::source::{
    Event, Fanout, RingError, RingHandle, RingOptions, Rings, Timestamps, duplicate,
};
use crate::tally::TallySettings;
use crate::worker::{Control, Dropped, Item, Mode, RowQueue, Sink, Taken, now_ns, run};

/// Once there is nothing left to capture, rows wait so long for somebody who takes none.
const PATIENCE: Duration = Duration::from_secs(3);
/// A worker that takes longer to say what it counted is not waited for.
const ANSWER: Duration = Duration::from_secs(1);

pyo3::create_exception!(
    _core,
    InterfaceError,
    pyo3::exceptions::PyException,
    "An interface that cannot be captured from."
);

impl From<RingError> for PyErr {
    fn from(error: RingError) -> Self {
        InterfaceError::new_err(error.to_string())
    }
}

/// What a live capture can be told besides what a replay can.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Pace {
    flush_ns: u64,
    queue_rows: u64,
    queue_bytes: u64,
    top_flows: usize,
}

/// What to capture and how.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[allow(clippy::struct_excessive_bools)] // Each is a switch of its own.
struct Capture {
    interfaces: Vec<String>,
    rings_per_interface: usize,
    memory_bytes: u64,
    fanout: String,
    rollover: bool,
    promiscuous: bool,
    ignore_outgoing: bool,
    snap_bytes: u32,
    retire_ms: u32,
    filter_descriptor: Option<RawFd>,
    timestamps: String,
}

impl Capture {
    fn options(self) -> PyResult<RingOptions> {
        let fanout = match self.fanout.as_str() {
            "hash" => Fanout::Hash,
            "cpu" => Fanout::Cpu,
            "queue" => Fanout::Queue,
            other => return Err(PyValueError::new_err(format!("no fanout {other:?}"))),
        };
        let timestamps = match self.timestamps.as_str() {
            "kernel" => Timestamps::Kernel,
            "adapter" => Timestamps::Adapter,
            other => return Err(PyValueError::new_err(format!("no timestamps {other:?}"))),
        };
        // Whoever gave the descriptor may close it; the capture has its own.
        let filter = self.filter_descriptor.map(duplicate).transpose()?;
        Ok(RingOptions {
            interfaces: self.interfaces,
            rings_per_interface: self.rings_per_interface,
            memory_bytes: self.memory_bytes,
            fanout,
            rollover: self.rollover,
            promiscuous: self.promiscuous,
            ignore_outgoing: self.ignore_outgoing,
            snap_bytes: self.snap_bytes,
            retire_ms: self.retire_ms,
            filter: filter.map(Arc::new),
            timestamps,
        })
    }
}

/// Builds batches in the worker's own thread and queues them for Python, which may be slow.
struct Outlet {
    worker: u16,
    queue: Arc<RowQueue<Rows>>,
    patience: Duration,
}

impl Outlet {
    fn put(
        &self,
        table: &'static str,
        batch: Result<arrow_array::RecordBatch, arrow_schema::ArrowError>,
        packets: u64,
    ) -> bool {
        // Arrays of unequal length would be a bug; the rows are refused like a queue that nobody empties.
        let Ok(batch) = batch else { return false };
        let item = Item {
            rows: batch.num_rows() as u64,
            bytes: batch.get_array_memory_size() as u64,
            value: (table, batch),
            packets,
            precious: table == "accounting",
        };
        self.queue.put_within(item, self.patience)
    }
}

impl Sink for Outlet {
    fn flows(&mut self, records: &[Flow], notes: &[Note], labels: &Labels) -> bool {
        let packets = records.iter().map(Flow::packets);
        let packets = packets.map(|(out, back)| out + back).sum();
        self.put("flows", flows_batch(records, notes, labels), packets)
    }

    fn dns(&mut self, rows: &[DnsRow], labels: &Labels) -> bool {
        self.put("dns", dns_batch(rows, labels), 0)
    }

    fn hosts(&mut self, rows: &[HostRow], labels: &Labels) -> bool {
        self.put("hosts", hosts_batch(rows, labels), 0)
    }

    fn accounting(&mut self, rows: &[Interval], interfaces: &[String], labels: &Labels) -> bool {
        let batch = accounting_batch(rows, self.worker, interfaces, labels);
        self.put("accounting", batch, 0)
    }

    fn dropped(&mut self) -> Dropped {
        self.queue.dropped()
    }

    fn input_is_over(&mut self) {
        self.patience = PATIENCE;
    }
}

/// A live capture: it runs on threads of its own from the moment it is made until it is stopped.
#[pyclass(frozen)]
pub(super) struct Live {
    queue: Arc<RowQueue<Rows>>,
    control: Arc<Control>,
    rings: RingHandle,
    interfaces: Vec<String>,
    sensor: String,
    countries: bool,
    outcome: Outcome,
}

/// Whoever takes rows learns in any case that there are no more.
struct EndOfQueue(Arc<RowQueue<Rows>>);

impl Drop for EndOfQueue {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[pymethods]
#[allow(clippy::needless_pass_by_value)] // Python's values arrive owned.
impl Live {
    /// Opens the interfaces and starts the workers.
    #[new]
    fn new(
        py: Python<'_>,
        rules: &Rules,
        names: &Names,
        options: Bound<'_, PyAny>,
        capture: Capture,
    ) -> PyResult<Self> {
        let pace: Pace = options.extract()?;
        let options: Options = options.extract()?;
        let mut settings = settings_of(rules, names, &options)?;
        settings.limits.cut_silent = true;
        settings.tally = Some(TallySettings {
            blocks: rules.blocks.as_slice().into(),
            catalogue: Arc::clone(&names.catalogue),
            countries: options.countries,
            top_flows: pace.top_flows,
        });
        let capture = capture.options()?;
        let interfaces = capture.interfaces.clone();
        let begun_ns = now_ns();
        let feed = py.detach(|| Rings::open(capture))?;
        let rings = feed.handle();
        let control = Arc::new(Control::default());
        let queue = Arc::new(RowQueue::new(pace.queue_rows, pace.queue_bytes));
        let sinks = (0..)
            .take(settings.workers)
            .map(|worker| {
                Box::new(Outlet {
                    worker,
                    queue: Arc::clone(&queue),
                    patience: Duration::ZERO,
                }) as Box<dyn Sink>
            })
            .collect();
        let mode = Mode::Live {
            flush: Duration::from_nanos(pace.flush_ns),
            begun_ns,
        };
        let (shared, end) = (Arc::clone(&control), EndOfQueue(Arc::clone(&queue)));
        let thread = std::thread::spawn(move || {
            let _end = end;
            run(feed, &settings, sinks, &shared, mode)
        });
        Ok(Self {
            queue,
            control,
            rings,
            interfaces,
            sensor: options.sensor,
            countries: options.countries,
            outcome: Mutex::new(Some(thread)),
        })
    }

    /// The next rows as (table, batch), or None when none came in time; raises StopIteration at the end.
    fn next(&self, py: Python<'_>, timeout_s: f64) -> PyResult<Option<(&'static str, Batch)>> {
        let timeout = Duration::try_from_secs_f64(timeout_s)
            .map_err(|error| PyValueError::new_err(format!("timeout_s: {error}")))?;
        match py.detach(|| self.queue.take(timeout)) {
            Taken::Rows((table, batch)) => Ok(Some((table, Batch { batch }))),
            Taken::Nothing => Ok(None),
            Taken::Over => Err(PyStopIteration::new_err(())),
        }
    }

    /// Ends the capture; what was captured is counted and still comes out of `next`.
    fn stop(&self) {
        self.control.stop();
    }

    /// Puts other rules into force: with the next packets, none of which is lost.
    fn swap(&self, rules: &Rules, names: &Names) {
        let labels = labels_of(rules, names, &self.sensor, self.countries);
        let resolvers = Arc::clone(&names.resolvers);
        self.control
            .swap(Arc::clone(&rules.watch), labels, resolvers);
    }

    /// Adds what only Python knows to the current interval of an interface; False once the capture is over.
    fn account(
        &self,
        interface: &str,
        prefiltered_packets: u64,
        prefiltered_bytes: u64,
        dropped_interface: u64,
    ) -> PyResult<bool> {
        let number = self.interface_number(interface)?;
        let counts = Counts {
            packets_seen: prefiltered_packets,
            bytes_seen: prefiltered_bytes,
            packets_unmatched: prefiltered_packets,
            packets_prefiltered: prefiltered_packets,
            packets_dropped_interface: dropped_interface,
            ..Counts::default()
        };
        Ok(self.control.account(number, counts))
    }

    /// Names of the interfaces.
    fn interfaces(&self) -> Vec<String> {
        self.interfaces.clone()
    }

    /// Opens an interface again that went away and has come back.
    fn reopen(&self, interface: &str) -> PyResult<()> {
        self.rings.reopen(self.interface_number(interface)?);
        Ok(())
    }

    /// What happened to interfaces since this was last asked: (interface, what, reason).
    fn events(&self) -> Vec<(String, &'static str, Option<String>)> {
        let name = |number: u16| {
            let name = self.interfaces.get(usize::from(number));
            name.cloned().unwrap_or_default()
        };
        let told = |event| match event {
            Event::Down { interface } => (name(interface), "down", None),
            Event::Reopened { interface } => (name(interface), "reopened", None),
            Event::NotReopened { interface, reason } => {
                (name(interface), "not_reopened", Some(reason))
            }
        };
        self.control.take_events().into_iter().map(told).collect()
    }

    /// What was counted so far, over all workers.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let snapshot = py.detach(|| self.control.snapshot(ANSWER));
        let interfaces = PyDict::new(py);
        for (number, name) in (0..).zip(&self.interfaces) {
            let counts = snapshot.interfaces.get(&number);
            let counts = counts.copied().unwrap_or_default();
            let one = counts_of(py, &counts)?;
            let ring = self.rings.counters(number);
            one.set_item("frames_merged", ring.frames_merged)?;
            one.set_item("frames_unhandled", ring.frames_unhandled)?;
            one.set_item("adapter_times", ring.adapter_times)?;
            one.set_item("blocks_damaged", ring.blocks_damaged)?;
            interfaces.set_item(name, one)?;
        }
        let sum = snapshot.counts();
        let told = PyDict::new(py);
        told.set_item("interfaces", interfaces)?;
        told.set_item("active_flows", snapshot.active_flows)?;
        told.set_item("flows_created", sum.flows_created)?;
        told.set_item("flows_expired", sum.flows_expired)?;
        told.set_item("flows_evicted", sum.flows_evicted)?;
        told.set_item("names_found", sum.names_found)?;
        told.set_item("names_evicted", sum.names_evicted)?;
        told.set_item("fragments_evicted", sum.fragments_evicted)?;
        told.set_item("hosts_evicted", sum.hosts_evicted)?;
        told.set_item("rows_waiting", self.queue.rows())?;
        add_tallies(&told, &snapshot.tallies)?;
        Ok(told)
    }

    /// What the capture came to; call it once, after `next` has ended.
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        summary_of(py, &self.outcome)
    }
}

impl Live {
    fn interface_number(&self, interface: &str) -> PyResult<u16> {
        let place = self.interfaces.iter().position(|name| name == interface);
        place
            .and_then(|place| u16::try_from(place).ok())
            .ok_or_else(|| PyValueError::new_err(format!("no interface {interface:?} is captured")))
    }
}

/// Nobody will take the rows: the workers must not go on without anyone.
impl Drop for Live {
    fn drop(&mut self) {
        self.control.stop();
        self.queue.close();
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        // The threads end by themselves within a moment; who drops this need not wait.
        drop(outcome.take());
    }
}

fn counts_of<'py>(py: Python<'py>, counts: &Counts) -> PyResult<Bound<'py, PyDict>> {
    let one = PyDict::new(py);
    for (name, count) in [
        ("packets_seen", counts.packets_seen),
        ("bytes_seen", counts.bytes_seen),
        ("packets_matched", counts.packets_matched),
        ("packets_unmatched", counts.packets_unmatched),
        ("packets_malformed", counts.packets_malformed),
        ("bytes_matched", counts.bytes_matched),
        ("bytes_malformed", counts.bytes_malformed),
        ("packets_truncated", counts.packets_truncated),
        ("packets_duplicate", counts.packets_duplicate),
        ("packets_prefiltered", counts.packets_prefiltered),
        ("packets_dropped_store", counts.packets_dropped_store),
        ("rows_dropped_store", counts.rows_dropped_store),
        ("packets_dropped_kernel", counts.packets_dropped_kernel),
        (
            "packets_dropped_interface",
            counts.packets_dropped_interface,
        ),
    ] {
        one.set_item(name, count)?;
    }
    Ok(one)
}
