"""Packets put together by scapy, the rows they give, and one conversation to talk with."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from sensor.config import Config
from sensor.rules.model import Plan
from tests.functional.replays import Replayed, replay, watching

START_S = 1_494_979_200  # 2017-05-17 00:00:00 UTC
NANOSECONDS = 1_000_000_000
WATCHED = "192.0.2.0/24"

INSIDE, OUTSIDE = "192.0.2.10", "198.51.100.20"
INSIDE_6, OUTSIDE_6 = "2001:db8:1::10", "2001:db8:ffff::20"

Timed = tuple[float, Packet]
"""Seconds since the start, and a frame."""


def frame(packet: Packet) -> Packet:
    """An IP packet on Ethernet."""
    return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet


def ip(source: str, destination: str) -> Packet:
    """An IP header of the version that the addresses have."""
    make = IPv6 if ":" in source else IP
    return make(src=source, dst=destination)


@dataclass(frozen=True)
class Talk:
    """The two ends of a conversation."""

    inside: str = INSIDE
    outside: str = OUTSIDE
    inside_port: int = 40_000
    outside_port: int = 443

    def out(self, at_s: float, flags: str | None = None, size: int = 0) -> Timed:
        """A packet from inside: TCP with these flags, without them UDP."""
        header = ip(self.inside, self.outside) / _transport(flags, self.inside_port, self.outside_port)
        return at_s, frame(header / Raw(bytes(size)))

    def back(self, at_s: float, flags: str | None = None, size: int = 0) -> Timed:
        """A packet to inside."""
        header = ip(self.outside, self.inside) / _transport(flags, self.outside_port, self.inside_port)
        return at_s, frame(header / Raw(bytes(size)))


def _transport(flags: str | None, source_port: int, destination_port: int) -> Packet:
    if flags is None:
        return UDP(sport=source_port, dport=destination_port)
    return TCP(sport=source_port, dport=destination_port, flags=flags)


def write_capture(path: Path, packets: Iterable[Timed], snap_length: int = 65_535) -> Path:
    """Write frames to a pcap with nanoseconds."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snap_length, 1)]
    for at_s, packet in packets:
        time_ns = START_S * NANOSECONDS + round(at_s * NANOSECONDS)
        data = bytes(packet)
        kept = data[:snap_length]
        parts.append(struct.pack("<IIII", *divmod(time_ns, NANOSECONDS), len(kept), len(data)) + kept)
    path.write_bytes(b"".join(parts))
    return path


@dataclass(frozen=True)
class Bench:
    """Replays packets from a folder of its own."""

    folder: Path

    def replay(
        self,
        packets: Iterable[Timed],
        plan: Plan | None = None,
        config: Config | None = None,
        snap_length: int = 65_535,
    ) -> Replayed:
        capture = write_capture(self.folder / "built.pcap", packets, snap_length)
        return replay(capture, plan=plan or watching(WATCHED), config=config)

    def rows(
        self, packets: Iterable[Timed], plan: Plan | None = None, config: Config | None = None
    ) -> list[dict[str, Any]]:
        """Flow rows in the order of their beginning."""
        return sorted(self.replay(packets, plan, config).flows, key=lambda row: row["start_time"])

    def row(
        self, packets: Iterable[Timed], plan: Plan | None = None, config: Config | None = None
    ) -> dict[str, Any]:
        """The only flow row."""
        (row,) = self.rows(packets, plan, config)
        return row
