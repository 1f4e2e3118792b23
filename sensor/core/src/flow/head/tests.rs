use proptest::prelude::*;

use super::*;

fn text(head: &Head) -> &str {
    std::str::from_utf8(head.bytes()).expect("ASCII")
}

#[test]
fn small_until_the_first_byte() {
    assert!(size_of::<Head>() <= 64);
    let mut head = Head::default();
    assert!(head.is_untouched());
    assert_eq!(head.push(7, true, b""), Pushed::Known);
    assert!(!head.is_untouched());
    assert_eq!(head.heap_bytes(), 0);
}

#[test]
fn reversed_after_the_handshake() {
    let mut head = Head::default();
    head.push(99, true, b"");
    assert_eq!(head.push(103, false, b"def"), Pushed::Waiting);
    assert_eq!(text(&head), "");
    assert_eq!(head.push(100, false, b"abc"), Pushed::Grew);
    assert_eq!(text(&head), "abcdef");
}

#[test]
fn the_syn_may_carry_data_and_come_late() {
    let mut head = Head::default();
    assert_eq!(head.push(9, true, b"abc"), Pushed::Grew);
    assert_eq!(head.push(13, false, b"d"), Pushed::Grew);
    assert_eq!(head.push(9, true, b"abc"), Pushed::Known);
    assert_eq!(text(&head), "abcd");
    let mut head = Head::default();
    assert_eq!(head.push(10, false, b"abc"), Pushed::Grew);
    assert_eq!(head.push(9, true, b""), Pushed::Known);
    assert_eq!(text(&head), "abc");
}

#[test]
fn met_in_the_middle() {
    let mut head = Head::default();
    assert_eq!(head.push(50, false, b"abc"), Pushed::Grew);
    assert_eq!(head.push(40, false, b"0123456789"), Pushed::Known);
    assert_eq!(head.push(48, false, b"89abcd"), Pushed::Grew);
    assert_eq!(text(&head), "abcd");
}

#[test]
fn the_bytes_seen_first_win() {
    let mut head = Head::default();
    head.push(0, false, b"abc");
    assert_eq!(head.push(2, false, b"Xde"), Pushed::Contradicts);
    assert_eq!(head.push(5, false, b"fg"), Pushed::Waiting);
    assert_eq!(head.push(3, false, b"deX"), Pushed::Contradicts);
    // A keep-alive probe repeats the last byte as zero.
    assert_eq!(head.push(2, false, b"\0"), Pushed::Contradicts);
    assert_eq!(head.push(3, false, b"de"), Pushed::Grew);
    assert_eq!(text(&head), "abcdefg");
}

#[test]
fn sequence_numbers_wrap() {
    let mut head = Head::default();
    head.push(u32::MAX - 2, true, b"");
    assert_eq!(head.push(1, false, b"def"), Pushed::Waiting);
    assert_eq!(head.push(u32::MAX - 1, false, b"abc"), Pushed::Grew);
    assert_eq!(text(&head), "abcdef");
}

#[test]
fn limits_hold() {
    let mut head = Head::default();
    head.push(0, false, b"x");
    let last = MAX_HEAD_BYTES as u32 - 1;
    assert_eq!(head.push(last + 1, false, b"x"), Pushed::Beyond);
    assert_eq!(head.push(last, false, b"xyz"), Pushed::Waiting);
    for place in 1..MAX_PIECES as u32 {
        assert_eq!(head.push(place * 2, false, b"x"), Pushed::Waiting);
    }
    assert_eq!(head.push(1000, false, b"x"), Pushed::Beyond);
    assert_eq!(head.push(1, false, &vec![b'x'; 20_000]), Pushed::Grew);
    assert!(head.is_full());
    assert_eq!(head.bytes().len(), MAX_HEAD_BYTES);
    assert!(head.heap_bytes() <= MAX_HEAD_BYTES + 1024);
}

