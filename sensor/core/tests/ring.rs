//! Rings on real interfaces: pairs of virtual Ethernet in a network namespace of the test's own.

#[path = "ring/link.rs"]
mod link;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use blocktap_core::source::{Chunk, Event, Fanout, Feed, Filled, RingOptions, Rings};
use link::{Sender, command, frame, in_namespace, number_of, pair, tagged_frame};

const WAIT: Duration = Duration::from_millis(500);

fn options(interfaces: &[&str]) -> RingOptions {
    RingOptions {
        interfaces: interfaces.iter().map(|&name| name.to_owned()).collect(),
        memory_bytes: 32 << 20,
        ..RingOptions::default()
    }
}

/// What was seen of a packet.
struct Seen {
    bytes: Vec<u8>,
    time_ns: i64,
    original: u32,
    interface: u16,
}

fn collect(chunk: &Chunk, seen: &mut Vec<Seen>) {
    seen.extend(chunk.records.iter().map(|record| Seen {
        bytes: chunk.packet(record).to_vec(),
        time_ns: record.time_ns,
        original: record.original,
        interface: record.interface,
    }));
}

/// Reads until so many packets came, or none for a while.
fn read(rings: &mut Rings, count: usize) -> Vec<Seen> {
    let (mut chunk, mut seen) = (Chunk::default(), Vec::new());
    while seen.len() < count && rings.fill(&mut chunk, WAIT) == Filled::Packets {
        collect(&chunk, &mut seen);
    }
    seen
}

#[test]
fn exactly_the_frames_sent_are_seen() {
    in_namespace(|| {
        pair("tap", "far");
        let mut rings = Rings::open(options(&["tap"])).expect("a ring");
        let sent: Vec<_> = (0..1000u32)
            .map(|number| frame(number, 60 + number as usize))
            .collect();
        let sender = Sender::new("far");
        sender.send_all(&sent);
        let seen = read(&mut rings, sent.len());
        assert_eq!(seen.len(), sent.len());
        for (seen, sent) in seen.iter().zip(&sent) {
            assert_eq!(&seen.bytes, sent);
            assert_eq!(seen.original as usize, sent.len());
        }
        assert!(seen.is_sorted_by_key(|seen| seen.time_ns));
        let mut chunk = Chunk::default();
        assert_eq!(
            rings.fill(&mut chunk, Duration::from_millis(30)),
            Filled::Quiet
        );
        assert!(chunk.records.is_empty());
        assert_eq!(rings.losses(), []);
        assert_eq!(rings.handle().counters(0).packets_received, 1000);
    });
}

#[test]
fn vlan_tags_stand_where_they_stood() {
    in_namespace(|| {
        pair("tap", "far");
        let mut rings = Rings::open(options(&["tap"])).expect("a ring");
        let sent = [
            tagged_frame(1, &[(0x8100, 0x2064)]),
            tagged_frame(2, &[(0x88a8, 7), (0x8100, 8)]),
            frame(3, 100),
        ];
        let sender = Sender::new("far");
        sender.send_all(&sent);
        let seen = read(&mut rings, sent.len());
        let bytes: Vec<_> = seen.iter().map(|seen| seen.bytes.clone()).collect();
        assert_eq!(bytes, sent);
        assert!(
            seen.iter()
                .all(|seen| seen.original as usize == seen.bytes.len())
        );
        // What is behind their tags is nothing to the kernel; without a tag it remembers who took the frame.
        assert_eq!(rings.handle().counters(0).frames_unhandled, 2);
    });
}

#[test]
fn what_nobody_reads_any_more_is_lost_and_counted() {
    for rings_per_interface in [1, 2] {
        in_namespace(move || {
            pair("tap", "far");
            let mut rings = Rings::open(RingOptions {
                rings_per_interface,
                ..options(&["tap"])
            })
            .expect("rings");
            let sender = Sender::new("far");
            let sent = 20_000;
            (0..sent).for_each(|number| sender.send(&frame(number, 500)));
            let seen = read(&mut rings, 100).len() as u64;
            assert!(seen < u64::from(sent), "one chunk holds not all of them");
            let left = rings.abandoned();
            let lost: u64 = left.iter().map(|loss| loss.packets_dropped_kernel).sum();
            assert_eq!(seen + lost, u64::from(sent));
        });
    }
}

