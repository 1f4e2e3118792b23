"""Random valid packets, built by scapy: links, tags, options, extension headers, tunnels within tunnels.

Every packet is a flow of its own: its innermost addresses are random, so that none meets another.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from random import Random

from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III
from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.sctp import SCTP, SCTPChunkCookieAck, SCTPChunkData
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

MOST_TUNNELS = 3

OPAQUE_PROTOCOLS = (88, 89, 103, 112)
"""EIGRP, OSPF, PIM, VRRP: counted, and not looked into."""

TCP_OPTIONS: tuple[list[tuple[str, object]], ...] = (
    [],
    [("MSS", 1460)],
    [("MSS", 1400), ("SAckOK", b""), ("Timestamp", (7, 9)), ("NOP", None), ("WScale", 7)],
)

TUNNELS = ("ip", "gre", "erspan", "vxlan", "geneve", "gtp", "l2tp")


def random_frame(random: Random) -> bytes:
    """One Ethernet frame."""
    tunnels = random.choices(range(MOST_TUNNELS + 1), weights=(4, 4, 2, 1))[0]
    return bytes(_ethernet(_network(random, tunnels), random, tags=True))


def _ethernet(network: Packet, random: Random, *, tags: bool = False) -> Packet:
    packet = Ether(src=_mac(random), dst=_mac(random))
    if not tags:
        return packet / network
    for _ in range(random.choices((0, 1, 2), weights=(6, 2, 1))[0]):
        packet /= random.choice((Dot1Q, Dot1AD))(vlan=random.randrange(4095), prio=random.randrange(8))
    way = random.choices(("plain", "mpls", "pppoe"), weights=(8, 1, 1))[0]
    if way == "mpls":
        labels = [random.randrange(16, 1 << 20) for _ in range(random.randint(1, 4))]
        for number, label in enumerate(labels, start=1):
            packet /= MPLS(label=label, s=int(number == len(labels)), ttl=random.randrange(1, 255))
    if way == "pppoe":
        packet /= PPPoE(sessionid=random.randrange(1 << 16)) / PPP(proto=_ppp_protocol(network))
    return packet / network


def _network(random: Random, tunnels: int, *, version: int | None = None) -> Packet:
    version = version or random.choice((4, 6))
    if tunnels:
        protocol, carried = _tunnel(random, tunnels - 1)
    else:
        protocol, carried = _transport(random, version)
    header = _internet(random, version)
    setattr(header.lastlayer(), "proto" if header.lastlayer().name == "IP" else "nh", protocol)
    return header / carried


def _internet(random: Random, version: int) -> Packet:
    if version == 4:
        options = [IPOption(b"\x01") for _ in range(random.choice((0, 0, 0, 1, 4, 40)))]
        return IP(
            src=_address4(random), dst=_address4(random), id=random.randrange(1 << 16),
            ttl=random.randrange(1, 256), tos=random.randrange(256), options=options,
            flags=random.choice(("", "DF")),
        )  # fmt: skip
    packet: Packet = IPv6(
        src=_address6(random), dst=_address6(random), hlim=random.randrange(1, 256),
        tc=random.randrange(256), fl=random.randrange(1 << 20),
    )  # fmt: skip
    # In the order that RFC 8200 recommends, each at most once.
    if random.random() < 0.2:
        packet /= IPv6ExtHdrHopByHop(nh=60, options=PadN(optdata=bytes(random.randrange(30))))
    if random.random() < 0.1:
        addresses = [_address6(random) for _ in range(random.randint(0, 3))]
        packet /= IPv6ExtHdrRouting(addresses=addresses, segleft=0)
    if random.random() < 0.2:
        packet /= IPv6ExtHdrDestOpt(options=PadN(optdata=bytes(random.randrange(30))))
    return packet


def _transport(random: Random, version: int) -> tuple[int, Packet]:
    data = Raw(random.randbytes(random.choice((0, 1, 7, 64, random.randrange(1200)))))
    # Away from the ports of tunnels, which have packets of their own.
    ports = {"sport": random.randrange(20_000, 60_000), "dport": random.randrange(20_000, 60_000)}
    kind = random.choices(("tcp", "udp", "icmp", "sctp", "opaque"), weights=(4, 4, 1, 1, 1))[0]
    if kind == "tcp":
        options = random.choice(TCP_OPTIONS)
        return 6, TCP(
            flags=random.randrange(256), seq=random.randrange(1 << 32), options=options, **ports
        ) / data
    if kind == "udp":
        return 17, UDP(**ports) / data
    if kind == "icmp":
        echo = {"id": random.randrange(1 << 16), "seq": random.randrange(1 << 16)}
        return (1, ICMP(type=8, **echo) / data) if version == 4 else (58, ICMPv6EchoRequest(**echo) / data)
    if kind == "sctp":
        chunk = SCTPChunkData(data=data.load) if data.load else SCTPChunkCookieAck()
        return 132, SCTP(tag=random.randrange(1 << 32), **ports) / chunk
    return random.choice(OPAQUE_PROTOCOLS), data


def _tunnel(random: Random, tunnels: int) -> tuple[int, Packet]:
    """What an IP header carries that holds another packet: its protocol number, and the rest."""
    inner = _network(random, tunnels)
    match random.choice(TUNNELS):
        case "ip":
            return _protocol(inner), inner
        case "gre":
            return 47, _gre(random, inner)
        case "erspan":
            proto, header = random.choice(((0x88BE, ERSPAN_II()), (0x22EB, ERSPAN_III())))
            return 47, GRE(proto=proto, seqnum_present=1) / header / _ethernet(inner, random)
        case over_udp:
            port, carried = _OVER_UDP[over_udp](random, inner)
            return 17, UDP(sport=random.randrange(20_000, 60_000), dport=port) / carried


def _gre(random: Random, inner: Packet) -> Packet:
    options = {f"{option}_present": random.randrange(2) for option in ("chksum", "key", "seqnum")}
    if random.randrange(2):
        return GRE(proto=_ethertype(inner), **options) / inner
    return GRE(proto=0x6558, **options) / _ethernet(inner, random)


def _vxlan(random: Random, inner: Packet) -> tuple[int, Packet]:
    return 4789, VXLAN(flags=8, vni=random.randrange(1 << 24)) / _ethernet(inner, random)


def _geneve(random: Random, inner: Packet) -> tuple[int, Packet]:
    options = [GeneveOptions(data=bytes(4 * random.randrange(4))) for _ in range(random.randrange(3))]
    vni = random.randrange(1 << 24)
    if random.randrange(2):
        return 6081, GENEVE(vni=vni, proto=0x6558, options=options) / _ethernet(inner, random)
    return 6081, GENEVE(vni=vni, proto=_ethertype(inner), options=options) / inner


def _gtp(random: Random, inner: Packet) -> tuple[int, Packet]:
    """User data of version 1, with or without a sequence number."""
    optional = random.choice((b"", random.randbytes(2) + bytes(2)))
    data = optional + bytes(inner)
    fixed = bytes((0x32 if optional else 0x30, 255)) + len(data).to_bytes(2) + random.randbytes(4)
    return 2152, Raw(fixed + data)


def _l2tp(random: Random, inner: Packet) -> tuple[int, Packet]:
    """Version 2 without optional fields, then PPP with its address and control."""
    header = b"\x00\x02" + random.randbytes(4) + b"\xff\x03" + _ppp_protocol(inner).to_bytes(2)
    return 1701, Raw(header + bytes(inner))


_OVER_UDP = {"vxlan": _vxlan, "geneve": _geneve, "gtp": _gtp, "l2tp": _l2tp}


def _protocol(network: Packet) -> int:
    return 4 if isinstance(network, IP) else 41


def _ethertype(network: Packet) -> int:
    return 0x0800 if isinstance(network, IP) else 0x86DD


def _ppp_protocol(network: Packet) -> int:
    return 0x0021 if isinstance(network, IP) else 0x0057


def _mac(random: Random) -> str:
    # Neither a group's address nor one that a protocol of bridges uses.
    return "02:" + random.randbytes(5).hex(":")


def _address4(random: Random) -> str:
    return str(IPv4Address(random.randrange(1 << 24, 224 << 24)))


def _address6(random: Random) -> str:
    return str(IPv6Address(random.getrandbits(128)))
