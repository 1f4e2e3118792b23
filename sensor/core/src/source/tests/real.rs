//! Every capture of a folder against its ground truth.

use std::path::{Path, PathBuf};

use super::replay;

/// Captures whose number of packets is not that of the truth, and why.
const DIFFERENCES: [(&str, usize, &str); 1] = [(
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
    for folder in [folder.clone(), folder.join("hostile")] {
        let Ok(truth) = std::fs::read(folder.join("truth.json")) else {
            eprintln!(
                "SKIPPED: no truth.json in {}: nothing was compared",
                folder.display()
            );
            return;
        };
        let truth: serde_json::Value = serde_json::from_slice(&truth).expect("truth.json is JSON");
        for (name, truth) in truth["captures"]
            .as_object()
            .expect("truth.json has captures")
        {
            compare(&folder.join(name), name, &truth["file"]);
        }
    }
}

fn compare(path: &Path, name: &str, truth: &serde_json::Value) {
    let (packets, source) = replay(&[path.to_str().expect("a path of UTF-8").to_owned()]);
    let report = &source.reports()[0];
    let difference = DIFFERENCES.iter().find(|(other, ..)| *other == name);
    if let Some((_, expected, reason)) = difference {
        assert_eq!(packets.len(), *expected, "{name} ({reason}): {report:?}");
        return;
    }
    assert_eq!(
        Some(packets.len() as u64),
        truth["packets"].as_u64(),
        "{name}: {report:?}"
    );
    let captured: usize = packets.iter().map(|packet| packet.bytes.len()).sum();
    assert_eq!(
        Some(captured as u64),
        truth["bytes_captured"].as_u64(),
        "{name}"
    );
    // More where a capture gives a packet fewer bytes on the wire than it holds of it.
    let on_wire: u64 = packets
        .iter()
        .map(|packet| u64::from(packet.original))
        .sum();
    assert!(
        Some(on_wire) >= truth["bytes_on_wire"].as_u64(),
        "{name}: {on_wire}"
    );
    // Not the first: simple packets before any time count as of 1970 here, as of no time there.
    let last = packets
        .iter()
        .map(|packet| packet.time_ns)
        .max()
        .unwrap_or(0);
    let last = format!("{}.{:09}", last / 1_000_000_000, last % 1_000_000_000);
    assert_eq!(
        last,
        truth["max_ts"].as_str().unwrap_or("0.000000000"),
        "{name}"
    );
    let packing = if truth["gzip"] == true { ".gz" } else { "" };
    let family = truth["format"]
        .as_str()
        .and_then(|format| format.split('-').next());
    assert_eq!(
        report.format,
        format!("{}{packing}", family.expect("a format")),
        "{name}"
    );
}
