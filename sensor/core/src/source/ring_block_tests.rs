use proptest::prelude::*;

use super::*;

const ORIGIN: Origin = Origin {
    link: ETHERNET,
    interface: 3,
    snap_bytes: u32::MAX,
    longest_frame_bytes: 1522,
};
/// Where the kernel puts an Ethernet frame behind its header, with room for a tag.
const FRAME_AT: u16 = 86;
const OPENED_S: u32 = 1_700_000_000;

/// A packet as the kernel would write it.
#[derive(Clone, Debug)]
struct Written {
    seconds: u32,
    nanoseconds: u32,
    frame: Vec<u8>,
    original: u32,
    status: u32,
    tag: u32,
    protocol: u16,
}

fn written(frame: &[u8]) -> Written {
    Written {
        seconds: OPENED_S,
        nanoseconds: 5,
        frame: frame.to_vec(),
        original: frame.len() as u32,
        status: 1,
        tag: 0,
        protocol: 0,
    }
}

/// A block as the kernel would fill it.
fn block(packets: &[Written]) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let first = if packets.is_empty() {
        0
    } else {
        BLOCK_HEADER_BYTES as u32
    };
    let mut bytes: Vec<u8> = words(&[
        1,
        48,
        1,
        packets.len() as u32,
        first,
        0,
        0,
        0,
        OPENED_S,
        1,
        0,
        0,
    ]);
    for (number, packet) in packets.iter().enumerate() {
        let length = (usize::from(FRAME_AT) + packet.frame.len()).next_multiple_of(8);
        let next = if number + 1 < packets.len() {
            length as u32
        } else {
            0
        };
        let start = bytes.len();
        bytes.extend::<Vec<u8>>(words(&[
            next,
            packet.seconds,
            packet.nanoseconds,
            packet.frame.len() as u32,
            packet.original,
            packet.status,
        ]));
        for half in [FRAME_AT, FRAME_AT + 14] {
            bytes.extend(half.to_ne_bytes());
        }
        bytes.extend::<Vec<u8>>(words(&[0, packet.tag]));
        bytes.extend(packet.protocol.to_ne_bytes());
        bytes.resize(start + usize::from(FRAME_AT), 0xee);
        bytes.extend(&packet.frame);
        bytes.resize(start + length, 0xee);
    }
    bytes
}

fn walked(block: &mut [u8], origin: Origin) -> (Walked, Vec<(Record, Vec<u8>)>) {
    let mut records = Vec::new();
    let walked = walk_block(block, origin, &mut records);
    let bytes = |record: &Record| {
        let from = record.offset as usize;
        block[from..from + record.captured as usize].to_vec()
    };
    let packets = records.iter().map(|record| (*record, bytes(record)));
    (walked, packets.collect())
}

fn frames(count: u8) -> Vec<Vec<u8>> {
    (1..=count)
        .map(|number| vec![number; 60 + usize::from(number)])
        .collect()
}

#[test]
fn packets_are_found_with_what_is_said_of_them() {
    let frames = frames(3);
    let mut packets: Vec<_> = frames.iter().map(|frame| written(frame)).collect();
    packets[1].original = 2000;
    packets[2].seconds = OPENED_S - 1;
    packets[2].status |= ADAPTER_TIME;
    let (walked, found) = walked(&mut block(&packets), ORIGIN);
    let expected = Walked {
        packets: 3,
        frames_merged: 1,
        frames_unhandled: 0,
        adapter_times: 1,
        damaged: false,
    };
    assert_eq!(walked, expected);
    let bytes: Vec<_> = found.iter().map(|(_, bytes)| bytes.clone()).collect();
    assert_eq!(bytes, frames);
    let times: Vec<_> = found.iter().map(|(record, _)| record.time_ns).collect();
    let opened_ns = i64::from(OPENED_S) * SECOND;
    assert_eq!(
        times,
        [opened_ns + 5, opened_ns + 5, opened_ns - SECOND + 5]
    );
    let originals: Vec<_> = found.iter().map(|(record, _)| record.original).collect();
    assert_eq!(originals, [61, 2000, 63]);
    assert!(
        found
            .iter()
            .all(|(record, _)| (record.link, record.interface) == (1, 3))
    );
}

#[test]
fn an_empty_block_is_empty() {
    assert_eq!(walked(&mut block(&[]), ORIGIN), (Walked::default(), vec![]));
}

