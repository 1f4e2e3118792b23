//! Whole flows on their way to a name: a stream's segments, a flow's datagrams, many flows in little room.

use blocktap_core::classify::{
    Found, MAX_FOUND_NAME_BYTES, MAX_FOUND_NAMES, MAX_USER_AGENTS, NameState, NameStates, Naming,
    Resolvers, Segment, StateRef, Step, UdpDatagram,
};
use blocktap_core::flow::MAX_HEAD_BYTES;
use blocktap_core::name::dns::Message;

use super::classifying::PORTS;
use super::pieces::Pieces;

const TCP: u8 = 6;
const UDP: u8 = 17;
/// Two full heads, or a hello put together with what QUIC keeps besides, and room for the rest.
const MOST_STATE_BYTES: usize = 3 * MAX_HEAD_BYTES;
const MAX_FLOWS: usize = 8;

/// The segments of one connection.
pub fn stream(bytes: &[u8]) {
    one_flow(TCP, Pieces::new(bytes));
}

/// The datagrams of one flow.
pub fn datagrams(bytes: &[u8]) {
    one_flow(UDP, Pieces::new(bytes));
}

/// What a client says at once and what it says in two segments name the same, its server silent.
pub fn cut(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let ports = (pieces.choose(PORTS), pieces.choose(PORTS));
    let cut = usize::from(pieces.u16());
    let stream = pieces.rest();
    let stream = &stream[..stream.len().min(MAX_HEAD_BYTES)];
    let (first, second) = stream.split_at(cut.min(stream.len()));
    let whole = found_of(ports, &[stream]);
    let parts = found_of(ports, &[first, second]);
    let applications = [whole.application(), parts.application()];
    // Bytes can fit two protocols: which one is said then depends on what was there first.
    if let [Some(one), Some(other)] = applications
        && one != other
    {
        return;
    }
    assert_eq!(applications[0], applications[1]);
    assert_eq!(whole.names(), parts.names());
    assert_eq!(whole.ja4, parts.ja4);
}

fn found_of(ports: (u16, u16), segments: &[&[u8]]) -> Found {
    let mut flow = Flow {
        ports,
        ..Flow::new(TCP, &mut Pieces::new(&[]))
    };
    let mut look = Look::default();
    let Some(mut state) = NameState::new(TCP) else {
        panic!("flows of TCP have names");
    };
    for segment in segments {
        let length = (segment.len() as u16).to_le_bytes();
        let packet = [&[0], &length[..], segment].concat();
        let step = flow.step(
            &mut Pieces::new(&packet),
            &mut look,
            |packet, naming| match packet {
                Payload::Segment(segment) => state.segment(segment, naming),
                Payload::Datagram(_) => Step::Settled,
            },
        );
        if step == Step::Settled {
            break;
        }
    }
    flow.found
}

/// Flows of both kinds that share little room.
pub fn states(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let mut states: NameStates = NameStates::new(usize::from(pieces.u16()));
    let mut flows: Vec<(StateRef, Flow)> = Vec::new();
    let mut look = Look::default();
    while !pieces.is_empty() {
        let number = usize::from(pieces.u8());
        let at = number % MAX_FLOWS;
        if number >= 0xf0 || at >= flows.len() {
            let protocol = if number & 0x10 == 0 { TCP } else { UDP };
            let begun = (states.begin(protocol), Flow::new(protocol, &mut pieces));
            if at < flows.len() {
                states.end(flows[at].0);
                flows[at] = begun;
            } else {
                flows.push(begun);
            }
        }
        let at = at.min(flows.len() - 1);
        let (state, flow) = &mut flows[at];
        flow.step(&mut pieces, &mut look, |packet, naming| match packet {
            Payload::Segment(segment) => states.segment(*state, segment, naming),
            Payload::Datagram(datagram) => states.datagram(*state, datagram, naming),
        });
        assert!(states.len() <= MAX_FLOWS);
    }
    for (state, _) in flows {
        states.end(state);
    }
    assert!(states.is_empty());
    assert_eq!(states.held_bytes(), 0);
}

