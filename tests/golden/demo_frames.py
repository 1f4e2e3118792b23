"""Conversations into Ethernet frames: handshakes, segments, fragments, VLAN tags and VXLAN, built by dpkt."""

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address

import dpkt

INSIDE_MAC = bytes.fromhex("020000000001")
OUTSIDE_MAC = bytes.fromhex("020000000002")
SEGMENT_BYTES = 1_400
FRAGMENT_BYTES = 976  # a multiple of eight, as the offset of the next fragment counts in eights

Message = tuple[bool, bytes]  # sent by the initiator?, payload
Packet = tuple[bool, bytes]  # sent by the initiator?, IP packet
Frame = tuple[float, bytes]  # seconds since 1970, Ethernet frame


@dataclass(frozen=True)
class Conversation:
    """Two ends, what they say to each other, and how the frames carry it."""

    start_s: float
    initiator: tuple[str, int]
    responder: tuple[str, int]
    messages: list[Message] = field(default_factory=list)
    protocol: int = dpkt.ip.IP_PROTO_TCP
    answered: bool = True
    wrap: str = "plain"


def ip_packet(
    source: str, destination: str, body: dpkt.Packet | bytes, protocol: int, number: int = 0
) -> bytes:
    """An IP packet of the version of its addresses; dpkt fills the checksums in."""
    a, b = ip_address(source).packed, ip_address(destination).packed
    if len(a) == 16:
        packet = dpkt.ip6.IP6(src=a, dst=b, nxt=protocol, hlim=64, plen=len(body), data=body)
        packet.extension_hdrs = {}
        return bytes(packet)
    return bytes(dpkt.ip.IP(src=a, dst=b, p=protocol, id=number, ttl=64, len=20 + len(body), data=body))


def tcp_packets(conversation: Conversation) -> Iterator[Packet]:
    """Handshake, messages in segments, each message acknowledged, and the close by both sides."""
    next_sequence = {True: 1_000, False: 5_000}

    def send(outgoing: bool, flags: int, body: bytes = b"") -> Packet:
        (source, sport), (destination, dport) = _ends(conversation, outgoing)
        segment = dpkt.tcp.TCP(
            sport=sport, dport=dport, seq=next_sequence[outgoing], flags=flags, win=65_535, data=body,
            ack=next_sequence[not outgoing] if flags & dpkt.tcp.TH_ACK else 0,
        )  # fmt: skip
        number = next_sequence[outgoing] & 0xFFFF
        next_sequence[outgoing] += len(body) + bool(flags & (dpkt.tcp.TH_SYN | dpkt.tcp.TH_FIN))
        return outgoing, ip_packet(source, destination, segment, dpkt.ip.IP_PROTO_TCP, number)

    syn, ack, push, fin = dpkt.tcp.TH_SYN, dpkt.tcp.TH_ACK, dpkt.tcp.TH_PUSH, dpkt.tcp.TH_FIN
    yield send(True, syn)
    if not conversation.answered:
        return
    yield send(False, syn | ack)
    yield send(True, ack)
    for outgoing, body in conversation.messages:
        for at in range(0, len(body), SEGMENT_BYTES):
            yield send(outgoing, ack | push, body[at : at + SEGMENT_BYTES])
        yield send(not outgoing, ack)
    yield send(True, fin | ack)
    yield send(False, fin | ack)
    yield send(True, ack)


def udp_packets(conversation: Conversation) -> Iterator[Packet]:
    """One datagram a message; answers are left out where nobody answers."""
    for number, (outgoing, body) in enumerate(conversation.messages, start=1):
        if outgoing or conversation.answered:
            (source, sport), (destination, dport) = _ends(conversation, outgoing)
            datagram = dpkt.udp.UDP(sport=sport, dport=dport, ulen=8 + len(body), data=body)
            yield outgoing, ip_packet(source, destination, datagram, dpkt.ip.IP_PROTO_UDP, number)


