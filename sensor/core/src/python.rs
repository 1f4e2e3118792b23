//! The border to Python: everything that it sees, and all of PyO3.

mod live;
mod snapshot;
mod trace;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::{Array, RecordBatch, StructArray};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};

use crate::batch::{Labels, accounting_batch, dns_batch, flows_batch, hosts_batch};
use crate::classify::{Catalogue, NamingSettings, Note, Resolvers, Service};
use crate::counters::Interval;
use crate::decode::{Tunnel, Tunnels};
use crate::flow::{Flow, FlowLimits, HashKeys};
use crate::hosts::HostRow;
use crate::name::dns_table::DnsRow;
use crate::name::join::JoinLimits;
use crate::pipeline::{Room, Settings};
use crate::source::{DEFAULT_MAX_RATIO, Interrupt, Source, SourceError};
use crate::watch::{Prefix, Watch};
use crate::worker::{Control, Mode, RunError, Sink, Summary, run};

/// Batches that wait for Python besides the one that each worker has at hand: none, for each is large.
const QUEUED_BATCHES: usize = 0;

pyo3::create_exception!(
    _core,
    InputError,
    pyo3::exceptions::PyException,
    "An input that cannot be replayed."
);

impl From<SourceError> for PyErr {
    fn from(error: SourceError) -> Self {
        InputError::new_err(error.to_string())
    }
}

/// Rows of one table, for anything that takes the Arrow PyCapsule interface.
#[pyclass(frozen)]
struct Batch {
    batch: RecordBatch,
}

#[pymethods]
impl Batch {
    /// The rows as a pair of capsules, schema and array.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // A producer may ignore the schema it is asked for.
        drop(requested_schema);
        let data = StructArray::from(self.batch.clone()).into_data();
        let schema = FFI_ArrowSchema::try_from(self.batch.schema().as_ref())
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        let array = FFI_ArrowArray::new(&data);
        Ok((
            PyCapsule::new_with_value(py, schema, c"arrow_schema")?,
            PyCapsule::new_with_value(py, array, c"arrow_array")?,
        ))
    }

    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }
}

/// The watched prefixes, compiled.
#[pyclass(frozen)]
struct Rules {
    watch: Arc<Watch>,
    blocks: Vec<String>,
}

#[pymethods]
impl Rules {
    /// Compiles parallel arrays: 16-byte addresses, lengths, and little-endian block indices and times.
    #[new]
    fn new(
        py: Python<'_>,
        blocks: Vec<String>,
        addresses: &[u8],
        lengths: &[u8],
        block_indices: &[u8],
        valid_from_ns: &[u8],
        valid_until_ns: &[u8],
    ) -> PyResult<Self> {
        let (addresses, _) = addresses.as_chunks::<16>();
        let (indices, _) = block_indices.as_chunks::<4>();
        let (from, _) = valid_from_ns.as_chunks::<8>();
        let (until, _) = valid_until_ns.as_chunks::<8>();
        let count = lengths.len();
        if [addresses.len(), indices.len(), from.len(), until.len()]
            .iter()
            .any(|&length| length != count)
        {
            return Err(PyValueError::new_err(
                "the arrays of prefixes differ in length",
            ));
        }
        let mut prefixes = Vec::with_capacity(count);
        for number in 0..count {
            let block = u32::from_le_bytes(indices[number]);
            if block as usize >= blocks.len() {
                return Err(PyValueError::new_err(format!(
                    "prefix {number} names block {block} of {}",
                    blocks.len()
                )));
            }
            prefixes.push(Prefix {
                address: u128::from_be_bytes(addresses[number]),
                length: lengths[number],
                block,
                valid_from_ns: i64::from_le_bytes(from[number]),
                valid_until_ns: i64::from_le_bytes(until[number]),
            });
        }
        let watch = py
            .detach(|| Watch::new(&prefixes))
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            watch: Arc::new(watch),
            blocks,
        })
    }

    /// Bytes that the prefix tries take.
    #[getter]
    fn memory_bytes(&self) -> usize {
        self.watch.memory_bytes()
    }
}

fn tunnels_of(words: &[String]) -> PyResult<Tunnels> {
    words.iter().try_fold(Tunnels::NONE, |tunnels, word| {
        let tunnel = Tunnel::ALL
            .into_iter()
            .find(|tunnel| tunnel.word() == Some(word));
        tunnel
            .map(|tunnel| tunnels.with(tunnel))
            .ok_or_else(|| PyValueError::new_err(format!("no tunnel {word:?}")))
    })
}

