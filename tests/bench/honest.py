"""The honest part of an attack: a few thousand ordinary conversations whose every packet is known.

Busy ones go on all the time. Patient ones begin, are silent for as long as the attack goes on, and end: a table that
gives up whoever has been silent for longest would give them up first.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hello
import numpy as np
from numpy.typing import NDArray
from storms import Frame, header_checksum, put

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

ETHERNET = bytes.fromhex("0200000000020200000000010800")
TCP, UDP = 6, 17
SYN, ACK, PUSH = 0x02, 0x10, 0x08
INSIDE = (10 << 24) + (200 << 16)
"""10.200.0.0/16: no attack has an address of it outside of tunnels."""
OUTSIDE = 93 << 24
DNS_SERVER = (9 << 24) + 9
FIRST_PORT = 20_000
NAME = b"h00000000.example.com"


@dataclass(frozen=True)
class Honest:
    """How many conversations there are, of which the first half is patient, and DNS transactions in each piece."""

    flows: int = 2_000
    queries: int = 200

    def frames(self, piece: int, pieces: int) -> Iterator[Bytes]:
        """What they send in one piece of a capture, as frames of one length each."""
        everyone = np.arange(self.flows)
        who = everyone if piece in (0, pieces - 1) else everyone[self.flows // 2 :]
        steps = _OPENING if piece == 0 else _MIDDLE
        for frame in steps:
            yield _tcp_frames(frame, who, piece)
        numbers = piece * self.queries + np.arange(self.queries)
        for answered in (False, True):
            yield _dns_frames(numbers, answered)

    def expected(self, pieces: int) -> dict[tuple[str, int], tuple[int, int, int, int, str]]:
        """Packets and bytes, out and in, and the name of each conversation by its inside end."""
        found = {}
        for number in range(self.flows):
            middles = 1 if number < self.flows // 2 else pieces - 1
            frames = [*_OPENING, *(_MIDDLE * middles)]
            out = [len(frame.transport) + 20 for frame in frames if frame.outwards]
            back = [len(frame.transport) + 20 for frame in frames if not frame.outwards]
            name = f"h{number:08}.example.com"
            found[_inside_text(number), FIRST_PORT + number % 40_000] = (
                len(out), len(back), sum(out), sum(back), name,
            )  # fmt: skip
        return found


def udp_header(length: int) -> bytes:
    """Ports of zero, no checksum."""
    return b"\0\0\0\0" + (8 + length).to_bytes(2, "big") + b"\0\0"


def tcp_header(flags: int, sequence: int = 0, acknowledged: int = 0) -> bytes:
    """Ports of zero, no checksum."""
    head = sequence.to_bytes(4, "big") + acknowledged.to_bytes(4, "big")
    return b"\0\0\0\0" + head + bytes([0x50, flags]) + b"\xff\xff\0\0\0\0"


def ipv4(protocol: int, length: int) -> bytes:
    """A header for so many bytes of payload; addresses and checksum are zero."""
    return (
        bytes([0x45, 0])
        + (20 + length).to_bytes(2, "big")
        + b"\0\0\x40\0\x40"
        + bytes([protocol])
        + bytes(10)
    )


def copies(template: bytes, count: int) -> Bytes:
    """The same bytes in every row."""
    return np.tile(np.frombuffer(template, dtype=np.uint8), (count, 1))


def addressed(rows: Bytes, source: Numbers | int, destination: Numbers | int) -> Bytes:
    """Put addresses and the checksum into IPv4 headers at the front of every row."""
    put(rows, 12, 4, source)
    put(rows, 16, 4, destination)
    put(rows, 10, 2, header_checksum(rows[:, :20]))
    return rows


def put_name(rows: Bytes, at: int, numbers: Numbers) -> None:
    """Write eight digits into every row."""
    for digit in range(8):
        rows[:, at + digit] = 0x30 + numbers // 10 ** (7 - digit) % 10


_HELLO = hello.tls_record(hello.client_hello(NAME, b"h2"))
_DATA = b"\x17\3\3\0\x20" + b"\x5a" * 32
_OPENING = (
    Frame(tcp_header(SYN, 0), True),
    Frame(tcp_header(SYN | ACK, 0, 1), False),
    Frame(tcp_header(ACK | PUSH, 1, 1) + _HELLO, True),
    Frame(tcp_header(ACK, 1, 1 + len(_HELLO)) + _DATA, False),
)
_MIDDLE = (
    Frame(tcp_header(ACK | PUSH, 1 + len(_HELLO), 1) + _DATA, True),
    Frame(tcp_header(ACK, 1 + len(_DATA), 1) + _DATA, False),
)
_LABELS = b"".join(bytes([len(label)]) + label for label in NAME.split(b"."))
_QUESTION = _LABELS + b"\0\0\1\0\1"


def _tcp_frames(frame: Frame, who: Numbers, piece: int) -> Bytes:
    rows = copies(ETHERNET + ipv4(TCP, len(frame.transport)) + frame.transport, len(who))
    ip, transport = rows[:, 14:34], rows[:, 34:]
    inside, outside = INSIDE + who, OUTSIDE + who
    ports = FIRST_PORT + who % 40_000, 443
    # No two packets are the same bytes: none of them is taken for a duplicate.
    put(ip, 4, 2, piece)
    addressed(ip, *((inside, outside) if frame.outwards else (outside, inside)))
    for at, port in zip((0, 2), ports if frame.outwards else ports[::-1], strict=True):
        put(transport, at, 2, port)
    at = frame.transport.find(NAME)
    if at >= 0:
        put_name(transport, at + 1, who)
    return rows


def _dns_frames(numbers: Numbers, answered: bool) -> Bytes:
    payload = b"\0\0\1\0\0\1\0\0\0\0\0\0" + _QUESTION
    if answered:
        payload = b"\0\0\x81\x80\0\1\0\1\0\0\0\0" + _QUESTION + b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xcb\0\x71\7"
    rows = copies(ETHERNET + ipv4(UDP, 8 + len(payload)) + udp_header(len(payload)) + payload, len(numbers))
    ip, transport = rows[:, 14:34], rows[:, 34:]
    inside = INSIDE + numbers % 10_000
    addressed(ip, *((DNS_SERVER, inside) if answered else (inside, DNS_SERVER)))
    ports = 1_024 + numbers % 60_000, 53
    for at, port in zip((0, 2), ports[::-1] if answered else ports, strict=True):
        put(transport, at, 2, port)
    put(transport, 8, 2, numbers % 65_536)
    put_name(transport, 8 + 12 + 2, numbers)
    return rows


def _inside_text(number: int) -> str:
    address = INSIDE + number
    return ".".join(str(address >> shift & 0xFF) for shift in (24, 16, 8, 0))


@dataclass(frozen=True)
class Found:
    """What a store has of the honest part.

    Of so many conversations, those with exact counts, with their name, and that are one flow; of so many DNS
    queries, those with their answer.
    """

    flows: int
    exact: int
    named: int
    whole: int
    queries: int
    answered: int


def look_for(store: Path, honest: Honest, pieces: int) -> Found:
    """Look for the honest part in a store that has an attack as well."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    mine = pc.starts_with(pc.field("inside_ip"), "10.200.")
    flows = ds.dataset(store / "flows", partitioning=None)
    columns = [
        "inside_ip", "inside_port", "packets_out", "packets_in", "bytes_out", "bytes_in", "name", "flow_id",
    ]  # fmt: skip
    tcp = (pc.field("protocol") == TCP) & pc.field("tunnel").is_null()
    sums: dict[tuple[str, int], list[int]] = {}
    names: dict[tuple[str, int], set[str | None]] = {}
    identities: dict[tuple[str, int], set[int]] = {}
    for row in flows.to_table(columns, filter=mine & tcp).to_pylist():
        key = str(row["inside_ip"]), int(row["inside_port"])
        counts = [row[column] for column in columns[2:6]]
        sums[key] = [a + b for a, b in zip(sums.get(key, [0] * 4), counts, strict=True)]
        names.setdefault(key, set()).add(row["name"])
        identities.setdefault(key, set()).add(row["flow_id"])
    expected = honest.expected(pieces)
    dns = ds.dataset(store / "dns", partitioning=None)
    answered = mine & (pc.field("rcode") == "NOERROR") & pc.field("latency_us").is_valid()
    return Found(
        flows=len(expected),
        exact=sum(sums.get(key) == list(what[:4]) for key, what in expected.items()),
        # A flow that a clock has cut in two may go on without.
        named=sum(names.get(key, set()) - {None} == {what[4]} for key, what in expected.items()),
        whole=sum(len(found) == 1 for found in identities.values()),
        queries=honest.queries * pieces,
        answered=len(dns.to_table(["inside_ip", "qname"], filter=answered)),
    )


if __name__ == "__main__":
    print(json.dumps(vars(look_for(Path(sys.argv[1]), Honest(), int(sys.argv[2])))))
