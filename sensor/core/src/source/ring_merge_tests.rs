use proptest::prelude::*;

use super::*;

const DELAY: Duration = Duration::from_millis(20);

/// A block of packets with these times.
type Block = Vec<i64>;

struct Rig {
    merge: Merge<Block>,
    start: Instant,
    taken: Vec<Block>,
}

impl Rig {
    fn new(lanes: usize) -> Self {
        Self {
            merge: Merge::new((0..lanes).map(|_| 8), DELAY),
            start: Instant::now(),
            taken: Vec::new(),
        }
    }

    fn push(&mut self, lane: usize, at_ms: u64, times: &[i64]) {
        let now = self.start + Duration::from_millis(at_ms);
        self.merge.push(lane, times.to_vec(), now);
    }

    /// The times of the packets that are due, each checked against the block that it says it lies in.
    fn fill(&mut self, at_ms: u64) -> Vec<i64> {
        let (mut records, mut blocks) = (Vec::new(), Vec::new());
        let now = self.start + Duration::from_millis(at_ms);
        self.merge
            .fill(&mut records, &mut blocks, now, |lane, block, records| {
                records.extend((0..).zip(block).map(|(offset, time_ns)| Record {
                    time_ns: *time_ns,
                    offset,
                    interface: lane as u16,
                    ..Record::default()
                }));
            });
        for record in &records {
            let block = (record.offset / block_offset(1)) as usize;
            let packet = (record.offset % block_offset(1)) as usize;
            assert_eq!(blocks[block][packet], record.time_ns);
        }
        self.taken
            .extend(blocks.into_iter().map(|block| (*block).clone()));
        records.iter().map(|record| record.time_ns).collect()
    }
}

#[test]
fn the_earliest_goes_first() {
    let mut rig = Rig::new(2);
    rig.push(0, 0, &[1, 4, 5, 9]);
    rig.push(1, 0, &[2, 3, 6, 20]);
    // Nothing is known yet of what comes after 9.
    assert_eq!(rig.fill(0), [1, 2, 3, 4, 5, 6, 9]);
    assert!(rig.fill(19).is_empty());
    rig.push(0, 19, &[10, 30]);
    assert_eq!(rig.fill(19), [10, 20]);
    assert_eq!(rig.fill(39), [30]);
    assert_eq!(rig.merge.due(), None);
}

#[test]
fn a_silent_ring_is_waited_for_no_longer_than_the_delay() {
    let mut rig = Rig::new(3);
    rig.push(1, 5, &[7, 8]);
    assert!(rig.fill(24).is_empty());
    assert_eq!(rig.merge.due(), Some(rig.start + Duration::from_millis(25)));
    assert_eq!(rig.fill(25), [7, 8]);
}

#[test]
fn a_ring_that_fills_up_waits_for_none() {
    let mut rig = Rig::new(2);
    for block in 0..4 {
        assert!(rig.merge.has_room(0));
        rig.push(0, 0, &[block]);
    }
    assert!(!rig.merge.has_room(0), "the other half is the kernel's");
    assert_eq!(rig.fill(0), [0]);
    assert!(rig.merge.has_room(0));
    assert!(rig.fill(0).is_empty());
}

#[test]
fn a_ring_that_fills_up_does_not_wait_behind_another() {
    let mut rig = Rig::new(3);
    rig.push(1, 0, &[-1]);
    for block in 0..4 {
        rig.push(0, 0, &[block]);
    }
    assert_eq!(rig.fill(0), [-1, 0]);
}

#[test]
fn a_ring_keeps_its_own_order_where_its_times_go_back() {
    let mut rig = Rig::new(2);
    rig.push(0, 0, &[5, 1, 6]);
    rig.push(1, 0, &[2, 7]);
    assert_eq!(rig.fill(30), [2, 5, 1, 6, 7]);
}

#[test]
fn a_long_block_is_given_away_in_pieces() {
    let mut rig = Rig::new(2);
    let times: Vec<_> = (0..CHUNK_PACKETS as i64 + 10).collect();
    rig.push(0, 0, &times);
    rig.push(0, 0, &[]);
    assert_eq!(rig.fill(30), times[..CHUNK_PACKETS]);
    assert_eq!(rig.fill(30), times[CHUNK_PACKETS..]);
    assert!(rig.fill(30).is_empty());
    assert_eq!(rig.taken.len(), 2, "the block is held by both chunks");
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_waits_for_ever(
        pushes in prop::collection::vec((0usize..3, prop::collection::vec(0i64..1000, 0..20)), 0..40),
    ) {
        let mut rig = Rig::new(3);
        let mut sent: Vec<i64> = Vec::new();
        let mut given: Vec<i64> = Vec::new();
        let mut at_ms = 0;
        for (lane, mut times) in pushes {
            times.sort_unstable();
            sent.extend(&times);
            rig.push(lane, at_ms, &times);
            given.extend(rig.fill(at_ms));
            at_ms += 3;
        }
        given.extend(rig.fill(at_ms + 20));
        prop_assert_eq!(rig.merge.due(), None);
        sent.sort_unstable();
        given.sort_unstable();
        prop_assert_eq!(sent, given);
    }

    #[test]
    fn blocks_there_at_once_come_out_in_order(
        lanes in prop::collection::vec(prop::collection::vec(0i64..1000, 1..50), 2..6),
    ) {
        let mut rig = Rig::new(lanes.len());
        for (lane, times) in lanes.iter().enumerate() {
            let mut times = times.clone();
            times.sort_unstable();
            rig.push(lane, 0, &times);
        }
        let given = rig.fill(20);
        prop_assert!(given.is_sorted());
        prop_assert_eq!(given.len(), lanes.iter().map(Vec::len).sum::<usize>());
    }
}
