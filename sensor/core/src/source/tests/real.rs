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
            assert_eq!(packets, expected, "{name}: {reports:?}");
            assert_eq!(packets, reports[0].packets, "{name}");
            let packing = if file["gzip"] == true { ".gz" } else { "" };
            let format = format!("{}{packing}", file["format"].as_str().expect("a format"));
            assert_eq!(reports[0].format, format, "{name}");
            captures += 1;
        }
    }
    assert!(captures > 0, "no capture in {}", folder.display());
}
