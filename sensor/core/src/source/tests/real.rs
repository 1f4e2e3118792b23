//! Every capture of a folder against its ground truth.

use std::path::{Path, PathBuf};

use super::super::{Chunk, Source};

/// Captures whose count differs from the truth, and why.
const DIFFERENCES: [(&str, u64, &str); 1] = [(
    "pcpp--crash-pcapng-epb-unbounded-length.pcapng",
    0,
    "its one packet claims 65536 bytes in a block with room for none: damage here, counted there",
)];

fn folder() -> PathBuf {
    let named = std::env::var_os("BLOCKTAP_CAPTURES").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures"))
}

#[test]
fn packet_counts_are_those_of_the_truth() {
    let folder = folder();
    let mut captures = 0;
    for folder in [folder.clone(), folder.join("hostile")] {
        let Ok(truth) = std::fs::read(folder.join("truth.json")) else {
            eprintln!(
                "SKIPPED: no truth.json in {}: no capture was compared",
                folder.display()
            );
            return;
        };
        let truth: serde_json::Value = serde_json::from_slice(&truth).expect("truth.json is JSON");
        let truth = truth["captures"]
            .as_object()
            .expect("truth.json has captures");
        for (name, truth) in truth {
            let path = folder
                .join(name)
                .to_str()
                .expect("a path of UTF-8")
                .to_owned();
            let expected = truth["file"]["packets"]
                .as_u64()
                .expect("a number of packets");
            let difference = DIFFERENCES.iter().find(|(other, ..)| other == name);
            let expected = difference.map_or(expected, |(_, packets, _)| *packets);
            let mut source = Source::open(&[path]).unwrap_or_else(|error| panic!("{error}"));
            let mut chunk = Chunk::default();
            let mut packets = 0;
            while source.fill(&mut chunk) {
                packets += chunk.records.len() as u64;
            }
            let reports = source.reports();
            eprintln!(
                "{name} {packets} {:?} {:?} {:?}",
                reports[0],
                source.interfaces(),
                source.progress()
            );
            assert_eq!(packets, expected, "{name}: {reports:?}");
            assert_eq!(packets, reports[0].packets, "{name}");
            captures += 1;
        }
    }
    assert!(captures > 0, "no capture in {}", folder.display());
}
