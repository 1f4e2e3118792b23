"""Much invented traffic, quickly: TCP and UDP flows that do everything a flow table has to bear."""

from pathlib import Path

import numpy as np

FIRST_S = 1_494_979_200  # 2017-05-17 00:00:00 UTC
INSIDE = "10.20.0.0/16"

# A record of a capture: its header, Ethernet, IPv4 and twenty bytes behind that; the rest was cut off.
RECORD = np.dtype([
    ("seconds", "<u4"), ("nanoseconds", "<u4"), ("captured", "<u4"), ("original", "<u4"),
    ("destination_mac", "S6"), ("source_mac", "S6"), ("ethernet_type", ">u2"),
    ("version", "u1"), ("service", "u1"), ("ip_bytes", ">u2"), ("identification", ">u2"),
    ("fragment", ">u2"), ("lifetime", "u1"), ("protocol", "u1"), ("checksum", ">u2"),
    ("source", ">u4"), ("destination", ">u4"),
    ("source_port", ">u2"), ("destination_port", ">u2"), ("sequence", ">u4"), ("acknowledged", ">u4"),
    ("offset", "u1"), ("flags", "u1"), ("window", ">u2"), ("rest", ">u4"),
])  # fmt: skip
FILE_HEADER = np.array([0xA1B23C4D, 0x0004_0002, 0, 0, 54, 1], "<u4").tobytes()
FIN, SYN, RST, ACK = 1, 2, 4, 16
MORE_FRAGMENTS = 0x2000


def write_traffic(path: Path, *, flows: int, packets_each: int, seed: int = 7) -> int:
    """Write flows of so many packets each over two hours; give the number of packets.

    Half of them are TCP, closed by FIN or RST; of UDP, one of five sends datagrams in fragments. One flow in
    seven is slow, one gap in fifty longer than the idle timeout, packets come up to 200 ms out of order, and
    three carry a time of some far future.
    """
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(flows), packets_each)
    place = np.tile(np.arange(packets_each), flows)
    total = len(number)
    gaps_s = rng.exponential(np.where(number % 7 == 0, 60, 1.5)) + 200 * (rng.random(total) < 0.02)
    gaps_s[place == 0] = rng.uniform(0, 7200, flows)
    elapsed_s = np.cumsum(gaps_s.reshape(flows, packets_each), axis=1).ravel()

    records = np.zeros(total, RECORD)
    _fill_headers(records, rng, number, place)
    _fill_transport(records, number, place, packets_each)
    arrival = np.argsort(elapsed_s + rng.uniform(0, 0.2, total), kind="stable")
    elapsed_s[rng.choice(total, 3, replace=False)] += 1e9
    times_ns = (FIRST_S + elapsed_s) * 1e9
    records["seconds"] = times_ns // 1e9
    records["nanoseconds"] = times_ns % 1e9
    path.write_bytes(FILE_HEADER + records[arrival].tobytes())
    return total


def read_traffic(path: Path) -> np.ndarray:
    """The records of such a capture, in their order."""
    return np.fromfile(path, RECORD, offset=len(FILE_HEADER))


def _fill_headers(
    records: np.ndarray, rng: np.random.Generator, number: np.ndarray, place: np.ndarray
) -> None:
    total = len(records)
    flows = number[-1] + 1
    inside = 0x0A14_0000 + rng.integers(0, 500, flows)[number]
    # One flow in twenty is between two watched addresses.
    outside = np.where(number % 20 == 0, 0x0A14_8000, 0xC000_0200) + rng.integers(0, 5000, flows)[number]
    inside_port, outside_port = 1024 + number % 60_000, rng.choice([53, 80, 443, 8333], flows)[number]
    begun_inside = number % 3 > 0
    leaves = np.where(place == 0, begun_inside, rng.random(total) < 0.5)
    records["source"], records["destination"] = np.where(leaves, (inside, outside), (outside, inside))
    records["source_port"] = np.where(leaves, inside_port, outside_port)
    records["destination_port"] = np.where(leaves, outside_port, inside_port)
    records["ip_bytes"] = rng.integers(40, 1400, total)
    records["captured"], records["original"] = 54, records["ip_bytes"].astype("u4") + 14
    records["ethernet_type"], records["version"], records["lifetime"] = 0x0800, 0x45, 64


def _fill_transport(records: np.ndarray, number: np.ndarray, place: np.ndarray, packets_each: int) -> None:
    is_tcp = number % 2 == 0
    ends = place >= packets_each - 2
    records["protocol"] = np.where(is_tcp, 6, 17)
    # What follows a UDP header in these places is its payload.
    records["sequence"] = np.arange(len(records))
    records["offset"] = 0x50
    closing = np.where(number % 8 == 0, RST | ACK, FIN | ACK)
    records["flags"] = np.where(place == 0, SYN, np.where(ends, closing, ACK))
    fragmented = ~is_tcp & (number % 10 == 1)
    records["identification"] = number * packets_each + place // 2
    records["fragment"] = np.where(fragmented, np.where(place % 2 == 0, MORE_FRAGMENTS, 180), 0)
