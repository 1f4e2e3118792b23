"""Write a synthetic workload: ``make_workloads.py KIND OUT.pcap [--scale FRACTION]``.

The kinds are told in `KINDS` and `storms.STORMS`. Arrays do the work, so ten million packets take about half a
minute, and the same arguments give the same bytes.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from storms import STORMS, header_checksum, put, write_storm

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

SEED = 641_500
FIRST_S = 1_700_000_000
PIECE_BYTES = 16 << 20
UDP, TCP = 17, 6
# Ports of nothing in particular: a sensor finds no protocol in the noise that follows.
PORTS = np.array([4_501, 5_005, 6_006, 7_007, 9_009, 12_012, 27_027, 33_033, 40_040, 50_050])
TCP_HEADER, UDP_HEADER, IP_HEADER, ETHERNET_HEADER = 20, 8, 20, 14


@dataclass(frozen=True)
class Kind:
    """A workload: what it is for, and its size when nobody says another."""

    help: str
    protocol: int
    frame_bytes: int
    packets: int
    flows: int
    one_watched_in: int = 1


KINDS = {
    "small-udp": Kind("small packets in random order over many flows", UDP, 64, 10_000_000, 1_000_000),
    "elephant": Kind("full-sized TCP segments of a few flows", TCP, 1_500, 2_000_000, 100),
    "unwatched": Kind(
        "small-udp with one flow of 1,000 from 10.0.0.0/8", UDP, 64, 10_000_000, 1_000_000, 1_000
    ),
}


@dataclass(frozen=True)
class Flows:
    """The ends of each flow."""

    source: Numbers
    destination: Numbers
    source_port: Numbers
    destination_port: Numbers


def make_flows(kind: Kind, flows: int, rng: np.random.Generator) -> Flows:
    """Ends inside 10.0.0.0/8 (not watched: 100.64.0.0/10), and anywhere from 11.0.0.0 to 99.255.255.255."""
    inside = (10 << 24) + rng.integers(0, 1 << 24, flows)
    elsewhere = (100 << 24) + (64 << 16) + rng.integers(0, 1 << 22, flows)
    watched = np.arange(flows) % kind.one_watched_in == 0
    return Flows(
        source=np.where(watched, inside, elsewhere),
        destination=rng.integers(11 << 24, 100 << 24, flows),
        source_port=rng.integers(1_024, 65_536, flows),
        destination_port=rng.choice(PORTS, flows),
    )


def number_within_flow(which: Numbers) -> Numbers:
    """For each packet, how many packets of its flow stand before it in `which`."""
    order = np.argsort(which, kind="stable")
    ordered = which[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    run_start = np.repeat(starts, np.diff(np.r_[starts, len(which)]))
    before = np.empty(len(which), dtype=np.int64)
    before[order] = np.arange(len(which)) - run_start
    return before


class Writer:
    """Turns pieces of a list of flow numbers into records of a capture, one packet a microsecond."""

    def __init__(self, kind: Kind, flows: Flows, rng: np.random.Generator) -> None:
        self.kind = kind
        self.flows = flows
        self.rng = rng
        self.sent_bytes = np.zeros(len(flows.source), dtype=np.int64)

    def records(self, first: int, which: Numbers) -> Bytes:
        """The records of packets `first` and on, which belong to the flows `which`."""
        size = self.kind.frame_bytes
        out = np.zeros((len(which), 16 + size), dtype=np.uint8)
        microseconds = np.arange(first, first + len(which))
        head = np.empty((len(which), 4), dtype="<u4")
        head[:, 0] = FIRST_S + microseconds // 1_000_000
        head[:, 1] = microseconds % 1_000_000
        head[:, 2:] = size
        out[:, :16] = head.view(np.uint8).reshape(-1, 16)
        frame = out[:, 16:]
        frame[:, :ETHERNET_HEADER] = np.frombuffer(
            bytes.fromhex("0200000000020200000000010800"), dtype=np.uint8
        )
        self._ip(frame[:, ETHERNET_HEADER : ETHERNET_HEADER + IP_HEADER], microseconds, which)
        transport = frame[:, ETHERNET_HEADER + IP_HEADER :]
        put(transport, 0, 2, self.flows.source_port[which])
        put(transport, 2, 2, self.flows.destination_port[which])
        header = self._tcp(transport, which) if self.kind.protocol == TCP else self._udp(transport)
        noise = self.rng.integers(0, 256, (len(which), transport.shape[1] - header), dtype=np.uint8)
        transport[:, header:] = noise
        return out

    def _ip(self, header: Bytes, identifiers: Numbers, which: Numbers) -> None:
        put(header, 0, 1, 0x45)
        put(header, 2, 2, self.kind.frame_bytes - ETHERNET_HEADER)
        put(header, 4, 2, identifiers)
        put(header, 6, 2, 0x4000)
        put(header, 8, 1, 64)
        put(header, 9, 1, self.kind.protocol)
        put(header, 12, 4, self.flows.source[which])
        put(header, 16, 4, self.flows.destination[which])
        put(header, 10, 2, header_checksum(header))

    def _udp(self, transport: Bytes) -> int:
        put(transport, 4, 2, transport.shape[1])
        return UDP_HEADER

    def _tcp(self, transport: Bytes, which: Numbers) -> int:
        payload = transport.shape[1] - TCP_HEADER
        put(transport, 4, 4, self.sent_bytes[which] + number_within_flow(which) * payload)
        self.sent_bytes += np.bincount(which, minlength=len(self.sent_bytes)) * payload
        put(transport, 12, 1, 0x50)
        put(transport, 13, 1, 0x10)
        put(transport, 14, 2, 0xFFFF)
        return TCP_HEADER


def pieces(total: int, size: int) -> Iterator[tuple[int, int]]:
    """The bounds of pieces of at most `size` out of `total`."""
    for first in range(0, total, size):
        yield first, min(first + size, total)


def write(out: BinaryIO, kind: Kind, packets: int, flows: int) -> None:
    """Write the capture."""
    rng = np.random.default_rng(SEED)
    which = rng.integers(0, flows, packets)
    writer = Writer(kind, make_flows(kind, flows, rng), rng)
    out.write(np.array([0xA1B2C3D4, 2 | 4 << 16, 0, 0, 262_144, 1], dtype="<u4").tobytes())
    out.writelines(
        writer.records(first, which[first:end]).tobytes()
        for first, end in pieces(packets, PIECE_BYTES // (16 + kind.frame_bytes))
    )


def main() -> None:
    """Write the workload that the arguments describe."""
    parser = argparse.ArgumentParser(description="Write a synthetic workload.")
    parser.add_argument(
        "kind",
        choices=KINDS | STORMS,
        help="; ".join(f"{name}: {k.help}" for name, k in (KINDS | STORMS).items()),
    )
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies the numbers of packets and flows"
    )
    words = parser.parse_args()
    if words.kind in STORMS:
        storm = STORMS[words.kind]
        with words.out.open("wb") as out:
            write_storm(out, storm, max(1, int(storm.conversations * words.scale)))
        return
    kind = KINDS[words.kind]
    with words.out.open("wb") as out:
        write(out, kind, max(1, int(kind.packets * words.scale)), max(1, int(kind.flows * words.scale)))


if __name__ == "__main__":
    main()
