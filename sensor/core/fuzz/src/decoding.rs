//! Frames of every link type, and every tunnel behind a whole outer header.

use blocktap_core::decode::{Level, Levels, Tunnel, Tunnels, decode};

use super::pieces::Pieces;

const ETHERNET: u16 = 1;
const RAW_IP: u16 = 101;
/// Ethernet behind a preamble that says nothing: the way round the fast path.
const MPACKET: u16 = 274;
const PREAMBLE_BYTES: usize = 8;

/// Link types that are read, and one that is not.
pub const LINKS: &[u16] = &[
    ETHERNET, 0, 7, 8, 9, 10, 11, 12, 14, 50, 51, RAW_IP, 104, 105, 107, 108, 109, 113, 117, 119,
    122, 123, 127, 129, 147, 163, 166, 192, 204, 228, 229, 239, 242, 274, 276,
];

/// A frame: link type, bytes missing from it, tunnels opened, then the frame.
pub fn frame(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let link = pieces.choose(LINKS);
    let missing = u32::from(pieces.u8());
    let tunnels = some_tunnels(pieces.u16());
    let frame = pieces.rest();
    let original = frame.len() as u32 + missing;
    let levels = check(link, frame, original, tunnels);
    if link == ETHERNET {
        let longer = [&[0; PREAMBLE_BYTES], frame].concat();
        let longer_original = original + PREAMBLE_BYTES as u32;
        let mut other = check(MPACKET, &longer, longer_original, tunnels);
        for level in &mut other {
            level.header -= PREAMBLE_BYTES as u32;
            level.payload -= PREAMBLE_BYTES as u32;
        }
        assert_eq!(levels, other, "the fast path is another way to the same");
    }
}

/// A tunnel: which one, over IPv4 or IPv6, then what stands behind the outer header.
pub fn tunnel(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let tunnel = pieces.choose(&Tunnel::ALL);
    let is_ip6 = pieces.u8() & 1 != 0;
    let kind = pieces.u16();
    let inner = pieces.rest();
    let (protocol, header) = match tunnel {
        Tunnel::Ipip if is_ip6 && kind & 1 != 0 => (41, vec![]),
        Tunnel::None | Tunnel::Ipip => (4, vec![]),
        Tunnel::SixInFour => (41, vec![]),
        Tunnel::Gre => (47, vec![]),
        Tunnel::Erspan => (47, [kind.to_be_bytes(), [0x88, 0xbe]].concat()),
        Tunnel::Vxlan => (17, udp_header(4789, inner)),
        Tunnel::VxlanGpe => (17, udp_header(4790, inner)),
        Tunnel::Geneve => (17, udp_header(6081, inner)),
        Tunnel::Gtp => (17, udp_header(2152, inner)),
        Tunnel::Teredo => (17, udp_header(3544, inner)),
        Tunnel::L2tp => (17, udp_header(1701, inner)),
    };
    let packet = ip_packet(is_ip6, protocol, &[&header, inner].concat());
    check(RAW_IP, &packet, packet.len() as u32, Tunnels::default());
}

fn some_tunnels(bits: u16) -> Tunnels {
    let chosen = Tunnel::ALL.into_iter().enumerate();
    chosen
        .filter(|(number, _)| bits >> number & 1 == 0)
        .fold(Tunnels::NONE, |tunnels, (_, tunnel)| tunnels.with(tunnel))
}

fn check(link: u16, frame: &[u8], original: u32, tunnels: Tunnels) -> Vec<Level> {
    let mut levels = Levels::default();
    let outcome = decode(link, frame, original, tunnels, &mut levels);
    assert_eq!(outcome.is_err(), levels.as_slice().is_empty());
    for level in levels.as_slice() {
        assert!(level.header < level.payload && level.payload as usize <= frame.len());
        assert!(level.payload_in(frame).len() <= level.payload_bytes as usize);
        assert!(level.tunnel == Tunnel::None || tunnels.opens(level.tunnel));
        assert!(matches!(level.version, 4 | 6));
    }
    levels.as_slice().to_vec()
}

fn udp_header(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    [40_000, port, length, 0].map(u16::to_be_bytes).concat()
}

fn ip_packet(is_ip6: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let header_bytes = if is_ip6 { 0 } else { 20 };
    let [high, low] = ((header_bytes + payload.len()) as u16).to_be_bytes();
    let mut packet = if is_ip6 {
        vec![0x60, 0, 0, 0, high, low, protocol, 64]
    } else {
        vec![0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0]
    };
    packet.extend([10; 32].iter().take(if is_ip6 { 32 } else { 8 }));
    packet.extend(payload);
    packet
}
