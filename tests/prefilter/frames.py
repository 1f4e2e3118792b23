"""Odd frames: what a tap carries, what nobody should send, and random bytes; the same for a seed."""

import random
from collections.abc import Iterator

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import ARP, GRE, LLC, SNAP, Dot1AD, Dot1Q, Dot3, Ether
from scapy.packet import Packet, Raw

WATCHED4 = ("175.45.176.7", "210.52.109.255", "77.94.35.0")
UNWATCHED4 = ("175.45.175.255", "175.45.180.0", "210.52.110.1", "8.0.69.1", "0.0.0.0", "255.255.255.255")
WATCHED6 = ("2001:db8:77::1", "2001:db8:5::5", "::ffff:0:0:1")
UNWATCHED6 = ("2001:db8:78::", "fe80::1", "::ffff:175.45.176.7", "::", "2001:db8:5::6")
PORTS = (53, 443, 51820, 1701, 2152, 3544, 4789, 4790, 6081, 8472, 4788, 0x0800, 65535)
WATCH = (
    "175.45.176.0/22", "210.52.109.0/24", "77.94.35.0/24", "2001:db8:77::/48", "2001:db8:5::5/128",
    "::ffff:0:0:0/96",
)  # fmt: skip


def ethernet(**fields: object) -> Packet:
    """An Ethernet header with addresses of its own: scapy would ask the network for them."""
    return Ether(**{"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02", **fields})


def seeded(count: int, seed: int) -> Iterator[bytes]:
    """Frames of every kind here, in random combinations, some of them cut, some with bytes changed."""
    chance = random.Random(seed)
    for number in range(count):
        if number % 10 == 9:
            yield _random_bytes(chance)
            continue
        frame = bytearray(bytes(_tagged(chance)))
        if chance.random() < 0.15:
            del frame[max(14, chance.randrange(len(frame))) :]
        if chance.random() < 0.15:
            frame[chance.randrange(12, min(len(frame), 60))] = chance.randrange(256)
        yield bytes(frame)


def whole() -> dict[str, bytes]:
    """One frame of each kind that matters, by what it is; all of them with unwatched outer addresses."""
    ip4 = IP(src=UNWATCHED4[0], dst=UNWATCHED4[1])
    ip6 = IPv6(src=UNWATCHED6[0], dst=UNWATCHED6[1])
    inner = IP(src=WATCHED4[0], dst=UNWATCHED4[2]) / TCP() / Raw(b"x" * 20)
    packets: dict[str, Packet] = {
        "tcp4": ethernet() / ip4 / TCP(),
        "udp4": ethernet() / ip4 / UDP(sport=5000, dport=53) / Raw(b"x" * 9),
        "options4": ethernet() / IP(src="192.0.2.1", dst="192.0.2.2", ihl=8, options=[]) / Raw(b"\1" * 12),
        "tcp6": ethernet() / ip6 / TCP(),
        "udp6": ethernet() / ip6 / UDP(sport=5000, dport=53),
        "hop by hop": ethernet() / ip6 / IPv6ExtHdrHopByHop() / UDP(),
        "vlan": ethernet() / Dot1Q(vlan=7) / ip4 / TCP(),
        "qinq": ethernet() / Dot1AD(vlan=7) / Dot1Q(vlan=8) / ip6 / TCP(),
        "three tags": ethernet() / Dot1Q() / Dot1Q() / Dot1Q() / ip4 / TCP(),
        "fragment": ethernet()
        / IP(src="192.0.2.1", dst="192.0.2.2", frag=9, proto=17)
        / Raw(b"\x12\xb5" * 8),
        "arp": ethernet() / ARP(),
        "llc": Dot3(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / LLC()
        / SNAP(code=0x0800)
        / ip4
        / TCP(),
        "mpls": ethernet(type=0x8847) / Raw(b"\0\x01\x01\xff") / ip4,
        "pppoe": ethernet(type=0x8864) / Raw(b"\x11\0\0\1\0\x1e\0\x21") / ip4,
        "ipip": ethernet() / ip4 / inner,
        "6in4": ethernet() / ip4 / IPv6(src=UNWATCHED6[0], dst=WATCHED6[0]) / TCP(),
        "ip4 in ip6": ethernet() / ip6 / inner,
        "gre": ethernet() / ip4 / GRE() / inner,
        "gre6": ethernet() / ip6 / GRE() / inner,
        "ah": ethernet() / ip4 / AH(nh=4, payloadlen=1) / inner,
        "vxlan": ethernet() / ip4 / UDP(sport=9, dport=4789) / Raw(b"\x08" + bytes(7)) / ethernet() / inner,
        "vxlan back": ethernet()
        / ip4
        / UDP(sport=8472, dport=9)
        / Raw(b"\x08" + bytes(7))
        / ethernet()
        / inner,
        "gtp6": ethernet() / ip6 / UDP(sport=2152, dport=2152) / Raw(b"\x30\xff\0\x3c\0\0\0\1") / inner,
        "esp": ethernet() / IP(src="192.0.2.1", dst="192.0.2.2", proto=50) / Raw(bytes(40)),
    }
    return {name: bytes(packet) for name, packet in packets.items()}


def _random_bytes(chance: random.Random) -> bytes:
    frame = bytearray(chance.randbytes(chance.randrange(14, 120)))
    frame[12:14] = chance.choice((b"\x08\0", b"\x86\xdd", b"\x81\0", b"\x88\xa8", frame[12:14]))
    return bytes(frame)


def _tagged(chance: random.Random) -> Packet:
    packet = ethernet(dst=chance.choice(("02:00:00:00:00:02", "45:00:08:00:45:00")))
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 3))):
        packet /= chance.choice((Dot1Q, Dot1AD))(vlan=chance.randrange(4096))
    if chance.random() < 0.04:
        return packet / ARP()
    return packet / _ip(chance, depth=0)


def _ip(chance: random.Random, depth: int) -> Packet:
    if chance.random() < 0.6:
        packet: Packet = IP(
            src=_address(chance, WATCHED4, UNWATCHED4), dst=_address(chance, WATCHED4, UNWATCHED4)
        )
        if chance.random() < 0.15:
            packet.ihl = chance.randrange(16)
        if chance.random() < 0.15:
            packet.frag, packet.flags = chance.choice((0, 1, 185, 8191)), chance.choice((0, 1, 2, 4))
    else:
        packet = IPv6(src=_address(chance, WATCHED6, UNWATCHED6), dst=_address(chance, WATCHED6, UNWATCHED6))
        if chance.random() < 0.3:
            packet /= chance.choice(
                (IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, IPv6ExtHdrFragment)
            )()
    return packet / _carried(chance, depth)


def _address(chance: random.Random, watched: tuple[str, ...], unwatched: tuple[str, ...]) -> str:
    return chance.choice(watched if chance.random() < 0.08 else unwatched)


def _carried(chance: random.Random, depth: int) -> Packet:
    port = chance.choice(PORTS), chance.choice(PORTS)
    choice = chance.randrange(9 if depth < 3 else 6)
    if choice < 2:
        return TCP(sport=port[0], dport=port[1]) / Raw(chance.randbytes(chance.randrange(30)))
    if choice < 5:
        return UDP(sport=port[0], dport=port[1]) / Raw(chance.randbytes(chance.randrange(30)))
    if choice == 5:
        return ICMP()
    inner = _ip(chance, depth + 1)
    return inner if choice == 6 else GRE() / inner if choice == 7 else UDP(dport=4789) / inner