fn one_flow(protocol: u8, mut pieces: Pieces<'_>) {
    let mut flow = Flow::new(protocol, &mut pieces);
    let mut look = Look::default();
    let Some(mut state) = NameState::new(protocol) else {
        panic!("flows of {protocol} have names");
    };
    while !pieces.is_empty() {
        let step = flow.step(&mut pieces, &mut look, |packet, naming| match packet {
            Payload::Segment(segment) => state.segment(segment, naming),
            Payload::Datagram(datagram) => state.datagram(datagram, naming),
        });
        assert!(
            state.heap_bytes() <= MOST_STATE_BYTES,
            "{}",
            state.heap_bytes()
        );
        if step == Step::Settled {
            break;
        }
    }
}

/// What flows share while they are looked at.
struct Look {
    resolvers: Resolvers,
    message: Message,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            resolvers: Resolvers::new(["dns.google", "example.com"]),
            message: Message::default(),
        }
    }
}

enum Payload<'a> {
    Segment(Segment<'a>),
    Datagram(UdpDatagram<'a>),
}

/// One flow: where its next bytes belong, and what is known of it.
struct Flow {
    protocol: u8,
    ports: (u16, u16),
    next: [u32; 2],
    found: Found,
}

impl Flow {
    fn new(protocol: u8, pieces: &mut Pieces<'_>) -> Self {
        Self {
            protocol,
            ports: (pieces.choose(PORTS), pieces.choose(PORTS)),
            next: [0; 2],
            found: Found::default(),
        }
    }

    /// Makes the next packet of the bytes, and gives it to `take`.
    fn step(
        &mut self,
        pieces: &mut Pieces<'_>,
        look: &mut Look,
        mut take: impl FnMut(&Payload<'_>, &mut Naming<'_>) -> Step,
    ) -> Step {
        let flags = pieces.u8();
        let payload = if self.protocol == TCP {
            self.segment(flags, pieces)
        } else {
            self.datagram(flags, pieces)
        };
        let mut naming = Naming {
            resolvers: &look.resolvers,
            message: &mut look.message,
            found: &mut self.found,
            dns: &mut |message, _| {
                message.first_name();
            },
        };
        let step = take(&payload, &mut naming);
        self.check();
        step
    }

    /// The next bytes of a side, unless the flags move them.
    fn segment<'a>(&mut self, flags: u8, pieces: &mut Pieces<'a>) -> Payload<'a> {
        let from_client = flags & 1 == 0;
        let moved = if flags & 4 == 0 {
            0
        } else {
            i32::from(pieces.u16().cast_signed())
        };
        let payload = pieces.piece();
        let next = &mut self.next[usize::from(flags & 1)];
        let sequence = next.wrapping_add_signed(moved);
        let syn = flags & 2 != 0;
        *next = sequence
            .wrapping_add(payload.len() as u32)
            .wrapping_add(u32::from(syn));
        Payload::Segment(Segment {
            from_client,
            client_is_known: true,
            sequence,
            syn,
            payload,
            client_port: self.ports.0,
            server_port: self.ports.1,
        })
    }

    fn datagram<'a>(&self, flags: u8, pieces: &mut Pieces<'a>) -> Payload<'a> {
        let from_client = flags & 1 == 0;
        let payload = pieces.piece();
        let (source_port, destination_port) = if from_client {
            self.ports
        } else {
            (self.ports.1, self.ports.0)
        };
        Payload::Datagram(UdpDatagram {
            from_client,
            payload,
            length: payload.len() + usize::from(flags >> 4),
            source_port,
            destination_port,
            multicast: flags & 2 != 0,
        })
    }

    fn check(&self) {
        let found = &self.found;
        let name_bytes: usize = found.names().iter().map(|name| name.len()).sum();
        assert!(found.names().len() <= MAX_FOUND_NAMES && name_bytes <= MAX_FOUND_NAME_BYTES);
        assert!(found.user_agents().len() <= MAX_USER_AGENTS);
        assert!(found.name().is_none_or(|(name, _)| !name.is_empty()));
    }
}
