use std::io::Write;

use super::*;
use crate::flow::FlowKey;
use crate::pipeline::tests::{settings, udp_frame};

/// A capture of frames, one a second.
fn capture(name: &str, frames: &[Vec<u8>]) -> String {
    let path = std::env::temp_dir().join(format!("blocktap-trace-{}-{name}", std::process::id()));
    let mut file = std::fs::File::create(&path).expect("a file");
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        bytes.extend(word.to_le_bytes());
    }
    for (second, frame) in (0u32..).zip(frames) {
        let length = frame.len() as u32;
        for word in [second, 0, length, length] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(frame);
    }
    file.write_all(&bytes).expect("written");
    path.to_str().expect("a path").to_owned()
}

/// The flow of this frame, were it the first of a capture.
fn flow_id(frame: &[u8]) -> u64 {
    let mut levels = crate::decode::Levels::default();
    let tunnels = crate::decode::Tunnels::default();
    decode(1, frame, frame.len() as u32, tunnels, &mut levels).expect("IP");
    FlowKey::new(&levels.as_slice()[0]).0.flow_id(0)
}

fn traced(name: &str, frames: &[Vec<u8>], wanted: Wanted) -> Traced {
    let path = capture(name, frames);
    let source = Source::open(std::slice::from_ref(&path)).expect("a capture");
    let mut settings = settings(1);
    settings.naming.enabled = true;
    let traced = trace(source, &settings, wanted, || true).expect("memory");
    std::fs::remove_file(path).expect("removed");
    traced
}

#[test]
fn packets_and_facts_of_the_wanted_flow_alone() {
    const INSIDE: (u32, u16) = (0x0a00_0001, 5000);
    const OUTSIDE: (u32, u16) = (0xc000_0201, 3478);
    let stun = |kind: u8| {
        let mut message = vec![kind, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        message.extend([7; 12]);
        message
    };
    let frames = [
        udp_frame(INSIDE, OUTSIDE, b"?"),
        udp_frame((INSIDE.0, 5001), OUTSIDE, b"another"),
        udp_frame(INSIDE, OUTSIDE, &stun(0)),
        udp_frame(OUTSIDE, INSIDE, &stun(1)),
        udp_frame(INSIDE, OUTSIDE, b"long after"),
    ];
    let id = flow_id(&frames[0]);
    let wanted = Wanted {
        flow_ids: vec![id],
        addresses: None,
        frames: 2,
    };
    let traced = traced("stun", &frames, wanted);
    let numbers: Vec<u64> = traced.packets.iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1, 3, 4, 5]);
    let out: Vec<bool> = traced.packets.iter().map(|one| one.is_out).collect();
    assert_eq!(out, [true, true, false, true]);
    let frames_kept: Vec<bool> = traced
        .packets
        .iter()
        .map(|one| one.frame.is_some())
        .collect();
    assert_eq!(frames_kept, [true, true, false, false]);
    assert_eq!(traced.packets[1].frame.as_deref(), Some(&frames[2][..]));
    let facts: Vec<(u64, &str, &str)> = traced
        .facts
        .iter()
        .map(|fact| (fact.packet, fact.kind, &*fact.value))
        .collect();
    assert_eq!(
        facts,
        [
            (1, "initiator", "inside"),
            (3, "application", "stun"),
            (4, "answered", "true")
        ]
    );
    assert!(!traced.facts[1].signs.is_empty());
}
