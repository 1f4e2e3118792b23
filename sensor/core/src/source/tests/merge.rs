//! Several inputs as one stream.

use super::build::{MICROSECONDS, Order, Pcap, Pcapng, pcap_at};
use super::{Folder, Packet, replay};
use crate::source::{CHUNK_BYTES, Chunk, Source};

fn seconds(packets: &[Packet]) -> Vec<i64> {
    packets
        .iter()
        .map(|packet| packet.time_ns / 1_000_000_000)
        .collect()
}

#[test]
fn packets_come_by_time_and_equal_times_by_input() {
    let folder = Folder::new("merge-order");
    let one = folder.file("one.pcap", &pcap_at(&[1, 4, 5, 5, 9]));
    let two = folder.file("two.pcap", &pcap_at(&[2, 3, 5, 8]));
    let (packets, source) = replay(&[one.clone(), two.clone()]);
    assert_eq!(seconds(&packets), [1, 2, 3, 4, 5, 5, 5, 8, 9]);
    let fives: Vec<&str> = packets[4..7]
        .iter()
        .map(|packet| packet.interface.as_str())
        .collect();
    assert_eq!(fives, ["one.pcap", "one.pcap", "two.pcap"]);
    assert_eq!(
        source
            .reports()
            .iter()
            .map(|report| report.packets)
            .collect::<Vec<_>>(),
        [5, 4]
    );
    let progress = source.progress();
    assert_eq!(Some(progress.bytes_read), progress.bytes_total);
    let (packets, _) = replay(&[two, one]);
    let fives: Vec<&str> = packets[4..7]
        .iter()
        .map(|packet| packet.interface.as_str())
        .collect();
    assert_eq!(fives, ["two.pcap", "one.pcap", "one.pcap"]);
}

#[test]
fn an_input_keeps_its_order_where_its_times_go_back() {
    let folder = Folder::new("merge-back");
    let back = folder.file("back.pcap", &pcap_at(&[5, 1, 6]));
    let other = folder.file("other.pcap", &pcap_at(&[2, 4, 7]));
    assert_eq!(seconds(&replay(&[back, other]).0), [2, 4, 5, 1, 6, 7]);
}

#[test]
fn rotated_files_named_in_any_order_are_one_stream() {
    let folder = Folder::new("merge-rotated");
    let mut paths = Vec::new();
    let mut expected = Vec::new();
    for file in 0..20_u32 {
        let mut pcap = Pcap::new(Order::Little, MICROSECONDS, 1);
        for packet in 0..300 {
            let bytes = vec![file as u8; 1_000 + packet as usize];
            pcap = pcap.packet(file, packet, 1_500, &bytes);
        }
        paths.push(folder.file(&format!("{file}.pcap"), &pcap.bytes));
        expected.extend(replay(&paths[file as usize..]).0);
    }
    paths.reverse();
    let (packets, source) = replay(&paths);
    assert!(packets == expected);
    assert!(source.reports().iter().all(|report| report.packets == 300));
}

#[test]
fn a_thousand_small_files_are_read() {
    let folder = Folder::new("merge-thousand");
    let paths: Vec<String> = (0..1_000)
        .map(|file| folder.file(&format!("{file}.pcap"), &pcap_at(&[file, file + 1])))
        .collect();
    let (packets, source) = replay(&paths);
    assert_eq!(packets.len(), 2_000);
    assert!(seconds(&packets).is_sorted());
    assert_eq!(source.interfaces().len(), 1_000);
}

#[test]
fn a_damaged_input_ends_and_the_others_go_on() {
    let folder = Folder::new("merge-damage");
    let mut damaged = pcap_at(&[1, 3]);
    damaged.extend([0xff; 16]);
    let cut = pcap_at(&[2, 4, 6]);
    let paths = [
        folder.file("damaged.pcap", &damaged),
        folder.file("cut.pcap", &cut[..cut.len() - 1]),
        folder.file("empty.pcap", &pcap_at(&[])),
        folder.file("good.pcapng", &{
            let good = Pcapng::new(Order::Little).interface(1, 0, &[]);
            good.enhanced(0, 5_000_000, 1, b"a")
                .enhanced(0, 7_000_000, 1, b"a")
                .bytes
        }),
    ];
    let (packets, source) = replay(&paths);
    assert_eq!(seconds(&packets), [1, 2, 3, 4, 5, 7]);
    let reports = source.reports();
    assert!(reports[0].error.is_some() && reports[0].packets == 2);
    assert!(reports[1].warning.is_some() && reports[1].packets == 2);
    assert!(reports[2].error.is_none() && reports[2].warning.is_none());
    assert!(reports[3].error.is_none() && reports[3].packets == 2);
}

#[test]
fn a_file_gone_before_its_turn_is_told() {
    let folder = Folder::new("merge-gone");
    let paths = [
        folder.file("gone.pcap", &pcap_at(&[1])),
        folder.file("stays.pcap", &pcap_at(&[2])),
    ];
    let mut source = Source::open(&paths).expect("captures");
    std::fs::remove_file(&paths[0]).expect("removed");
    let mut chunk = Chunk::default();
    assert!(source.fill(&mut chunk));
    assert_eq!(chunk.records.len(), 1);
    assert!(!source.fill(&mut chunk));
    let error = source.reports()[0].error.clone().expect("an error");
    assert_eq!(error, "cannot be opened again: no such file");
}

#[test]
fn chunks_stay_small_and_reports_count_what_was_given() {
    let folder = Folder::new("merge-chunks");
    let mut paths = Vec::new();
    for (name, first) in [("even", 0), ("odd", 1)] {
        let mut pcap = Pcap::new(Order::Little, MICROSECONDS, 1);
        for second in 0..30_000 {
            pcap = pcap.packet(first + 2 * second, 0, 1_500, b"");
        }
        paths.push(folder.file(name, &pcap.bytes));
    }
    let mut source = Source::open(&paths).expect("captures");
    let (mut chunk, mut packets) = (Chunk::default(), 0);
    while source.fill(&mut chunk) {
        assert!(chunk.records.len() <= CHUNK_BYTES / 16);
        packets += chunk.records.len() as u64;
        assert_eq!(
            source
                .reports()
                .iter()
                .map(|report| report.packets)
                .sum::<u64>(),
            packets
        );
    }
    assert_eq!(packets, 60_000);
}
