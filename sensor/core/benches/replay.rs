//! The packet path without Python, for profiles: rows are made into batches and dropped.
//! `cargo bench --no-default-features --features arrow --bench replay -- CAPTURE [WORKERS] [PREFIXES]`;
//! In the environment, `NO_NAMES` leaves out the naming, `NO_ROWS` the batches, and `TALLY` counts for metrics besides.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use blocktap_core::batch::{Labels, accounting_batch, dns_batch, flows_batch};
use blocktap_core::classify::{Catalogue, NamingSettings, Note, Service};
use blocktap_core::counters::Interval;
use blocktap_core::decode::Tunnels;
use blocktap_core::flow::{Flow, FlowLimits, HashKeys};
use blocktap_core::name::dns_table::DnsRow;
use blocktap_core::pipeline::Settings;
use blocktap_core::source::Source;
use blocktap_core::tally::TallySettings;
use blocktap_core::watch::{Prefix, Watch};
use blocktap_core::worker::{Control, Mode, Sink, run};

/// Builds the batches where that is asked for, and drops them.
struct Batches {
    rows: bool,
}

impl Sink for Batches {
    fn flows(&mut self, records: &[Flow], notes: &[Note], labels: &Labels) -> bool {
        !self.rows || flows_batch(records, notes, labels).is_ok()
    }

    fn dns(&mut self, rows: &[DnsRow], labels: &Labels) -> bool {
        !self.rows || dns_batch(rows, labels).is_ok()
    }

    fn accounting(&mut self, rows: &[Interval], interfaces: &[String], labels: &Labels) -> bool {
        !self.rows || accounting_batch(rows, 0, interfaces, labels).is_ok()
    }
}

/// Labels about as large as those of a sensor: every quoted word with a dot in the shipped rules is taken
/// for a suffix, every file for a service.
fn labels() -> std::io::Result<Labels> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/services");
    let mut services = Vec::new();
    let mut suffixes = HashMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        let quoted = text.split('"').skip(1).step_by(2);
        let number = i32::try_from(services.len()).unwrap_or(-1);
        suffixes.extend(
            quoted
                .filter(|word| word.contains('.'))
                .map(|word| (word.to_owned(), number)),
        );
        let word = path.file_stem().unwrap_or_default().to_string_lossy();
        services.push(Service {
            service: word.to_string(),
            organisation: word.to_string(),
            category: word.to_string(),
        });
    }
    Ok(Labels {
        sensor: "bench".to_owned(),
        blocks: vec!["everything".to_owned()],
        catalogue: Arc::new(Catalogue::new(services, suffixes)),
        application_categories: HashMap::new(),
        countries: true,
    })
}

fn everything(address: u128, length: u8) -> Prefix {
    Prefix {
        address,
        length,
        block: 0,
        valid_from_ns: i64::MIN,
        valid_until_ns: i64::MAX,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let Some(path) = arguments.next() else {
        println!("no capture named; nothing measured");
        return Ok(());
    };
    let workers = arguments.next().map_or(Ok(1), |count| count.parse())?;
    let more = arguments.next().map_or(Ok(0), |count| count.parse())?;
    let mut prefixes = vec![everything(0xffff_0000_0000, 96), everything(0, 0)];
    let mut state = 1u64;
    prefixes.extend((0..more).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        everything(0xffff_0000_0000 | u128::from(state >> 40 << 8), 120)
    }));
    let settings = Settings {
        watch: Arc::new(Watch::new(&prefixes)?),
        labels: Arc::new(labels()?),
        tunnels: Tunnels::default(),
        limits: FlowLimits::default(),
        tally: std::env::var_os("TALLY").map(|_| TallySettings {
            blocks: ["everything".to_owned()].into(),
            countries: true,
            top_flows: 20,
            ..TallySettings::default()
        }),
        naming: NamingSettings {
            enabled: std::env::var_os("NO_NAMES").is_none(),
            ..NamingSettings::default()
        },
        workers,
        keys: HashKeys::default(),
    };
    let rows = std::env::var_os("NO_ROWS").is_none();
    let sinks = (0..workers)
        .map(|_| Box::new(Batches { rows }) as Box<dyn Sink>)
        .collect();
    let began = Instant::now();
    let summary = run(
        Source::open(&[path])?,
        &settings,
        sinks,
        &Control::default(),
        Mode::Replay,
    )?;
    let seconds = began.elapsed().as_secs_f64();
    println!("{seconds:.3} s {:?}", summary.counts);
    Ok(())
}