type Rows = (&'static str, RecordBatch);

/// The thread of a run until somebody has waited for it.
type Outcome = Mutex<Option<JoinHandle<Result<Summary, RunError>>>>;

/// Builds batches in the worker's own thread and queues them for Python.
struct Queue {
    worker: u16,
    rows: Sender<Rows>,
}

impl Queue {
    fn send(
        &self,
        table: &'static str,
        batch: Result<RecordBatch, arrow_schema::ArrowError>,
    ) -> bool {
        // Arrays of unequal length would be a bug; the rows are refused like a queue that nobody empties.
        batch.is_ok_and(|batch| self.rows.send((table, batch)).is_ok())
    }
}

impl Sink for Queue {
    fn flows(&mut self, records: &[Flow], notes: &[Note], labels: &Labels) -> bool {
        self.send("flows", flows_batch(records, notes, labels))
    }

    fn dns(&mut self, rows: &[DnsRow], labels: &Labels) -> bool {
        self.send("dns", dns_batch(rows, labels))
    }

    fn hosts(&mut self, rows: &[HostRow], labels: &Labels) -> bool {
        self.send("hosts", hosts_batch(rows, labels))
    }

    fn accounting(&mut self, rows: &[Interval], interfaces: &[String], labels: &Labels) -> bool {
        let batch = accounting_batch(rows, self.worker, interfaces, labels);
        self.send("accounting", batch)
    }
}

/// What names and applications are called: the catalogue of services, and the words for protocols.
#[pyclass(frozen)]
struct Names {
    catalogue: Arc<Catalogue>,
    application_categories: HashMap<String, String>,
    resolvers: Arc<Resolvers>,
}

#[pymethods]
impl Names {
    /// Services as (service, organisation, category); suffixes with the place of their service or -1;
    /// names of resolvers; categories by the word of an application.
    #[new]
    fn new(
        services: Vec<(String, String, String)>,
        suffixes: Vec<(String, i32)>,
        resolvers: Vec<String>,
        application_categories: HashMap<String, String>,
    ) -> Self {
        let services = services
            .into_iter()
            .map(|(service, organisation, category)| Service {
                service,
                organisation,
                category,
            })
            .collect();
        Self {
            catalogue: Arc::new(Catalogue::new(services, suffixes)),
            application_categories,
            resolvers: Arc::new(Resolvers::new(resolvers)),
        }
    }
}

/// What a replay can be told; times in nanoseconds.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[allow(clippy::struct_excessive_bools)] // Each is a switch of its own.
struct Options {
    sensor: String,
    workers: usize,
    tunnels: Vec<String>,
    idle_ns: i64,
    active_ns: i64,
    close_ns: i64,
    max_flows: usize,
    duplicate_ns: i64,
    drop_duplicates: bool,
    naming: bool,
    join_slack_ns: i64,
    countries: bool,
    hosts: bool,
    /// For all that grows with what strangers send, over all workers.
    memory_bytes: usize,
}

/// What rows share while these rules hold.
fn labels_of(rules: &Rules, names: &Names, sensor: &str, countries: bool) -> Arc<Labels> {
    Arc::new(Labels {
        sensor: sensor.to_owned(),
        blocks: rules.blocks.clone(),
        catalogue: names.catalogue.clone(),
        application_categories: names.application_categories.clone(),
        countries,
    })
}

/// What the stages need to know of a run.
fn settings_of(rules: &Rules, names: &Names, options: &Options) -> PyResult<Settings> {
    let workers = options.workers.clamp(1, 64);
    Ok(Settings {
        watch: rules.watch.clone(),
        labels: labels_of(rules, names, &options.sensor, options.countries),
        tunnels: tunnels_of(&options.tunnels)?,
        limits: FlowLimits {
            idle_ns: options.idle_ns,
            active_ns: options.active_ns,
            close_ns: options.close_ns,
            max_flows: options.max_flows,
            duplicate_ns: options.duplicate_ns,
            drop_duplicates: options.drop_duplicates,
            ..FlowLimits::default()
        },
        naming: NamingSettings {
            enabled: options.naming,
            resolvers: names.resolvers.clone(),
            join: JoinLimits {
                slack_ns: options.join_slack_ns,
                ..JoinLimits::default()
            },
            ..NamingSettings::default()
        },
        tally: None,
        hosts: options.hosts,
        workers,
        room: Room::of(options.memory_bytes / workers),
        keys: HashKeys::default(),
    })
}

/// Opens the inputs on a thread, so that Python sees its signals while a pipe is silent.
fn open_source(py: Python<'_>, paths: Vec<String>, max_ratio: u64) -> PyResult<Source> {
    let (sender, opened) = bounded(1);
    std::thread::spawn(move || {
        // Who was interrupted no longer waits for it.
        let _ = sender.send(Source::open_within(&paths, max_ratio));
    });
    loop {
        match py.detach(|| opened.recv_timeout(Duration::from_millis(50))) {
            Ok(source) => return Ok(source?),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("the inputs could not be opened"));
            }
        }
    }
}

