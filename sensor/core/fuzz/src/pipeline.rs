//! A capture through everything, by one worker and by three: the same flows.

use std::sync::{Arc, Mutex, PoisonError};

use blocktap_core::batch::Labels;
use blocktap_core::classify::{NamingSettings, Note};
use blocktap_core::counters::{Counts, Interval};
use blocktap_core::decode::Tunnels;
use blocktap_core::flow::{Flow, FlowLimits, HashKeys};
use blocktap_core::hosts::HostRow;
use blocktap_core::name::dns_table::DnsRow;
use blocktap_core::pipeline::{Room, Settings};
use blocktap_core::source::Source;
use blocktap_core::watch::{Prefix, Watch};
use blocktap_core::worker::{Control, Mode, RunError, Sink, run};

use super::sources::MemoryFile;

/// More flows than an input has packets, so that none is put out.
const MAX_FLOWS: usize = 1 << 16;

/// A capture file of any format.
pub fn replay(bytes: &[u8]) {
    let file = MemoryFile::new(bytes);
    let Ok(source) = Source::open(&[file.path()]) else {
        return;
    };
    let watch = everything();
    let (one, alone) = outcome(source, &watch, 1);
    let Ok(source) = Source::open(&[file.path()]) else {
        panic!("it could be opened before");
    };
    let (three, together) = outcome(source, &watch, 3);
    assert_eq!(one, three);
    assert_eq!(alone, together);
    let packets: u64 = alone.iter().map(|flow| flow.packets).sum();
    assert_eq!(packets, one.packets_matched);
}

/// A flow record in a form that can be sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    flow_id: u64,
    record: u32,
    times_ns: (i64, i64),
    packets: u64,
    bytes: (u64, u64),
    rest: String,
}

impl Row {
    fn new(flow: &Flow, notes: &[Note]) -> Self {
        let (out, back) = flow.packets();
        let place = flow.mark.number().checked_sub(1);
        let note = place.and_then(|place| notes.get(place as usize));
        let found = note.and_then(|note| note.found.as_ref());
        Self {
            flow_id: flow.flow_id(),
            record: flow.record,
            times_ns: (flow.start_ns, flow.end_ns),
            packets: out + back,
            bytes: flow.bytes(),
            rest: format!(
                "{:?} {:?} {:?} {:?} {:?} {} {:?} {:?} {:?} {:?}",
                flow.addresses(),
                flow.ports(),
                flow.blocks(),
                flow.tcp_flags(),
                flow.initiator(),
                flow.answered(),
                flow.reason(),
                found.and_then(|found| found.application()),
                found.map(|found| found.names()),
                note.map(|note| &note.joined)
            ),
        }
    }
}

#[derive(Clone, Default)]
struct Collect(Arc<Mutex<Vec<Row>>>);

impl Sink for Collect {
    fn flows(&mut self, records: &[Flow], notes: &[Note], _: &Labels) -> bool {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.extend(records.iter().map(|flow| Row::new(flow, notes)));
        true
    }

    fn dns(&mut self, rows: &[DnsRow], _: &Labels) -> bool {
        let rows = rows.iter().map(|row| Row {
            flow_id: row.flow_id,
            record: 0,
            times_ns: (row.time_ns, row.time_ns),
            packets: 0,
            bytes: (0, 0),
            rest: format!("{row:?}"),
        });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(rows);
        true
    }

    fn hosts(&mut self, rows: &[HostRow], _: &Labels) -> bool {
        let rows = rows.iter().map(|row| Row {
            flow_id: u64::from(row.version),
            record: u32::MAX,
            times_ns: (row.first_ns, row.last_ns),
            packets: 0,
            bytes: (0, 0),
            rest: format!("{row:?}"),
        });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(rows);
        true
    }

    fn accounting(&mut self, rows: &[Interval], interfaces: &[String], _: &Labels) -> bool {
        assert!(
            rows.iter()
                .all(|row| usize::from(row.interface) < interfaces.len())
        );
        true
    }
}

fn outcome(source: Source, watch: &Arc<Watch>, workers: usize) -> (Counts, Vec<Row>) {
    let settings = Settings {
        watch: Arc::clone(watch),
        labels: Arc::default(),
        tunnels: Tunnels::default(),
        limits: FlowLimits {
            max_flows: MAX_FLOWS * workers,
            ..FlowLimits::default()
        },
        tally: None,
        hosts: true,
        naming: NamingSettings {
            enabled: true,
            ..NamingSettings::default()
        },
        workers,
        room: Room::default(),
        keys: HashKeys::default(),
    };
    let collect = Collect::default();
    let sinks = (0..workers)
        .map(|_| Box::new(collect.clone()) as Box<dyn Sink>)
        .collect();
    let summary = match run(source, &settings, sinks, &Control::default(), Mode::Replay) {
        Ok(summary) => summary,
        Err(RunError::Memory(error)) => panic!("no memory: {error}"),
        Err(RunError::WorkerFailed) => panic!("a worker failed"),
    };
    let mut rows = collect
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    rows.sort();
    (summary.counts, rows)
}

/// Both families whole; compiled once.
fn everything() -> Arc<Watch> {
    static WATCH: Mutex<Option<Arc<Watch>>> = Mutex::new(None);
    let mut watch = WATCH.lock().unwrap_or_else(PoisonError::into_inner);
    let prefix = |address, length| Prefix {
        address,
        length,
        block: 0,
        valid_from_ns: i64::MIN,
        valid_until_ns: i64::MAX,
    };
    let made = watch.get_or_insert_with(|| {
        let prefixes = [prefix(0xffff_0000_0000, 96), prefix(0, 0)];
        Arc::new(Watch::new(&prefixes).expect("a plan"))
    });
    Arc::clone(made)
}
