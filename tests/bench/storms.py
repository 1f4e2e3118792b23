"""Storms: many short conversations, each with a name of its own, begun one shortly after the other.

A conversation is a few frames made from templates; arrays put addresses, ports, numbers and names into a few thousand
at once. They are written abreast, the first frames of all, then the second ones, as on a busy link.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import hello
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

SEED = 2_021
FIRST_S = 1_700_000_000
ABREAST = 2_000
ETHERNET = bytes.fromhex("0200000000020200000000010800")
IP_HEADER, TCP_HEADER, UDP_HEADER = 20, 20, 8
TCP, UDP = 6, 17
SYN, ACK, PUSH = 0x02, 0x10, 0x08
NAME_DIGITS = 8
FIRST_LABEL = b"h" + b"0" * NAME_DIGITS
NAME = FIRST_LABEL + b".example.com"


@dataclass(frozen=True)
class Frame:
    """One frame of a conversation: its transport header and payload, and which end sends it."""

    transport: bytes
    outwards: bool


@dataclass(frozen=True)
class Storm:
    """A workload: what it is for, its conversations when nobody says another number, and their frames.

    ``payloads`` gives the payload of the first frame of each conversation, where it differs by more than the name.
    """

    help: str
    conversations: int
    protocol: int
    server_port: int
    frames: tuple[Frame, ...]
    payloads: Callable[[Numbers, np.random.Generator], Bytes] | None = None


def _tcp(flags: int, sequence: int, acknowledged: int, payload: bytes = b"") -> bytes:
    ports = b"\0\0\0\0"
    head = sequence.to_bytes(4, "big") + acknowledged.to_bytes(4, "big")
    return ports + head + bytes([0x50, flags]) + b"\xff\xff\0\0\0\0" + payload


def _udp(payload: bytes) -> bytes:
    return b"\0\0\0\0" + (UDP_HEADER + len(payload)).to_bytes(2, "big") + b"\0\0" + payload


def _dns(answered: bool) -> bytes:
    labels = b"".join(bytes([len(label)]) + label for label in NAME.split(b"."))
    question = labels + b"\0\0\1\0\1"
    if not answered:
        return b"\0\0\1\0\0\1\0\0\0\0\0\0" + question
    return b"\0\0\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xcb\0\x71\7"


STORMS = {
    "storm-tls": Storm(
        "new TCP connections with a client hello in each",
        500_000,
        TCP,
        443,
        (
            Frame(_tcp(SYN, 0, 0), True),
            Frame(_tcp(SYN | ACK, 0, 1), False),
            Frame(_tcp(ACK | PUSH, 1, 1, hello.tls_record(hello.client_hello(NAME, b"h2"))), True),
            Frame(_tcp(ACK, 1, 400, b"\x17\3\3\0\x20" + b"\x5a" * 32), False),
        ),
    ),
    "storm-quic": Storm(
        "new QUIC connections with a client hello in each",
        200_000,
        UDP,
        443,
        (Frame(_udp(bytes(hello.INITIAL_BYTES)), True), Frame(_udp(b"\x40" + b"\x5a" * 40), False)),
        hello.initials,
    ),
    "storm-dns": Storm(
        "DNS transactions, each of a name of its own",
        1_000_000,
        UDP,
        53,
        (Frame(_udp(_dns(answered=False)), True), Frame(_udp(_dns(answered=True)), False)),
    ),
}


def put(target: Bytes, at: int, width: int, values: Numbers | int) -> None:
    """Write a big-endian number of `width` bytes into every row of `target`."""
    for i in range(width):
        target[:, at + i] = (np.asarray(values) >> (8 * (width - 1 - i))) & 0xFF


def header_checksum(header: Bytes) -> Numbers:
    """The Internet checksum of every row."""
    words = (header[:, 0::2].astype(np.int64) << 8) + header[:, 1::2]
    total = words.sum(axis=1)
    for _ in range(2):
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def write_storm(out: BinaryIO, storm: Storm, conversations: int) -> None:
    """Write the capture; the same numbers give the same bytes."""
    rng = np.random.default_rng(SEED)
    out.write(np.array([0xA1B2C3D4, 2 | 4 << 16, 0, 0, 262_144, 1], dtype="<u4").tobytes())
    packets = 0
    for first in range(0, conversations, ABREAST):
        numbers = np.arange(first, min(first + ABREAST, conversations))
        for records in _abreast(storm, numbers, packets, rng):
            out.write(records.tobytes())
            packets += len(records)


def _abreast(storm: Storm, numbers: Numbers, packets: int, rng: np.random.Generator) -> Iterator[Bytes]:
    count = len(numbers)
    inside = (10 << 24) + rng.integers(0, 1 << 24, count)
    outside = rng.integers(11 << 24, 100 << 24, count)
    port = rng.integers(1_024, 65_536, count)
    sequences = rng.integers(0, 1 << 31, (2, count))
    identifiers = rng.integers(0, 1 << 16, count)
    for place, frame in enumerate(storm.frames):
        rows = np.tile(np.frombuffer(_ip(storm.protocol) + frame.transport, dtype=np.uint8), (count, 1))
        ends, ports = [inside, outside], [port, np.full(count, storm.server_port)]
        if not frame.outwards:
            ends, ports = ends[::-1], ports[::-1]
        ip, transport = rows[:, :IP_HEADER], rows[:, IP_HEADER:]
        put(ip, 2, 2, rows.shape[1])
        put(ip, 4, 2, packets + place)
        put(ip, 12, 4, ends[0])
        put(ip, 16, 4, ends[1])
        put(ip, 10, 2, header_checksum(ip))
        put(transport, 0, 2, ports[0])
        put(transport, 2, 2, ports[1])
        if storm.protocol == TCP:
            _move_sequence(transport, sequences if frame.outwards else sequences[::-1])
        if storm.server_port == 53:
            put(transport, UDP_HEADER, 2, identifiers)
        if storm.payloads is not None and place == 0:
            transport[:, UDP_HEADER:] = storm.payloads(numbers, rng)
        _name(transport, frame.transport, numbers)
        yield _records(rows, packets + place * count)


def _ip(protocol: int) -> bytes:
    return bytes([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol]) + bytes(10)


def _move_sequence(transport: Bytes, begins: Numbers) -> None:
    """Let the numbers of the template start at those of the conversation."""
    for at, begin in zip((4, 8), begins, strict=True):
        told = transport[0, at : at + 4].tobytes()
        put(transport, at, 4, begin + int.from_bytes(told, "big"))


def _name(transport: Bytes, template: bytes, numbers: Numbers) -> None:
    """Put the conversation's number into the name, wherever the template has it."""
    at = template.find(FIRST_LABEL)
    if at < 0:
        return
    for digit in range(NAME_DIGITS):
        transport[:, at + 1 + digit] = 0x30 + numbers // 10 ** (NAME_DIGITS - 1 - digit) % 10


def _records(rows: Bytes, first: int) -> Bytes:
    """The rows as Ethernet frames of a capture, one a microsecond."""
    count, size = len(rows), len(ETHERNET) + rows.shape[1]
    microseconds = np.arange(first, first + count)
    out = np.empty((count, 16 + size), dtype=np.uint8)
    head = np.empty((count, 4), dtype="<u4")
    head[:, 0] = FIRST_S + microseconds // 1_000_000
    head[:, 1] = microseconds % 1_000_000
    head[:, 2:] = size
    out[:, :16] = head.view(np.uint8).reshape(-1, 16)
    out[:, 16 : 16 + len(ETHERNET)] = np.frombuffer(ETHERNET, dtype=np.uint8)
    out[:, 16 + len(ETHERNET) :] = rows
    return out
