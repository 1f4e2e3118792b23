"""How many packets and bytes passed and were filtered, exactly, on each interface."""

import struct
from dataclasses import dataclass
from typing import Final

from sensor.prefilter.maps import Kind, Map, Shape
from sensor.prefilter.program import COUNTER_BYTES

MAXIMUM_INTERFACES: Final = 1024
"""Interfaces that are told apart in the life of a prefilter; packets of others pass uncounted."""


@dataclass(frozen=True, slots=True)
class Count:
    """What became of the packets of one interface since the prefilter was loaded.

    A byte is one on the wire as the core counts it: link header and VLAN tags included, checksum not. A
    socket program knows of a tag that was taken out before; XDP does not, so where the card itself takes tags
    out (``ethtool`` calls it rxvlan) XDP counts 4 bytes fewer for a tagged packet.
    """

    packets_passed: int = 0
    bytes_passed: int = 0
    packets_filtered: int = 0
    bytes_filtered: int = 0


def new_counters() -> Map:
    """Make the map that the programs count in: by interface index, each CPU for itself."""
    return Map("prefiltered", Shape(Kind.PER_CPU_HASH, 4, COUNTER_BYTES, MAXIMUM_INTERFACES))


def read_counts(counters: Map) -> dict[int, Count]:
    """Add up what the CPUs counted, by interface index."""
    counts = {}
    for key in list(counters.keys()):
        values = counters.lookup(key)
        if values is not None:
            (index,) = struct.unpack("=I", key)
            by_cpu = struct.iter_unpack("=4Q", values)
            counts[index] = Count(*(sum(column) for column in zip(*by_cpu, strict=True)))
    return counts
