use proptest::prelude::*;

use super::*;
use crate::name::dns::parse_message;

const SECOND: i64 = 1_000_000_000;
const MAPPED: u128 = 0xffff_0000_0000;
const INSIDE: u128 = 1;

/// An answer for a name of one letter, through an alias where there is one.
fn answer(name: u8, alias: Option<u8>, ttl: u8, addresses: &[u8]) -> Message {
    let records = addresses.len() as u8 + u8::from(alias.is_some());
    let mut bytes = vec![
        0, 1, 0x81, 0, 0, 1, 0, records, 0, 0, 0, 0, 1, name, 0, 0, 1, 0, 1,
    ];
    if let Some(alias) = alias {
        bytes.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 99, 0, 3, 1, alias, 0]);
    }
    for &address in addresses {
        let owner = if alias.is_some() { 31 } else { 12 };
        bytes.extend([
            0xc0, owner, 0, 1, 0, 1, 0, 0, 0, ttl, 0, 4, 0, 0, 0, address,
        ]);
    }
    parse_message(&bytes).expect("a message")
}

fn join(pairs: usize, slack_s: i64) -> Join {
    Join::new(JoinLimits {
        pairs,
        slack_ns: slack_s * SECOND,
        ..JoinLimits::default()
    })
}

fn name(join: &Join, address: u8, time_s: i64) -> Option<&str> {
    join.name_for(INSIDE, MAPPED | u128::from(address), time_s * SECOND)
        .map(|name| &**name)
}

#[test]
fn the_name_asked_for_within_its_time() {
    let mut join = join(10, 5);
    join.learn(INSIDE, &answer(b'a', Some(b'x'), 60, &[1, 2]), 100 * SECOND);
    assert_eq!(name(&join, 1, 100), Some("a"));
    assert_eq!(name(&join, 2, 165), Some("a"));
    assert_eq!(name(&join, 2, 166), None);
    assert_eq!(join.name_for(7, MAPPED | 1, 100 * SECOND), None);
    assert_eq!(name(&join, 3, 100), None);
}

#[test]
fn the_newest_first_then_the_one_before() {
    let mut join = join(10, 0);
    join.learn(INSIDE, &answer(b'a', None, 100, &[1]), 0);
    join.learn(INSIDE, &answer(b'b', None, 10, &[1]), SECOND);
    assert_eq!(name(&join, 1, 5), Some("b"));
    assert_eq!(name(&join, 1, 50), Some("a"));
    assert_eq!(name(&join, 1, 101), None);
}

#[test]
fn a_name_learned_again_holds_longer_and_is_shared() {
    let mut join = join(10, 0);
    join.learn(INSIDE, &answer(b'a', None, 10, &[1, 2]), 0);
    join.learn(INSIDE, &answer(b'a', None, 10, &[1]), 5 * SECOND);
    assert_eq!(name(&join, 1, 15), Some("a"));
    let [first, second] = [1, 2].map(|address| {
        let name = join.name_for(INSIDE, MAPPED | address, 0);
        Arc::clone(name.expect("known"))
    });
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn the_oldest_make_room() {
    let mut join = join(2, 0);
    for (letter, address) in [(b'a', 1), (b'b', 2), (b'a', 1), (b'c', 3)] {
        join.learn(INSIDE, &answer(letter, None, 100, &[address]), 0);
    }
    assert_eq!(
        [1, 2, 3].map(|address| name(&join, address, 0)),
        [Some("a"), None, Some("c")]
    );
    assert_eq!((join.len(), join.counters().evicted), (2, 1));
    join.limits.name_bytes = 1;
    join.learn(INSIDE, &answer(b'd', None, 100, &[4]), 0);
    assert_eq!((join.len(), join.name_bytes), (1, 1));
}

proptest! {
    #[test]
    fn limits_hold(answers in prop::collection::vec((any::<u8>(), 0u8..20, 0u8..5), 0..200)) {
        let mut join = join(4, 0);
        for (letter, ttl, address) in answers {
            join.learn(INSIDE, &answer(b'a' + letter % 26, None, ttl, &[address, address + 1]), 0);
            prop_assert!(join.len() <= 4);
            prop_assert!(join.queue.len() <= 2 * 4 + 64);
            let held: usize = join.pairs.values().map(Pair::name_bytes).sum();
            prop_assert_eq!(held, join.name_bytes);
        }
    }
}
