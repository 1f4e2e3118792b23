//! First inputs for every target, made of captures:
//! `cargo run --example seeds -- CORPUS_FOLDER CAPTURE_FOLDER...`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use blocktap_core::decode::{Fragment, Level, Levels, Tunnel, Tunnels, decode};
use blocktap_core::source::{Chunk, Record, Source};
use blocktap_fuzz::classifying::PORTS;
use blocktap_fuzz::decoding::LINKS;

/// Most inputs of one capture for one target.
const MOST_INPUTS: usize = 24;
/// Longest input.
const MOST_BYTES: usize = 1 << 14;
/// Most packets of one flow that are kept.
const MOST_PACKETS: usize = 24;
const TCP: u8 = 6;
const UDP: u8 = 17;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let corpus = arguments.next().ok_or("no folder for the inputs")?;
    for folder in arguments {
        for capture in files(&folder)? {
            for (target, inputs) in Seeds::of(&capture)?.inputs {
                write(&corpus.join(target), inputs)?;
            }
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// Names by content, so that equal inputs are one file.
fn write(folder: &Path, inputs: Vec<Vec<u8>>) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for input in inputs {
        let mut hasher = DefaultHasher::new();
        input.hash(&mut hasher);
        fs::write(folder.join(format!("{:016x}", hasher.finish())), input)?;
    }
    Ok(())
}

/// What one capture has for the targets.
#[derive(Default)]
struct Seeds {
    inputs: BTreeMap<&'static str, Vec<Vec<u8>>>,
    flows: BTreeMap<Key, Vec<Packet>>,
}

type Key = (u8, (u128, u16), (u128, u16));

struct Packet {
    from_client: bool,
    level: Level,
    payload: Vec<u8>,
}

impl Seeds {
    fn of(capture: &Path) -> Result<Self, Box<dyn Error>> {
        let mut seeds = Self::default();
        let bytes = fs::read(capture)?;
        seeds.add("source", &[&bytes]);
        seeds.add("source_packed", &[&[0, 0], &bytes]);
        seeds.add("source_merged", &[&piece(&bytes), &bytes]);
        seeds.add("pipeline", &[&bytes]);
        let path = capture
            .to_str()
            .ok_or("a path that is no UTF-8")?
            .to_owned();
        let Ok(mut source) = Source::open(&[path]) else {
            return Ok(seeds);
        };
        let mut chunk = Chunk::default();
        while source.fill(&mut chunk) {
            for record in &chunk.records {
                seeds.take(record, chunk.packet(record));
            }
        }
        for (key, packets) in std::mem::take(&mut seeds.flows) {
            seeds.add_flow(&key, &packets);
        }
        Ok(seeds)
    }

    fn add(&mut self, target: &'static str, parts: &[&[u8]]) {
        let inputs = self.inputs.entry(target).or_default();
        if inputs.len() < MOST_INPUTS {
            let mut input = parts.concat();
            input.truncate(MOST_BYTES);
            inputs.push(input);
        }
    }

    fn take(&mut self, record: &Record, frame: &[u8]) {
        let link = LINKS.iter().position(|link| *link == record.link);
        self.add("decode", &[&[link.unwrap_or(0) as u8, 0, 0, 0], frame]);
        let mut levels = Levels::default();
        let _ = decode(
            record.link,
            frame,
            record.original,
            Tunnels::default(),
            &mut levels,
        );
        for pair in levels.as_slice().windows(2) {
            let [outer, inner] = pair else { continue };
            let number = Tunnel::ALL
                .iter()
                .position(|tunnel| *tunnel == inner.tunnel);
            let from = if outer.protocol == UDP {
                outer.payload
            } else {
                inner.header
            };
            let inside = frame.get(from as usize..).unwrap_or_default();
            self.add(
                "tunnel",
                &[
                    &[number.unwrap_or(0) as u8, outer.version >> 1 & 1, 0, 0],
                    inside,
                ],
            );
        }
        if let Some(level) = levels.as_slice().last()
            && matches!(level.protocol, TCP | UDP)
            && level.fragment != Fragment::Later
        {
            let source = (level.source, level.source_port);
            let destination = (level.destination, level.destination_port);
            let backward = (level.protocol, destination, source);
            let from_client = !self.flows.contains_key(&backward);
            let key = if from_client {
                (level.protocol, source, destination)
            } else {
                backward
            };
            let packets = self.flows.entry(key).or_default();
            if packets.len() < MOST_PACKETS {
                packets.push(Packet {
                    from_client,
                    level: *level,
                    payload: level.payload_in(frame).to_vec(),
                });
            }
        }
    }

    fn add_flow(&mut self, key: &Key, packets: &[Packet]) {
        let ports = [port(key.1.1), port(key.2.1)];
        if key.0 == TCP {
            self.add_stream(ports, packets);
        } else {
            self.add_datagrams(ports, packets);
        }
    }

    fn add_stream(&mut self, ports: [u8; 2], packets: &[Packet]) {
        let mut next = [0u32; 2];
        let mut segments = Vec::new();
        let mut streams = [vec![], vec![]];
        for packet in packets {
            let side = usize::from(!packet.from_client);
            let syn = packet.level.tcp_flags >> 1 & 1;
            let sequence = packet.level.tcp_sequence;
            let moved = if next[side] == 0 {
                0
            } else {
                sequence.wrapping_sub(next[side]) as i16
            };
            segments.push(side as u8 | syn << 1 | if moved == 0 { 0 } else { 4 });
            if moved != 0 {
                segments.extend(moved.to_le_bytes());
            }
            segments.extend(piece(&packet.payload));
            if moved == 0 {
                streams[side].extend(&packet.payload);
            }
            next[side] = sequence
                .wrapping_add(packet.payload.len() as u32)
                .wrapping_add(u32::from(syn));
        }
        self.add("name_stream", &[&ports, &segments]);
        let numbered = packets.iter().zip(segments_of(&segments));
        let marked: Vec<u8> = numbered
            .flat_map(|(_, segment)| [&[0], segment].concat())
            .collect();
        self.add(
            "name_states",
            &[
                &[0xff, 0xff, 0xe0],
                &ports,
                marked.get(1..).unwrap_or_default(),
            ],
        );
        self.add(
            "head",
            &[&[0; 5], &[2, 0, 0, 0, 1, 0, 1, 0, 16], &streams[0]],
        );
        let [client, server] = &streams;
        for (stream, other) in [(client, server), (server, client)] {
            for target in ["tls_client", "tls_server", "http", "http2"] {
                self.add(target, &[&200u16.to_le_bytes(), stream]);
            }
            self.add(
                "tls_client_message",
                &[&[100, 0, 0], stream.get(5..).unwrap_or_default()],
            );
            self.add("name_cut", &[&ports, &40u16.to_le_bytes(), stream]);
            if let Some(hello) = stream.get(5..) {
                let length = 0x4000 | hello.len().min(0x3fff) as u16;
                let frames = [&[6, 0], &length.to_be_bytes()[..], hello].concat();
                self.add("quic_frames", &[&piece(&frames)]);
            }
            self.add("dns_stream", &[stream]);
            for target in ["starttls", "proxied", "classify_tcp"] {
                self.add(
                    target,
                    &[&piece(other.get(..1000).unwrap_or(other)), stream],
                );
            }
        }
        if let Some(block) = client.get(24..) {
            self.add("hpack", &[block]);
        }
    }

    fn add_datagrams(&mut self, ports: [u8; 2], packets: &[Packet]) {
        let (mut all, mut marked, mut sent) = (Vec::new(), Vec::new(), Vec::new());
        for packet in packets {
            let payload = piece(&packet.payload);
            let side = u8::from(!packet.from_client);
            all.extend([&[side], &payload[..]].concat());
            marked.extend([&[0, side], &payload[..]].concat());
            if packet.from_client {
                sent.extend(&payload);
            }
            self.add("dns_message", &[&[0, 0], &packet.payload]);
            self.add("gquic", &[&packet.payload]);
        }
        self.add("quic", &[&sent]);
        self.add("dtls", &[&sent]);
        self.add("classify_udp", &[&ports, &all]);
        self.add("name_datagrams", &[&ports, &all]);
        self.add(
            "name_states",
            &[
                &[0xff, 0xff, 0xf0],
                &ports,
                marked.get(1..).unwrap_or_default(),
            ],
        );
        let asked = packets
            .iter()
            .flat_map(|packet| [&[0, 1], &piece(&packet.payload)[..]].concat());
        self.add("dns_table", &[&[8], &asked.collect::<Vec<u8>>()]);
        let answered = packets.iter().filter(|packet| !packet.from_client);
        let answered =
            answered.flat_map(|packet| [&[0, 1, 0], &piece(&packet.payload)[..]].concat());
        self.add("dns_join", &[&[8, 200, 1], &answered.collect::<Vec<u8>>()]);
    }
}

/// Segments as the stream targets take them, each with its flags and length.
fn segments_of(segments: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = segments;
    std::iter::from_fn(move || {
        let flags = rest.first()?;
        let header = if flags & 4 == 0 { 1 } else { 3 };
        let length = rest.get(header..header + 2)?;
        let length = u16::from_le_bytes([length[0], length[1]]);
        let (segment, behind) = rest.split_at_checked(header + 2 + usize::from(length))?;
        rest = behind;
        Some(segment)
    })
}

/// Bytes behind their length.
fn piece(bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.get(..usize::from(u16::MAX)).unwrap_or(bytes);
    [&(bytes.len() as u16).to_le_bytes(), bytes].concat()
}

/// The byte that chooses a port, or one that no matcher knows.
fn port(port: u16) -> u8 {
    PORTS.iter().position(|known| *known == port).unwrap_or(0) as u8
}
