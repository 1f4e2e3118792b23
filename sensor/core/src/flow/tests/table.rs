//! The table against a map that cannot be wrong.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::table::Table;
use super::super::{Flow, Packet};
use super::build::{UDP, host, level, packet};

/// A packet of the flow with this number and this hash.
fn of_flow(number: u16, hash: u64) -> Packet {
    Packet {
        hash,
        ..packet(&level(UDP, (host(1), number), (host(200), 20)))
    }
}

fn found(table: &Table, packet: &Packet) -> Option<u16> {
    let slot = table.find(packet)?;
    table.slots().get(slot).map(|flow| flow.key.low_port)
}

/// Hashes that share their low bits, or all of them: the index is crowded in a few places.
fn hash(number: u16, crowding: u8) -> u64 {
    let number = u64::from(number);
    match crowding {
        // All in a row from one place, around the end of the index.
        0 => 1020,
        1 => 1020 + number % 3,
        // One place of the smallest index, others once it has grown.
        2 => 5 + (number << 10),
        // The tags differ, the upper half of the hash alone does not matter.
        3 => 1000 + number % 40 + (number << 32),
        _ => number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    }
}

proptest! {
    #[test]
    fn finds_what_a_map_finds(
        crowding in 0_u8..5,
        steps in vec((any::<bool>(), 0_u16..60), 0..300),
    ) {
        let mut table = Table::new(100).expect("room");
        let mut map: HashMap<u16, u32> = HashMap::new();
        for (adds, number) in steps {
            let packet = of_flow(number, hash(number, crowding));
            match (adds, map.contains_key(&number)) {
                (true, false) => {
                    let slot = table.insert(Flow::begin(&packet));
                    map.insert(number, slot);
                }
                (false, true) => {
                    let slot = table.find(&packet).expect("it is there");
                    prop_assert_eq!(table.remove(slot).key, packet.key);
                    map.remove(&number);
                }
                _ => {}
            }
            prop_assert_eq!(table.slots().live(), map.len());
            for number in 0..60 {
                let packet = of_flow(number, hash(number, crowding));
                prop_assert_eq!(table.find(&packet), map.get(&number).copied());
            }
        }
        let live: Vec<u32> = table.slots().range(0, usize::MAX).map(|(slot, _)| slot).collect();
        let mut expected: Vec<u32> = map.into_values().collect();
        expected.sort_unstable();
        prop_assert_eq!(live, expected);
    }
}

#[test]
fn grows_and_finds_everything() {
    let mut table = Table::new(usize::from(u16::MAX)).expect("room");
    let small = table.index_bytes();
    for number in 0..10_000 {
        table.insert(Flow::begin(&of_flow(number, hash(number, 4))));
    }
    assert!(table.index_bytes() > small);
    for number in 0..10_000 {
        assert_eq!(
            found(&table, &of_flow(number, hash(number, 4))),
            Some(number)
        );
    }
    assert_eq!(found(&table, &of_flow(10_000, hash(10_000, 4))), None);
    let entries = table.index_bytes() / 8;
    assert!((10_001..80_000).contains(&entries), "{entries}");
}

#[test]
fn places_are_used_again() {
    let mut table = Table::new(3).expect("room");
    let flows: Vec<Packet> = (0..3).map(|number| of_flow(number, 9)).collect();
    for packet in &flows {
        table.insert(Flow::begin(packet));
    }
    assert!(table.is_full());
    let slot = table.find(&flows[1]).expect("it is there");
    table.remove(slot);
    assert!(!table.is_full());
    assert_eq!(table.insert(Flow::begin(&of_flow(7, 9))), slot);
    assert_eq!(table.slots().used(), 3);
    assert_eq!(found(&table, &flows[2]), Some(2));
    assert_eq!(found(&table, &flows[1]), None);
}

#[test]
fn an_absurd_limit_is_no_panic() {
    assert!(Table::new(0).is_ok_and(|mut table| !table.is_full()));
    // Refused or granted as address space; both are fine.
    let _ = Table::new(usize::MAX);
}