def echo_packets(conversation: Conversation) -> Iterator[Packet]:
    """One ICMP echo request a message of the initiator, one reply a message of the responder."""
    for number, (outgoing, body) in enumerate(conversation.messages):
        (source, _), (destination, _) = _ends(conversation, outgoing)
        echo = dpkt.icmp.ICMP.Echo(id=77, seq=number // 2, data=body)
        message = dpkt.icmp.ICMP(type=8 if outgoing else 0, data=echo)
        yield outgoing, ip_packet(source, destination, message, dpkt.ip.IP_PROTO_ICMP, number)


def _ends(conversation: Conversation, outgoing: bool) -> tuple[tuple[str, int], tuple[str, int]]:
    ends = (conversation.initiator, conversation.responder)
    return ends if outgoing else ends[::-1]


def fragments(packet: bytes) -> Iterator[bytes]:
    """An IPv4 packet in as many fragments as it needs; a small one stays whole."""
    payload, identifier = packet[20:], packet[4:6]
    for at in range(0, len(payload), FRAGMENT_BYTES):
        piece = payload[at : at + FRAGMENT_BYTES]
        more = 0x2000 if at + FRAGMENT_BYTES < len(payload) else 0
        head = packet[:2] + struct.pack("!H", 20 + len(piece)) + identifier
        head += struct.pack("!H", more | at // 8) + packet[8:10] + bytes(2) + packet[12:20]
        checksum: int = dpkt.in_cksum(head)
        yield head[:10] + struct.pack("!H", checksum) + head[12:] + piece


def ethernet(packet: bytes, outgoing: bool, *tags: int) -> bytes:
    """An Ethernet frame around an IP packet, with VLAN tags, the outermost first."""
    macs = OUTSIDE_MAC + INSIDE_MAC if outgoing else INSIDE_MAC + OUTSIDE_MAC
    kinds = [0x88A8] * (len(tags) - 1) + [0x8100] * bool(tags)
    tagged = b"".join(struct.pack("!HH", kind, tag) for kind, tag in zip(kinds, tags, strict=True))
    return macs + tagged + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet


def vxlan(frame: bytes, number: int) -> bytes:
    """A frame as one router sends it to another through VXLAN, between private addresses."""
    body = struct.pack("!II", 0x0800_0000, 4_711 << 8) + frame
    datagram = dpkt.udp.UDP(sport=49_152 + number % 1_000, dport=4_789, ulen=8 + len(body), data=body)
    return ethernet(ip_packet("10.9.0.1", "10.9.0.2", datagram, dpkt.ip.IP_PROTO_UDP, number), True)


WRAPS: dict[str, Callable[[bytes, bool, int], list[bytes]]] = {
    "plain": lambda packet, outgoing, _: [ethernet(packet, outgoing)],
    "vlan": lambda packet, outgoing, _: [ethernet(packet, outgoing, 310)],
    "stacked": lambda packet, outgoing, _: [ethernet(packet, outgoing, 20, 310)],
    "vxlan": lambda packet, outgoing, number: [vxlan(ethernet(packet, outgoing), number)],
    "fragments": lambda packet, outgoing, _: [ethernet(piece, outgoing) for piece in fragments(packet)],
}
PACKETS = {
    dpkt.ip.IP_PROTO_TCP: tcp_packets,
    dpkt.ip.IP_PROTO_UDP: udp_packets,
    dpkt.ip.IP_PROTO_ICMP: echo_packets,
}


def frames(conversation: Conversation, rng: random.Random) -> Iterator[Frame]:
    """The frames of a conversation with their times, 1 to 80 milliseconds apart."""
    now = conversation.start_s
    for number, (outgoing, packet) in enumerate(PACKETS[conversation.protocol](conversation)):
        for frame in WRAPS[conversation.wrap](packet, outgoing, number):
            yield now, frame
            now += rng.uniform(0.001, 0.080)