#[test]
fn what_is_sent_is_read_or_dropped() {
    in_namespace(|| {
        pair("tap", "far");
        let mut rings = Rings::open(RingOptions {
            memory_bytes: 2 << 20,
            ..options(&["tap"])
        })
        .expect("a ring");
        let sender = Sender::new("far");
        let sent = 20_000;
        (0..sent).for_each(|number| sender.send(&frame(number, 500)));
        let seen = read(&mut rings, sent as usize);
        let dropped: u64 = rings
            .losses()
            .iter()
            .map(|loss| loss.packets_dropped_kernel)
            .sum();
        assert!(dropped > 0, "a ring of 2 MiB has not room for 10 MB");
        assert_eq!(seen.len() as u64 + dropped, u64::from(sent));
        assert_eq!(rings.losses(), [], "told once");
        // The ring goes on where it stopped.
        (0..100).for_each(|number| sender.send(&frame(number, 500)));
        assert_eq!(read(&mut rings, 100).len(), 100);
    });
}

#[test]
fn blocks_given_back_by_other_threads_are_used_again() {
    in_namespace(|| {
        pair("tap", "far");
        let mut rings = Rings::open(RingOptions {
            memory_bytes: 4 << 20,
            rings_per_interface: 2,
            fanout: Fanout::Cpu,
            ..options(&["tap"])
        })
        .expect("rings");
        let sender = Sender::new("far");
        let sent = 100_000;
        let sending = thread::spawn(move || {
            for number in 0..sent {
                sender.send(&frame(number, 100 + number as usize % 900));
            }
        });
        let (give, take) = mpsc::sync_channel::<Chunk>(4);
        let looking = thread::spawn(move || {
            let mut packets = 0;
            for chunk in take {
                for record in &chunk.records {
                    let bytes = chunk.packet(record);
                    assert_eq!(bytes, frame(number_of(bytes), bytes.len()));
                }
                packets += chunk.records.len() as u64;
            }
            packets
        });
        loop {
            let mut chunk = Chunk::default();
            if rings.fill(&mut chunk, WAIT) != Filled::Packets {
                break;
            }
            give.send(chunk).expect("somebody looks");
        }
        drop(give);
        sending.join().expect("all sent");
        let seen = looking.join().expect("all as sent");
        let dropped: u64 = rings
            .losses()
            .iter()
            .map(|loss| loss.packets_dropped_kernel)
            .sum();
        assert_eq!(seen + dropped, u64::from(sent), "{dropped} dropped");
        assert!(seen > 20_000, "more than the rings hold: {seen}");
        let counters = rings.handle().counters(0);
        assert_eq!(
            (counters.packets, counters.packets_received),
            (seen, u64::from(sent))
        );
        assert_eq!(counters.blocks_damaged, 0);
    });
}

#[test]
fn blocks_are_held_while_more_arrive() {
    in_namespace(|| {
        pair("tap", "far");
        let mut rings = Rings::open(options(&["tap"])).expect("a ring");
        let sender = Sender::new("far");
        let mut chunks = Vec::new();
        for round in 0..20 {
            (0..50).for_each(|number| sender.send(&frame(round * 50 + number, 200)));
            let mut chunk = Chunk::default();
            assert_eq!(rings.fill(&mut chunk, WAIT), Filled::Packets);
            chunks.push(chunk);
        }
        let mut seen = Vec::new();
        for chunk in &chunks {
            collect(chunk, &mut seen);
        }
        seen.extend(read(&mut rings, 1000 - seen.len()));
        let sent: Vec<_> = (0..1000).map(|number| frame(number, 200)).collect();
        let seen: Vec<_> = seen.into_iter().map(|seen| seen.bytes).collect();
        assert_eq!(seen, sent);
        // The ring outlives its reader while anything of it is held.
        drop(rings);
        let mut again = Vec::new();
        for chunk in &chunks {
            collect(chunk, &mut again);
        }
        assert!(
            again
                .iter()
                .zip(&sent)
                .all(|(seen, sent)| seen.bytes == *sent)
        );
    });
}

#[test]
fn two_interfaces_are_one_stream_in_order() {
    in_namespace(|| {
        pair("tap0", "far0");
        pair("tap1", "far1");
        let mut rings = Rings::open(options(&["tap0", "tap1"])).expect("rings");
        let senders = [Sender::new("far0"), Sender::new("far1")];
        for number in 0..3000 {
            senders[number as usize % 2].send(&frame(number, 100));
        }
        let seen = read(&mut rings, 3000);
        let numbers: Vec<_> = seen.iter().map(|seen| number_of(&seen.bytes)).collect();
        assert_eq!(numbers, (0..3000).collect::<Vec<_>>());
        assert!(
            seen.iter()
                .all(|seen| u32::from(seen.interface) == number_of(&seen.bytes) % 2)
        );
        assert_eq!(rings.interfaces(), ["tap0", "tap1"]);
        // A silent interface holds up the other no longer than it may.
        senders[0].send(&frame(7, 100));
        let began = Instant::now();
        assert_eq!(read(&mut rings, 1).len(), 1);
        assert!(
            began.elapsed() < Duration::from_millis(200),
            "{:?}",
            began.elapsed()
        );
    });
}

