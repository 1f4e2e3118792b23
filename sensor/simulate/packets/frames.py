"""Ethernet frames around TCP segments and UDP datagrams, built by dpkt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import NamedTuple

import dpkt

IP_BYTES, TCP_BYTES, UDP_BYTES, ETHERNET_BYTES = 20, 20, 8, 14
OUTER_BYTES = 24  # IP and GRE
SYN, ACK, PUSH, FIN = dpkt.tcp.TH_SYN, dpkt.tcp.TH_ACK, dpkt.tcp.TH_PUSH, dpkt.tcp.TH_FIN
_MACS = (bytes.fromhex("020000000001020000000002"), bytes.fromhex("020000000002020000000001"))
_ROUTERS = (IPv4Address("10.9.0.1").packed, IPv4Address("10.9.0.2").packed)


class Message(NamedTuple):
    """What one end sends: the beginning of it, and how many bytes more there were that no one captured."""

    by_initiator: bool
    content: bytes
    left_out: int = 0


class Frame(NamedTuple):
    """One frame: who sent it, its captured bytes, its length on the wire, and of the inner IP packet."""

    by_initiator: bool
    captured: bytes
    original: int
    ip_bytes: int


class End(NamedTuple):
    """One end of a flow."""

    address: bytes
    port: int
    ttl: int


@dataclass(frozen=True)
class Ends:
    """Both ends of a flow; the first is the initiator. ``is_wrapped`` puts each packet into GRE."""

    initiator: End
    responder: End
    is_wrapped: bool = False

    def frame(self, by_initiator: bool, protocol: int, body: bytes, left_out: int = 0) -> Frame:
        """An IP packet around a transport segment, in its frame; ``left_out`` bytes follow uncaptured."""
        source, target = (
            (self.initiator, self.responder) if by_initiator else (self.responder, self.initiator)
        )
        length = IP_BYTES + len(body) + left_out
        head = dpkt.ip.IP(src=source.address, dst=target.address, p=protocol, ttl=source.ttl, len=length)
        head.sum = dpkt.in_cksum(head.pack_hdr())
        packet, outer = head.pack_hdr() + body, 0
        if self.is_wrapped:
            packet, outer = self._wrapped(packet, length, by_initiator), OUTER_BYTES
        captured = _MACS[by_initiator] + b"\x08\x00" + packet
        return Frame(by_initiator, captured, ETHERNET_BYTES + outer + length, length)

    @staticmethod
    def _wrapped(packet: bytes, length: int, by_initiator: bool) -> bytes:
        source, target = _ROUTERS if by_initiator else _ROUTERS[::-1]
        outer = dpkt.ip.IP(src=source, dst=target, p=dpkt.ip.IP_PROTO_GRE, ttl=60, len=OUTER_BYTES + length)
        outer.sum = dpkt.in_cksum(outer.pack_hdr())
        return bytes(outer.pack_hdr()) + b"\x00\x00\x08\x00" + packet


def tcp_frames(ends: Ends, messages: Iterable[Message], *, is_whole: bool = True) -> Iterator[Frame]:
    """Handshake, messages, each acknowledged, and the close by both; the messages alone where not whole."""
    following = {True: 1_000, False: 5_000}

    def send(by_initiator: bool, flags: int, content: bytes = b"", left_out: int = 0) -> Frame:
        source, target = (
            (ends.initiator, ends.responder) if by_initiator else (ends.responder, ends.initiator)
        )
        segment = dpkt.tcp.TCP(
            sport=source.port, dport=target.port, flags=flags, win=65_535,
            seq=following[by_initiator], ack=following[not by_initiator] if flags & ACK else 0,
        )  # fmt: skip
        following[by_initiator] += len(content) + left_out + bool(flags & (SYN | FIN))
        return ends.frame(by_initiator, dpkt.ip.IP_PROTO_TCP, segment.pack_hdr() + content, left_out)

    if is_whole:
        yield send(True, SYN)
        yield send(False, SYN | ACK)
        yield send(True, ACK)
    for message in messages:
        yield send(message.by_initiator, ACK | PUSH, message.content, message.left_out)
    if is_whole:
        yield send(True, FIN | ACK)
        yield send(False, FIN | ACK)
        yield send(True, ACK)


def syn_frames(ends: Ends, count: int) -> Iterator[Frame]:
    """The same SYN over and over, which nobody answers."""
    segment = dpkt.tcp.TCP(sport=ends.initiator.port, dport=ends.responder.port, flags=SYN, win=65_535, seq=7)
    for _ in range(count):
        yield ends.frame(True, dpkt.ip.IP_PROTO_TCP, segment.pack_hdr())


def udp_frames(ends: Ends, messages: Iterable[Message]) -> Iterator[Frame]:
    """One datagram a message."""
    for message in messages:
        source, target = (
            (ends.initiator, ends.responder) if message.by_initiator else (ends.responder, ends.initiator)
        )
        length = UDP_BYTES + len(message.content) + message.left_out
        datagram = dpkt.udp.UDP(sport=source.port, dport=target.port, ulen=length)
        body = datagram.pack_hdr() + message.content
        yield ends.frame(message.by_initiator, dpkt.ip.IP_PROTO_UDP, body, message.left_out)
