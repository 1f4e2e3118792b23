//! Inputs that fuzzing has found, and some that reach far, through the functions of the fuzz targets.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Paths in a folder, in the order of their names.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn nothing_found_comes_back() {
    for (name, target) in fuzz::TARGETS {
        let inputs = paths(&folder().join("regressions").join(name));
        assert!(!inputs.is_empty(), "{name} has no input");
        for input in inputs {
            // Shown when the target panics.
            println!("{}", input.display());
            target(&fs::read(input).expect("an input"));
        }
        target(&[]);
    }
}

#[test]
fn every_target_is_everywhere() {
    let mut expected: Vec<_> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    expected.sort_unstable();
    for place in ["fuzz_targets", "regressions"] {
        let found = paths(&folder().join(place));
        let names = found
            .iter()
            .filter_map(|path| path.file_stem()?.to_str())
            .collect::<Vec<_>>();
        assert_eq!(names, expected, "{place}");
    }
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).expect("a manifest");
    for name in expected {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
