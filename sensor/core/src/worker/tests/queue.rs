//! The queue of rows: bounded, honest, and never in the way of a capture.

use std::time::{Duration, Instant};

use crate::worker::{Dropped, Item, RowQueue, Taken};

const NOW: Duration = Duration::ZERO;

fn item(value: u64, rows: u64) -> Item<u64> {
    Item {
        value,
        rows,
        bytes: rows * 100,
        packets: rows * 10,
        precious: false,
    }
}

#[test]
fn the_oldest_go_first_and_are_counted() {
    let queue = RowQueue::new(10, 1000);
    for value in 0..5 {
        assert!(queue.put(item(value, 4)));
    }
    assert_eq!(queue.rows(), 8);
    let dropped = Dropped {
        rows: 12,
        packets: 120,
    };
    assert_eq!(queue.dropped(), dropped);
    assert_eq!(queue.dropped(), Dropped::default());
    assert_eq!(queue.take(NOW), Taken::Rows(3));
    assert_eq!(queue.take(NOW), Taken::Rows(4));
    assert_eq!(queue.take(NOW), Taken::Nothing);
    queue.end();
    assert_eq!(queue.take(NOW), Taken::Over);
}

#[test]
fn one_batch_is_held_however_large_and_the_precious_stay_longest() {
    let queue = RowQueue::new(10, 1000);
    queue.put(item(0, 1000));
    assert_eq!(queue.rows(), 1000);
    queue.put(Item {
        precious: true,
        ..item(1, 2)
    });
    assert_eq!(queue.dropped().rows, 1000);
    queue.put(item(2, 7));
    queue.put(item(3, 7));
    assert_eq!(queue.dropped().rows, 7);
    assert_eq!(queue.take(NOW), Taken::Rows(1));
    assert_eq!(queue.take(NOW), Taken::Rows(3));
    for value in 0..20 {
        queue.put(Item {
            precious: true,
            ..item(value, 2)
        });
    }
    assert_eq!((queue.rows(), queue.dropped().rows), (10, 30));
}

#[test]
fn patience_waits_for_who_takes_and_not_for_who_does_not() {
    let queue = RowQueue::new(10, 1000);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for value in 0..20 {
                queue.put_within(item(value, 6), Duration::from_secs(20));
            }
            queue.end();
        });
        let mut next = 0;
        while let Taken::Rows(value) = queue.take(Duration::from_secs(20)) {
            assert_eq!(value, next);
            next += 1;
        }
        assert_eq!(next, 20);
    });
    assert_eq!(queue.dropped(), Dropped::default());
    let queue = RowQueue::new(10, 1000);
    queue.put(item(0, 6));
    let began = Instant::now();
    queue.put_within(item(1, 6), Duration::from_millis(20));
    assert!(began.elapsed() >= Duration::from_millis(20));
    assert_eq!(queue.dropped().rows, 6);
}

#[test]
fn a_closed_queue_takes_nothing() {
    let queue = RowQueue::new(10, 1000);
    queue.put(item(0, 6));
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| queue.put_within(item(1, 6), Duration::from_secs(20)));
        std::thread::sleep(Duration::from_millis(5));
        queue.close();
        assert!(!waits.join().expect("an answer"));
    });
    assert!(!queue.put(item(2, 1)));
    assert_eq!(queue.take(NOW), Taken::Over);
}