#[test]
fn rings_of_a_group_share_the_packets() {
    for fanout in [Fanout::Hash, Fanout::Cpu, Fanout::Queue] {
        in_namespace(move || {
            pair("tap", "far");
            let mut rings = Rings::open(RingOptions {
                rings_per_interface: 3,
                fanout,
                ..options(&["tap"])
            })
            .expect("rings");
            let sender = Sender::new("far");
            (0..2000).for_each(|number| sender.send(&frame(number, 100)));
            let seen = read(&mut rings, 2000);
            let numbers: Vec<_> = seen.iter().map(|seen| number_of(&seen.bytes)).collect();
            assert_eq!(numbers, (0..2000).collect::<Vec<_>>(), "{fanout:?}");
        });
    }
}

#[test]
fn no_more_is_looked_at_than_was_asked_for() {
    in_namespace(|| {
        pair("tap", "far");
        let mut rings = Rings::open(RingOptions {
            snap_bytes: 64,
            ..options(&["tap"])
        })
        .expect("a ring");
        let sender = Sender::new("far");
        let sent = [frame(1, 500), tagged_frame(2, &[(0x8100, 5)]), frame(3, 60)];
        sender.send_all(&sent);
        for (seen, sent) in read(&mut rings, 3).iter().zip(&sent) {
            assert_eq!(seen.bytes, sent[..sent.len().min(64)]);
            assert_eq!(seen.original as usize, sent.len());
        }
    });
}

#[test]
fn what_the_machine_sends_is_left_out_if_asked() {
    in_namespace(|| {
        pair("tap", "far");
        for ignore_outgoing in [false, true] {
            let mut rings = Rings::open(RingOptions {
                ignore_outgoing,
                ..options(&["tap"])
            })
            .expect("a ring");
            Sender::new("tap").send(&frame(1, 100));
            Sender::new("far").send(&frame(2, 100));
            let seen = read(&mut rings, 3 - usize::from(ignore_outgoing));
            let numbers: Vec<_> = seen.iter().map(|seen| number_of(&seen.bytes)).collect();
            assert_eq!(numbers, if ignore_outgoing { vec![2] } else { vec![1, 2] });
        }
    });
}

#[test]
fn frames_longer_than_the_interface_takes_are_counted() {
    in_namespace(|| {
        pair("tap", "far");
        let mut rings = Rings::open(options(&["tap"])).expect("a ring");
        command("ip link set tap mtu 9000");
        command("ip link set far mtu 9000");
        let sender = Sender::new("far");
        let mut merged = |bytes| {
            sender.send(&frame(1, bytes));
            assert_eq!(read(&mut rings, 1).len(), 1);
            let merged = rings.handle().counters(0).frames_merged;
            rings.losses();
            merged
        };
        assert_eq!(merged(1514), 0);
        // Asking for losses is when it is found that the interface takes longer ones now.
        command("ip link set tap mtu 1500");
        assert_eq!(merged(1518), 0);
        command("ip link set tap mtu 9000");
        assert_eq!(merged(4000), 1);
        assert_eq!(merged(4000), 1);
        assert_eq!(rings.handle().counters(0).packets, 4);
    });
}

#[test]
fn an_interface_that_goes_down_and_up_goes_on() {
    in_namespace(|| {
        pair("tap", "far");
        let mut rings = Rings::open(options(&["tap"])).expect("a ring");
        let mut chunk = Chunk::default();
        command("ip link set tap down");
        assert_eq!(
            rings.fill(&mut chunk, Duration::from_millis(50)),
            Filled::Quiet
        );
        assert_eq!(rings.events(), [Event::Down { interface: 0 }]);
        assert_eq!(rings.events(), []);
        command("ip link set tap up");
        rings.handle().reopen(0);
        let sender = Sender::new("far");
        link::settle(&sender, || {
            rings.fill(&mut chunk, Duration::from_millis(50)) == Filled::Packets
        });
        assert_eq!(rings.events(), [Event::Reopened { interface: 0 }]);
    });
}

