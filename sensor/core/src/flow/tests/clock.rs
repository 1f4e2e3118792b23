//! One wrong timestamp moves nothing; time set right does.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::StreamClock;
use super::build::SECOND;

/// Packets that confirm a step ahead, and one set back.
const AHEAD: usize = 16;
const BEHIND: usize = 256;
/// The largest step believed at once.
const STEP_S: i64 = 60;

/// The clock in seconds after packets at these seconds.
fn after(clock: &mut StreamClock, seconds: impl IntoIterator<Item = i64>) -> u64 {
    for second in seconds {
        clock.advance(second * SECOND);
    }
    clock.now_ns() / SECOND.unsigned_abs()
}

#[test]
fn follows_packets_in_order_and_bridges_disorder() {
    let mut clock = StreamClock::default();
    assert_eq!(after(&mut clock, [1000]), 0);
    assert_eq!(after(&mut clock, [1001, 1003, 1002, 1003]), 3);
    assert_eq!(after(&mut clock, [1003 + STEP_S]), 63);
}

#[test]
fn a_wrong_timestamp_moves_nothing() {
    for wrong in [4_000_000_000, 1001 + STEP_S + 1, -5_000_000_000] {
        let mut clock = StreamClock::default();
        assert_eq!(after(&mut clock, [1000, wrong, 1001]), 1);
        // Nor do many, while the others go on between them.
        assert_eq!(after(&mut clock, [wrong, 1001].repeat(1000)), 1);
        assert_eq!(after(&mut clock, [1002]), 2);
    }
}

#[test]
fn a_wrong_timestamp_at_the_start_does_not_stop_the_clock() {
    let mut clock = StreamClock::default();
    assert_eq!(after(&mut clock, [4_000_000_000]), 0);
    assert_eq!(after(&mut clock, [1000; BEHIND]), 0);
    assert_eq!(after(&mut clock, [1010]), 10);
}

#[test]
fn a_confirmed_jump_moves_a_little() {
    let mut clock = StreamClock::default();
    after(&mut clock, [0]);
    assert_eq!(after(&mut clock, [86_400; AHEAD - 1]), 0);
    // No more than packets may be out of order: those before must not look silent.
    assert_eq!(after(&mut clock, [86_400]), 5);
    assert_eq!(after(&mut clock, [86_401]), 6);
}

#[test]
fn a_clock_set_back_goes_on_from_there() {
    let mut clock = StreamClock::default();
    after(&mut clock, [10_000]);
    assert_eq!(after(&mut clock, [5000; BEHIND - 1]), 0);
    assert_eq!(after(&mut clock, [5000, 5001]), 1);
}

#[test]
fn silence_passes_and_packets_from_its_midst_do_not_turn_it_back() {
    let mut clock = StreamClock::default();
    clock.pass(99 * SECOND.unsigned_abs());
    assert_eq!((clock.now_ns(), clock.time_ns()), (0, 0), "nothing began");
    clock.advance(1000 * SECOND);
    clock.pass(99 * SECOND.unsigned_abs());
    assert_eq!(clock.now_ns(), 99 * SECOND.unsigned_abs());
    assert_eq!(clock.time_ns(), 1099 * SECOND);
    assert_eq!(clock.advance(1098 * SECOND), 99 * SECOND.unsigned_abs());
    assert_eq!(clock.advance(1100 * SECOND), 100 * SECOND.unsigned_abs());
}

proptest! {
    #[test]
    fn only_grows_and_by_no_more_than_a_step(
        times in vec(prop_oneof![any::<i64>(), -200 * SECOND..200 * SECOND], 0..200),
        repeats in 1_usize..40,
    ) {
        let mut clock = StreamClock::default();
        let mut before = 0;
        for time_ns in times.into_iter().flat_map(|time_ns| vec![time_ns; repeats]) {
            let now = clock.advance(time_ns);
            prop_assert!(now >= before && now - before <= 60 * SECOND.unsigned_abs());
            prop_assert_eq!(now, clock.now_ns());
            before = now;
        }
    }

    #[test]
    fn is_packet_time_where_that_is_in_order(steps in vec(0..=STEP_S, 0..100), start in -9_000_000_000..9_000_000_000_i64) {
        let mut clock = StreamClock::default();
        let mut time = start;
        after(&mut clock, [start]);
        for step in steps {
            time += step;
            prop_assert_eq!(after(&mut clock, [time]), time.abs_diff(start));
        }
    }
}
