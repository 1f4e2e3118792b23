//! The packet path alone, without Python or rows, for profiles:
//! `cargo bench --no-default-features --bench replay -- CAPTURE [WORKERS] [PREFIXES]`;
//! in the environment, `NO_NAMES` leaves out the naming, and `TALLY` counts for metrics besides.

use std::sync::Arc;
use std::time::Instant;

use blocktap_core::batch::Labels;
use blocktap_core::classify::{NamingSettings, Note};
use blocktap_core::counters::Interval;
use blocktap_core::decode::Tunnels;
use blocktap_core::flow::{Flow, FlowLimits, HashKeys};
use blocktap_core::name::dns_table::DnsRow;
use blocktap_core::pipeline::Settings;
use blocktap_core::source::Source;
use blocktap_core::tally::TallySettings;
use blocktap_core::watch::{Prefix, Watch};
use blocktap_core::worker::{Control, Mode, Sink, run};

struct Discard;

impl Sink for Discard {
    fn flows(&mut self, _: &[Flow], _: &[Note], _: &Labels) -> bool {
        true
    }

    fn dns(&mut self, _: &[DnsRow], _: &Labels) -> bool {
        true
    }

    fn accounting(&mut self, _: &[Interval], _: &[String], _: &Labels) -> bool {
        true
    }
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
        labels: Arc::default(),
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
    let sinks = (0..workers)
        .map(|_| Box::new(Discard) as Box<dyn Sink>)
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