#[test]
fn a_tag_is_put_back() {
    let frame: Vec<u8> = (0..60).collect();
    let with = |status, protocol| Written {
        status,
        tag: 0x2064,
        protocol,
        ..written(&frame)
    };
    let packets = [
        with(VLAN_VALID | VLAN_PROTOCOL_VALID, 0x88a8),
        with(VLAN_VALID, 0),
        with(0, 0x88a8),
    ];
    let (walked, found) = walked(&mut block(&packets), ORIGIN);
    assert!(!walked.damaged);
    let tagged = |tag: [u8; 4]| [&frame[..12], &tag, &frame[12..]].concat();
    assert_eq!(found[0].1, tagged([0x88, 0xa8, 0x20, 0x64]));
    assert_eq!(found[1].1, tagged([0x81, 0x00, 0x20, 0x64]));
    assert_eq!(found[2].1, frame);
    let originals: Vec<_> = found.iter().map(|(record, _)| record.original).collect();
    assert_eq!(originals, [64, 64, 60]);
}

#[test]
fn a_frame_too_short_for_a_tag_stays_as_it_is() {
    let packet = Written {
        status: VLAN_VALID,
        ..written(&[7; 11])
    };
    let (_, found) = walked(&mut block(&[packet]), ORIGIN);
    assert_eq!(found[0].1, [7; 11]);
    assert_eq!(found[0].0.original, 15);
}

#[test]
fn no_more_is_kept_than_asked_for() {
    let origin = Origin {
        snap_bytes: 40,
        ..ORIGIN
    };
    let (_, found) = walked(&mut block(&[written(&[1; 60]), written(&[2; 20])]), origin);
    assert_eq!((found[0].0.captured, found[0].0.original), (40, 60));
    assert_eq!((found[1].0.captured, found[1].0.original), (20, 20));
}

#[test]
fn a_packet_without_a_time_is_as_old_as_the_one_before() {
    let without = Written {
        seconds: 0,
        nanoseconds: 0,
        ..written(&[1; 60])
    };
    let (_, found) = walked(
        &mut block(&[without.clone(), written(&[2; 60]), without]),
        ORIGIN,
    );
    let opened_ns = i64::from(OPENED_S) * SECOND;
    let times: Vec<_> = found
        .iter()
        .map(|(record, _)| record.time_ns - opened_ns)
        .collect();
    assert_eq!(times, [1, 5, 5]);
}

#[test]
fn a_block_cut_anywhere_gives_its_whole_packets() {
    let packets: Vec<_> = frames(3).iter().map(|frame| written(frame)).collect();
    let whole = block(&packets);
    let (_, all) = walked(&mut whole.clone(), ORIGIN);
    for length in 0..whole.len() {
        let (walked, found) = walked(&mut whole[..length].to_vec(), ORIGIN);
        assert_eq!(walked.damaged, found.len() < 3, "{length}");
        assert_eq!(found, all[..found.len()]);
    }
}

#[test]
fn a_packet_that_leads_nowhere_ends_the_block() {
    let packets: Vec<_> = frames(3).iter().map(|frame| written(frame)).collect();
    for next in [0, 1, 47, u32::MAX] {
        let mut bytes = block(&packets);
        bytes[BLOCK_HEADER_BYTES..][..4].copy_from_slice(&next.to_ne_bytes());
        let (walked, found) = walked(&mut bytes, ORIGIN);
        assert_eq!((walked.damaged, found.len()), (true, 1), "{next}");
    }
}

proptest! {
    #[test]
    fn damage_is_harmless(
        lengths in prop::collection::vec((0usize..200, any::<bool>()), 0..12),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
    ) {
        let packets: Vec<_> = lengths
            .iter()
            .map(|&(length, tagged)| Written {
                status: if tagged { VLAN_VALID } else { 1 },
                ..written(&vec![9; length])
            })
            .collect();
        let mut bytes = block(&packets);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        // Looks at the bytes of each packet, too.
        let (walked, found) = walked(&mut bytes, ORIGIN);
        prop_assert_eq!(walked.packets, found.len() as u64);
        prop_assert!(found.len() <= bytes.len() / PACKET_HEADER_BYTES);
        prop_assert!(found.iter().all(|(record, _)| record.captured <= record.original));
    }
}
