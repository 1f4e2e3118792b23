//! What a packet costs. Run with `cargo test --release -- --ignored decode_speed --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use super::super::{Levels, Tunnels, decode};
use super::frames::*;

#[test]
#[ignore = "measures, and only a release build is worth measuring"]
fn decode_speed() {
    const ROUNDS: u32 = 2_000_000;
    let frames = [
        ("ipv4 tcp", flow_ethernet()),
        (
            "ipv4 udp",
            ethernet(TYPE_IPV4, &ip4(UDP, &udp(5353, 443, PAYLOAD))),
        ),
        ("ipv6 tcp", ethernet(TYPE_IPV6, &flow6())),
        ("vxlan", super::tunnels::cases().swap_remove(15).frame),
    ];
    let mut levels = Levels::default();
    for (name, frame) in &frames {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            let frame = black_box(&frame[..]);
            let outcome = decode(
                1,
                frame,
                frame.len() as u32,
                Tunnels::default(),
                &mut levels,
            );
            assert!(outcome.is_ok());
            black_box(&levels);
        }
        let nanoseconds = start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS);
        println!("{name}: {nanoseconds:.1} ns");
    }
}