/// A replay of captures: it runs on threads of its own from the moment it is made.
#[pyclass(frozen)]
struct Replay {
    rows: Receiver<Rows>,
    control: Arc<Control>,
    interrupt: Interrupt,
    bytes_total: Option<u64>,
    outcome: Outcome,
}

#[pymethods]
#[allow(clippy::needless_pass_by_value)] // Python's values arrive owned.
impl Replay {
    /// Opens the inputs, each of which may unpack to `max_ratio` times its size, and starts the workers.
    #[new]
    #[pyo3(signature = (paths, rules, names, options, max_ratio=None))]
    fn new(
        py: Python<'_>,
        paths: Vec<String>,
        rules: &Rules,
        names: &Names,
        options: Options,
        max_ratio: Option<u64>,
    ) -> PyResult<Self> {
        let settings = settings_of(rules, names, &options)?;
        let source = open_source(py, paths, max_ratio.unwrap_or(DEFAULT_MAX_RATIO))?;
        let interrupt = source.interrupt();
        let bytes_total = source.progress().bytes_total;
        let control = Arc::new(Control::default());
        let (queue, rows) = bounded(QUEUED_BATCHES);
        let sinks = (0..)
            .take(settings.workers)
            .map(|worker| {
                Box::new(Queue {
                    worker,
                    rows: queue.clone(),
                }) as Box<dyn Sink>
            })
            .collect();
        let shared = control.clone();
        let thread =
            std::thread::spawn(move || run(source, &settings, sinks, &shared, Mode::Replay));
        Ok(Self {
            rows,
            control,
            interrupt,
            bytes_total,
            outcome: Mutex::new(Some(thread)),
        })
    }

    /// The next rows as (table, batch), or None when none came in time; raises StopIteration at the end.
    fn next(&self, py: Python<'_>, timeout_s: f64) -> PyResult<Option<(&'static str, Batch)>> {
        let timeout = Duration::try_from_secs_f64(timeout_s)
            .map_err(|error| PyValueError::new_err(format!("timeout_s: {error}")))?;
        match py.detach(|| self.rows.recv_timeout(timeout)) {
            Ok((table, batch)) => Ok(Some((table, Batch { batch }))),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(pyo3::exceptions::PyStopIteration::new_err(()))
            }
        }
    }

    /// Ends the input early; what was read is counted and still comes out of `next`.
    fn stop(&self) {
        self.control.stop();
        self.interrupt.interrupt();
    }

    /// Packets, bytes on the wire, bytes of the input files, and how many bytes these have, if known.
    fn progress(&self) -> (u64, u64, u64, Option<u64>) {
        let control = &self.control;
        (
            control.packets(),
            control.bytes(),
            control.stored_bytes(),
            self.bytes_total,
        )
    }

    /// What the replay came to; call it once, after `next` has ended.
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        summary_of(py, &self.outcome)
    }
}

/// Waits for a run to end and tells what it came to.
fn summary_of<'py>(py: Python<'py>, outcome: &Outcome) -> PyResult<Bound<'py, PyDict>> {
    let summary = py.detach(|| {
        let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome
            .take()
            .map_or(Err(RunError::WorkerFailed), |thread| {
                thread.join().unwrap_or(Err(RunError::WorkerFailed))
            })
    });
    let summary = summary.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    let result = PyDict::new(py);
    let counts = &summary.counts;
    result.set_item("packets", counts.packets_seen)?;
    result.set_item("bytes", counts.bytes_seen)?;
    result.set_item("matched", counts.packets_matched)?;
    result.set_item("unmatched", counts.packets_unmatched)?;
    result.set_item("malformed", counts.packets_malformed)?;
    result.set_item("truncated", counts.packets_truncated)?;
    result.set_item("duplicates", counts.packets_duplicate)?;
    result.set_item("flows", counts.flows_created)?;
    result.set_item("evicted", counts.flows_evicted)?;
    result.set_item("named", counts.names_found)?;
    result.set_item("names_evicted", counts.names_evicted)?;
    result.set_item("fragments_evicted", counts.fragments_evicted)?;
    result.set_item("hosts_evicted", counts.hosts_evicted)?;
    let mut inputs = Vec::with_capacity(summary.inputs.len());
    for report in summary.inputs {
        let input = PyDict::new(py);
        input.set_item("path", report.path)?;
        input.set_item("format", report.format)?;
        input.set_item("packets", report.packets)?;
        input.set_item("warning", report.warning)?;
        input.set_item("error", report.error)?;
        inputs.push(input);
    }
    result.set_item("inputs", inputs)?;
    Ok(result)
}

/// The packet path of Blocktap.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::{
        Batch, InputError, Names, Replay, Rules,
        live::{InterfaceError, Live},
        trace::trace,
    };
}