#[test]
fn the_window_moves_on() {
    let mut head = Head::default();
    head.push(0, false, b"abc");
    head.push(5, false, b"fgh");
    assert!(head.consume(2));
    assert_eq!(text(&head), "c");
    assert!(head.consume(4));
    assert_eq!(text(&head), "gh");
    assert!(head.consume(10));
    assert_eq!(text(&head), "");
    assert_eq!(head.push(8, false, b"01234567ab"), Pushed::Grew);
    assert_eq!(text(&head), "ab");
    assert!(!head.consume(1 << 31));
    head.restart(100);
    assert_eq!(head.push(100, false, b"new"), Pushed::Grew);
    assert_eq!(text(&head), "new");
}

#[test]
fn large_buffers_are_given_back() {
    let mut head = Head::default();
    head.push(0, false, &vec![1; MAX_HEAD_BYTES]);
    head.consume(MAX_HEAD_BYTES as u64);
    assert_eq!(head.heap_bytes(), 0);
}

const STREAM_BYTES: usize = 3000;

fn stream() -> Vec<u8> {
    (0..STREAM_BYTES)
        .map(|place| (place * 7 % 251) as u8)
        .collect()
}

proptest! {
    /// Any cuts, order, repetition and loss give a prefix: the one the segments cover.
    #[test]
    fn a_prefix_of_the_stream(
        base in any::<u32>(),
        segments in prop::collection::vec((0..STREAM_BYTES, 1usize..400), 0..60),
        consumed in prop::option::of(0..STREAM_BYTES),
    ) {
        let stream = stream();
        let mut head = Head::default();
        head.push(base.wrapping_sub(1), true, b"");
        let front = consumed.unwrap_or(0);
        head.consume(front as u64);
        let mut held = vec![false; STREAM_BYTES];
        for (start, length) in segments {
            let end = (start + length).min(STREAM_BYTES);
            let before = head.bytes().len();
            let pushed = head.push(base.wrapping_add(start as u32), false, &stream[start..end]);
            prop_assert_ne!(pushed, Pushed::Contradicts);
            prop_assert_eq!(pushed == Pushed::Grew, head.bytes().len() > before);
            if pushed != Pushed::Beyond {
                held[start..end].fill(true);
            }
        }
        let length = held[front..].iter().take_while(|&&held| held).count();
        prop_assert_eq!(head.bytes(), &stream[front..front + length]);
    }

    /// Every order of a whole cut gives the whole stream.
    #[test]
    fn every_order_gives_all(
        base in any::<u32>(),
        cuts in prop::collection::btree_set(1..STREAM_BYTES, 0..MAX_PIECES),
        keys in prop::collection::vec(any::<u32>(), MAX_PIECES + 1),
    ) {
        let stream = stream();
        let edges = [0].into_iter().chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([STREAM_BYTES]);
        let mut segments: Vec<_> = edges.zip(ends).zip(keys).collect();
        segments.sort_by_key(|(_, key)| *key);
        let mut head = Head::default();
        head.push(base.wrapping_sub(1), true, b"");
        for ((start, end), _) in segments {
            head.push(base.wrapping_add(start as u32), false, &stream[start..end]);
        }
        prop_assert_eq!(head.bytes(), &stream[..]);
    }

    /// Segments with other bytes change nothing that is held.
    #[test]
    fn contradictions_change_nothing(
        segments in prop::collection::vec((0..STREAM_BYTES, 1usize..200, any::<bool>()), 0..60),
    ) {
        let stream = stream();
        let mut head = Head::default();
        head.push(u32::MAX, true, b"");
        head.push(0, false, &stream[..100]);
        for (start, length, forged) in segments {
            let end = (start + length).min(STREAM_BYTES);
            let before = head.bytes().to_vec();
            if forged {
                let mut other = stream[start.min(99)..end.max(100)].to_vec();
                other[0] ^= 1;
                let pushed = head.push(start.min(99) as u32, false, &other);
                prop_assert_eq!(pushed, Pushed::Contradicts);
                prop_assert_eq!(head.bytes(), &before[..]);
            } else {
                head.push(start as u32, false, &stream[start..end]);
                prop_assert!(stream.starts_with(head.bytes()));
                prop_assert!(head.bytes().starts_with(&before));
            }
        }
    }
}