#[test]
fn an_interface_down_is_told_while_another_is_busy() {
    in_namespace(|| {
        pair("tap0", "far0");
        pair("tap1", "far1");
        let mut rings = Rings::open(RingOptions {
            rings_per_interface: 2,
            ..options(&["tap0", "tap1"])
        })
        .expect("rings");
        command("ip link set tap1 down");
        let sender = Sender::new("far0");
        for number in 0..3 {
            sender.send(&frame(number, 100));
            assert_eq!(read(&mut rings, 1).len(), 1);
        }
        assert_eq!(rings.events(), [Event::Down { interface: 1 }]);
        assert_eq!(rings.events(), []);
    });
}

#[test]
fn an_interface_that_was_unplugged_is_opened_again() {
    in_namespace(|| {
        pair("tap", "far");
        pair("tap1", "far1");
        let mut rings = Rings::open(options(&["tap", "tap1"])).expect("rings");
        let handle = rings.handle();
        let mut chunk = Chunk::default();
        Sender::new("far").send(&frame(0, 100));
        thread::sleep(Duration::from_millis(50));
        command("ip link delete tap");
        let mut seen = read(&mut rings, 1);
        assert_eq!(seen.len(), 1, "what came before is not lost");
        rings.fill(&mut chunk, Duration::from_millis(50));
        assert_eq!(rings.events(), [Event::Down { interface: 0 }]);
        handle.reopen(0);
        assert_eq!(rings.fill(&mut chunk, Duration::ZERO), Filled::Quiet);
        let events = rings.events();
        assert!(
            matches!(&events[..], [Event::NotReopened { interface: 0, reason }] if reason.contains("no such interface")),
            "{events:?}"
        );
        pair("tap", "far");
        handle.reopen(0);
        rings.fill(&mut chunk, Duration::ZERO);
        assert_eq!(rings.events(), [Event::Reopened { interface: 0 }]);
        Sender::new("far").send(&frame(1, 100));
        seen.extend(read(&mut rings, 1));
        let numbers: Vec<_> = seen.iter().map(|seen| number_of(&seen.bytes)).collect();
        assert_eq!(numbers, [0, 1]);
        Sender::new("far1").send(&frame(2, 100));
        assert_eq!(read(&mut rings, 1).len(), 1);
    });
}

#[test]
fn another_interface_may_take_the_name() {
    in_namespace(|| {
        pair("tap", "far");
        let mut rings = Rings::open(options(&["tap"])).expect("a ring");
        let mut chunk = Chunk::default();
        command("ip link set tap name old");
        rings.handle().reopen(0);
        Sender::new("far").send(&frame(0, 100));
        assert_eq!(read(&mut rings, 1).len(), 1, "nothing has the name");
        pair("tap", "far1");
        rings.handle().reopen(0);
        rings.fill(&mut chunk, Duration::ZERO);
        let reopened = Event::Reopened { interface: 0 };
        assert_eq!(rings.events(), [reopened.clone(), reopened]);
        Sender::new("far").send(&frame(1, 100));
        Sender::new("far1").send(&frame(2, 100));
        let seen = read(&mut rings, 1);
        let numbers: Vec<_> = seen.iter().map(|seen| number_of(&seen.bytes)).collect();
        assert_eq!(numbers, [2]);
        assert_eq!(
            rings.fill(&mut chunk, Duration::from_millis(50)),
            Filled::Quiet
        );
    });
}

#[test]
fn a_tunnel_is_captured_too() {
    in_namespace(|| {
        command("ip tuntap add dev plain mode tun");
        command("ip link set plain up");
        assert!(Rings::open(options(&["plain"])).is_ok());
    });
}

#[test]
fn what_cannot_be_captured_is_refused() {
    in_namespace(|| {
        pair("tap", "far");
        let refusal = |interfaces: &[&str]| {
            Rings::open(options(interfaces))
                .err()
                .expect("a refusal")
                .to_string()
        };
        assert!(refusal(&["nowhere"]).contains("nowhere: no such interface"));
        assert!(refusal(&["a name far longer than any"]).contains("no such interface"));
        assert!(refusal(&[]).contains("name one"));
        assert!(refusal(&["tap", "far", "tap"]).contains("tap is named twice"));
        let small = RingOptions {
            memory_bytes: 3 << 20,
            ..options(&["tap", "far"])
        };
        let small = Rings::open(small).err().expect("a refusal").to_string();
        assert!(small.contains("4194304"), "{small}");
    });
}
