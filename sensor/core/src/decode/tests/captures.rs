//! Real captures, where there are any: nothing malformed in sound ones, both paths agree in all.

use std::path::PathBuf;

use super::super::{Levels, Tunnels, decode, walk};

/// The folder of captures: by the environment, or beside the repository.
fn folder() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/captures");
    std::env::var_os("BLOCKTAP_CAPTURES").map_or_else(|| beside.into(), PathBuf::from)
}

/// The classic pcap files of a folder; none where it does not exist.
fn captures(folder: PathBuf) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let pcap = paths.filter(|path| path.extension().is_some_and(|word| word == "pcap"));
    pcap.filter_map(|path| Some((path.clone(), std::fs::read(path).ok()?)))
        .collect()
}

/// Calls `visit` with the link type, the bytes and the original length of every packet.
fn each_packet(capture: &[u8], mut visit: impl FnMut(u16, &[u8], u32)) {
    let little = matches!(capture.first(), Some(0xd4 | 0x4d));
    let word = |at: usize| {
        let bytes = capture.get(at..).and_then(|rest| rest.first_chunk::<4>())?;
        Some(if little {
            u32::from_le_bytes(*bytes)
        } else {
            u32::from_be_bytes(*bytes)
        })
    };
    let Some(link) = word(20) else { return };
    let mut at = 24;
    while let (Some(captured), Some(original)) = (word(at + 8), word(at + 12)) {
        let end = at + 16 + captured as usize;
        let Some(frame) = capture.get(at + 16..end) else {
            return;
        };
        visit(link as u16, frame, original);
        at = end;
    }
}

#[test]
fn sound_captures_have_no_malformed_frame() {
    for (path, capture) in captures(folder()) {
        let mut levels = Levels::default();
        each_packet(&capture, |link, frame, original| {
            let outcome = decode(link, frame, original, Tunnels::default(), &mut levels);
            let malformed = outcome.err().filter(|reason| reason.is_malformed());
            assert_eq!(malformed, None, "{}", path.display());
        });
    }
}

#[test]
fn both_paths_agree_on_captures_sound_and_hostile() {
    let hostile = captures(folder().join("hostile"));
    for (path, capture) in captures(folder()).into_iter().chain(hostile) {
        let (mut levels, mut general) = (Levels::default(), Levels::default());
        each_packet(&capture, |link, frame, original| {
            let outcome = decode(link, frame, original, Tunnels::default(), &mut levels);
            general.clear();
            let expected = walk::walk(link, frame, original, Tunnels::default(), &mut general);
            assert_eq!(outcome, expected, "{}", path.display());
            assert_eq!(levels.as_slice(), general.as_slice(), "{}", path.display());
        });
    }
}
