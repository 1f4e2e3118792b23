//! Applications by their first bytes.

use blocktap_core::classify::{
    Datagram, Side, UdpState, Verdict, tcp as classify_tcp, udp as classify_udp,
};

use super::pieces::Pieces;

/// Ports that a matcher looks at, and one that none does.
pub const PORTS: &[u16] = &[
    40_000, 53, 67, 68, 123, 137, 138, 161, 162, 389, 443, 500, 546, 547, 1194, 1701, 1812, 1900,
    3478, 4500, 5060, 5353, 5355, 8333, 51_820, 27_015, 30_303,
];

/// Both directions of a connection, half of each first.
pub fn tcp(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let server = pieces.piece();
    let client = pieces.rest();
    check(classify_tcp(
        &client[..client.len() / 2],
        &server[..server.len() / 2],
    ));
    check(classify_tcp(client, server));
}

/// Datagrams of one flow.
pub fn udp(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let ports = (pieces.choose(PORTS), pieces.choose(PORTS));
    let mut state = UdpState::default();
    while !pieces.is_empty() {
        let flags = pieces.u8();
        let bytes = pieces.piece();
        let (side, source_port, destination_port) = if flags & 1 == 0 {
            (Side::Client, ports.0, ports.1)
        } else {
            (Side::Server, ports.1, ports.0)
        };
        let datagram = Datagram {
            bytes,
            length: bytes.len() + usize::from(flags >> 4),
            side,
            source_port,
            destination_port,
        };
        check(classify_udp(&datagram, &mut state));
    }
}

fn check(verdict: Option<Verdict>) {
    if let Some(verdict) = verdict {
        assert!(!verdict.evidence.is_empty() && !verdict.application.word().is_empty());
    }
}
