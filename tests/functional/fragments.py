"""An independent count of flows with fragments: every fragment in the flow of its datagram's first one."""

import socket
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import dpkt

from tests.functional.replays import Counts, Flow, add

FRAGMENTED = dpkt.ip6.IP6FragmentHeader


class Piece(NamedTuple):
    """An IP packet: its datagram, where in it this is, its size, and the ports if they are in it."""

    datagram: tuple[bytes, bytes, int, int]
    offset: int
    is_fragment: bool
    ip_bytes: int
    ports: tuple[int, int]


def count(capture: Path) -> dict[Flow, Counts]:
    """Counts of each TCP and UDP flow of an Ethernet capture without tunnels and VLANs."""
    with capture.open("rb") as file:
        pieces = [piece for _, frame in dpkt.pcap.UniversalReader(file) for piece in _pieces(frame)]
    # What a fragmented datagram is, stands in its first piece alone, which need not come first.
    ports = {piece.datagram: piece.ports for piece in pieces if piece.is_fragment and piece.offset == 0}
    flows: dict[Flow, Counts] = defaultdict(lambda: [0, 0, 0, 0])
    for piece in pieces:
        source, destination, protocol, _ = piece.datagram
        if protocol not in {dpkt.ip.IP_PROTO_TCP, dpkt.ip.IP_PROTO_UDP}:
            continue
        own = ports.get(piece.datagram, (0, 0)) if piece.is_fragment else piece.ports
        ends = (_text(source), own[0]), (_text(destination), own[1])
        add(flows, protocol, ends, (1, piece.ip_bytes, 0, 0))
    return dict(flows)


def _pieces(frame: bytes) -> list[Piece]:
    packet = dpkt.ethernet.Ethernet(frame).data
    if isinstance(packet, dpkt.ip.IP):
        datagram = (packet.src, packet.dst, packet.p, packet.id)
        is_fragment = bool(packet.mf or packet.offset)
        ports = _ports(frame[14 + packet.hl * 4 :]) if packet.offset == 0 else (0, 0)
        return [Piece(datagram, packet.offset, is_fragment, packet.len, ports)]
    if isinstance(packet, dpkt.ip6.IP6):
        return [_piece_of_6(packet, frame)]
    return []


def _piece_of_6(packet: dpkt.ip6.IP6, frame: bytes) -> Piece:
    size = 40 + packet.plen
    headers = packet.extension_hdrs.values() if packet.nxt == dpkt.ip.IP_PROTO_FRAGMENT else ()
    fragment = next((header for header in headers if isinstance(header, FRAGMENTED)), None)
    if fragment is None:
        return Piece((packet.src, packet.dst, packet.nxt, 0), 0, False, size, _ports(frame[54:]))
    ports = _ports(frame[62:]) if fragment.frag_off == 0 else (0, 0)
    return Piece((packet.src, packet.dst, fragment.nxt, fragment.id), fragment.frag_off, True, size, ports)


def _ports(segment: bytes) -> tuple[int, int]:
    return int.from_bytes(segment[:2]), int.from_bytes(segment[2:4])


def _text(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)
