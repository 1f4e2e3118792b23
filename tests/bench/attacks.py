"""Attacks as captures: ``attacks.py KIND OUT.pcap [--scale FRACTION]``; honest conversations stand in between.

An attack makes frames, many of one length at once. They are cut into pieces, between which the honest part has its
say. The same arguments give the same bytes.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import hello
import numpy as np
from honest import (
    ACK,
    DNS_SERVER,
    ETHERNET,
    INSIDE,
    PUSH,
    SYN,
    TCP,
    UDP,
    Bytes,
    Honest,
    Numbers,
    addressed,
    copies,
    ipv4,
    put_name,
    tcp_header,
    udp_header,
)  # fmt: skip
from storms import put

SEED = 1_066
FIRST_S = 1_700_000_000
YEAR_S = 31_557_600
PIECES = 60
TRANSACTIONS = "transactions"
GRE, IPIP = 47, 4
SNAP_BYTES = 262_144


@dataclass(frozen=True)
class Moment:
    """Where in the attack a piece stands."""

    first: int
    count: int
    rng: np.random.Generator

    @property
    def numbers(self) -> Numbers:
        """Of its attacks, counted from the beginning of the capture."""
        return np.arange(self.first, self.first + self.count)

    def victims(self) -> Numbers:
        """Inside addresses, of 65,536."""
        return (10 << 24) + (1 << 16) + self.rng.integers(0, 1 << 16, self.count)

    def clients(self) -> Numbers:
        """Inside addresses that send, of 4,096."""
        return (10 << 24) + (1 << 16) + self.rng.integers(0, 1 << 12, self.count)

    def strangers(self) -> Numbers:
        """Outside addresses."""
        return self.rng.integers(11 << 24, 90 << 24, self.count)

    def ports(self) -> Numbers:
        """Ports of clients."""
        return self.rng.integers(1_024, 65_536, self.count)


Frames = Callable[[Moment], Iterator[Bytes]]
Times = Callable[[Numbers], Numbers]


@dataclass(frozen=True)
class Attack:
    """What it is, what makes its frames, how many steps it has, and the packet times in microseconds."""

    help: str
    frames: Frames
    steps: int
    times: Times | None = None


def _packet(protocol: int, transport: bytes, count: int) -> tuple[Bytes, Bytes, Bytes]:
    rows = copies(ETHERNET + ipv4(protocol, len(transport)) + transport, count)
    return rows, rows[:, 14:34], rows[:, 34:]


def _from_strangers(moment: Moment, protocol: int, transport: bytes, port: int) -> tuple[Bytes, Bytes]:
    """Packets of strangers to victims: the frames, and their transport headers with ports."""
    rows, ip, upper = _packet(protocol, transport, moment.count)
    put(ip, 4, 2, moment.numbers)
    addressed(ip, moment.strangers(), moment.victims())
    put(upper, 0, 2, moment.ports())
    put(upper, 2, 2, port)
    return rows, upper


def syn_flood(moment: Moment) -> Iterator[Bytes]:
    """A SYN of each of as many strangers."""
    rows, upper = _from_strangers(moment, TCP, tcp_header(SYN), 443)
    put(upper, 4, 4, moment.rng.integers(0, 1 << 32, moment.count))
    yield rows


def collisions(moment: Moment) -> Iterator[Bytes]:
    """Flows whose hashes would all be the same if the keys of the hash were zero.

    The lower half of one address is zero, whose product with anything is zero: what else the hash mixes from the
    other address's lower half is lost.
    """
    datagram = udp_header(8) + bytes(8)
    header = b"\x60\0\0\0" + len(datagram).to_bytes(2, "big") + bytes([UDP, 64]) + bytes(32)
    rows = copies(ETHERNET[:12] + b"\x86\xdd" + header + datagram, moment.count)
    ip = rows[:, 14:54]
    prefix = np.frombuffer(bytes.fromhex("20010db8000000010000000000000000"), dtype=np.uint8)
    ip[:, 8:24] = prefix
    ip[:, 24:40] = prefix
    ip[:, 31] = 2
    ip[:, 32:40] = moment.rng.integers(0, 256, (moment.count, 8), dtype=np.uint8)
    put(rows, 54, 2, 7_777)
    put(rows, 56, 2, 7_777)
    yield rows


def fragments(moment: Moment) -> Iterator[Bytes]:
    """First fragments without a later one, and later ones without a first."""
    for offset in (0x2000, 0x2001):
        rows, ip, upper = _packet(UDP, udp_header(1_000)[:8] + bytes(24), moment.count // 2)
        half = Moment(moment.first + (offset & 1), len(rows), moment.rng)
        put(ip, 4, 2, half.rng.integers(0, 1 << 16, half.count))
        put(ip, 6, 2, offset)
        addressed(ip, half.strangers(), half.victims())
        put(upper, 0, 4, half.rng.integers(0, 1 << 32, half.count))
        yield rows


def late_firsts(moment: Moment) -> Iterator[Bytes]:
    """Datagrams of 64 later fragments, which wait for their first one, which comes last."""
    datagrams = max(1, moment.count // 65)
    whole = Moment(moment.first, datagrams, moment.rng)
    source, target, number = whole.strangers(), whole.victims(), whole.rng.integers(0, 1 << 16, datagrams)
    for place in (*range(1, 65), 0):
        rows, ip, upper = _packet(UDP, udp_header(520)[:8], datagrams)
        put(ip, 4, 2, number)
        put(ip, 6, 2, 0x2000 | place)
        addressed(ip, source, target)
        put(upper, 0, 2, number)
        yield rows


_HELLO = hello.tls_record(hello.client_hello(b"n00000000.flood.example.net", b"h2"))
_HELLO_NAME = _HELLO.find(b"n00000000")


def _conversation(moment: Moment, payload: bytes, name_at: int | None) -> Iterator[Bytes]:
    source, target, ports = moment.strangers(), moment.clients(), moment.ports()
    for flags, sequence, content in ((SYN, 0, b""), (ACK | PUSH, 1, payload)):
        rows, ip, upper = _packet(TCP, tcp_header(flags, sequence, 1) + content, moment.count)
        addressed(ip, target, source)
        put(upper, 0, 2, ports)
        put(upper, 2, 2, 443)
        if content and name_at is not None:
            put_name(upper, 20 + name_at + 1, moment.numbers)
        yield rows


def half_hellos(moment: Moment) -> Iterator[Bytes]:
    """Connections that begin a client hello and never send the rest."""
    yield from _conversation(moment, _HELLO[:90], None)


def names(moment: Moment) -> Iterator[Bytes]:
    """Connections of a client hello each, with a name of its own."""
    yield from _conversation(moment, _HELLO, _HELLO_NAME)


_RANDOM_NAME = b"\x09n00000000\x05flood\x07example\x03net\0"


def dns_answers(moment: Moment) -> Iterator[Bytes]:
    """Answers that nobody asked for, of names that nobody has."""
    record = b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4"
    payload = b"\0\0\x81\x80\0\1\0\2\0\0\0\0" + _RANDOM_NAME + b"\0\1\0\1" + (record + bytes(4)) * 2
    rows, upper = _from_strangers(moment, UDP, udp_header(len(payload)) + payload, 0)
    put(upper, 2, 2, moment.ports())
    put(upper, 0, 2, 53)
    put(upper, 8, 2, moment.rng.integers(0, 1 << 16, moment.count))
    put_name(upper, 8 + 12 + 2, moment.numbers)
    for back in (4, 20):
        put(upper, upper.shape[1] - back, 4, moment.strangers())
    yield rows


def dns_aliases(moment: Moment) -> Iterator[Bytes]:
    """Answers of 100 records, each of which a pointer of two bytes makes a name of 250."""
    long = b"".join(b"\x3c" + b"x" * 60 for _ in range(4))
    question = b"\x09n00000000" + long[: 61 * 3] + b"\x1bflood-flood-flood-flood-flo\x03net\0"
    record = b"\xc0\x0c\0\5\0\1\0\0\x0e\x10\0\2\xc0\x0c"
    payload = b"\0\0\x81\x80\0\1\0\x64\0\0\0\0" + question + b"\0\1\0\1" + record * 100
    rows, upper = _from_strangers(moment, UDP, udp_header(len(payload)) + payload, 0)
    put(upper, 2, 2, moment.ports())
    put(upper, 0, 2, 53)
    put_name(upper, 8 + 12 + 2, moment.numbers)
    yield rows


def dns_labels(moment: Moment) -> Iterator[Bytes]:
    """Queries for names of 4,000 labels, and requests to hosts of as many."""
    labels = b"\1a" * 4_000 + b"\0"
    payload = b"\0\0\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\1\0\1"
    rows, upper = _from_strangers(moment, UDP, udp_header(len(payload)) + payload, 53)
    put(upper, 8, 2, moment.numbers)
    yield rows
    request = b"GET / HTTP/1.1\r\nHost: " + b"a." * 4_000 + b"com\r\n\r\n"
    yield _from_strangers(moment, TCP, tcp_header(ACK | PUSH, 1, 1) + request, 80)[0]


def forged(moment: Moment) -> Iterator[Bytes]:
    """Tunnels that anyone can send, with packets inside that look like those of the honest conversations."""
    inner = ipv4(TCP, 60) + tcp_header(ACK | PUSH, 1, 1) + bytes(40)
    vxlan = udp_header(8 + 14 + len(inner)) + b"\x08\0\0\0\0\0\1\0" + ETHERNET
    for protocol, wrapper in ((UDP, vxlan), (GRE, b"\0\0\x08\0"), (IPIP, b"")):
        third = Moment(moment.first, moment.count // 3, moment.rng)
        rows, ip, upper = _packet(protocol, wrapper + inner, third.count)
        addressed(ip, third.strangers(), third.victims())
        if protocol == UDP:
            put(upper, 0, 2, third.ports())
            put(upper, 2, 2, 4_789)
        who = third.numbers % 2_000
        deep = upper[:, len(wrapper) :]
        put(deep, 4, 2, third.numbers)
        addressed(deep, INSIDE + who, (93 << 24) + who)
        put(deep, 20, 2, 20_000 + who)
        put(deep, 22, 2, 443)
        yield rows


def deep(moment: Moment) -> Iterator[Bytes]:
    """Packets wrapped thirty times."""
    depth = 30
    headers = b"".join(ipv4(IPIP, 20 * (depth - 1 - level) + 16) for level in range(depth - 1))
    rows = copies(ETHERNET + headers + ipv4(UDP, 16) + udp_header(8) + bytes(8), moment.count)
    for level in range(depth):
        at = 14 + 20 * level
        addressed(rows[:, at : at + 20], moment.strangers(), moment.victims())
    yield rows


def jumbo(moment: Moment) -> Iterator[Bytes]:
    """Frames of 9,000 bytes, each a flow of its own."""
    rows, upper = _from_strangers(moment, UDP, udp_header(8_958) + bytes(8_958), 7_777)
    put(upper, 8, 4, moment.numbers)
    yield rows


def transactions(moment: Moment) -> Iterator[Bytes]:
    """DNS transactions as there are most: a name is asked for and answered."""
    target, ports, identifiers = (
        moment.victims(),
        moment.ports(),
        moment.rng.integers(0, 1 << 16, moment.count),
    )
    question = b"\0\0\1\0\0\1\0\0\0\0\0\0" + _RANDOM_NAME + b"\0\1\0\1"
    record = b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4" + bytes(4)
    answer = b"\0\0\x81\x80\0\1\0\1\0\0\0\0" + question[12:] + record
    for payload in (question, answer):
        turn = 1 if payload is question else -1
        rows, ip, upper = _packet(UDP, udp_header(len(payload)) + payload, moment.count)
        addressed(ip, *[target, DNS_SERVER][::turn])
        for at, port in zip((0, 2), [ports, 53][::turn], strict=True):
            put(upper, at, 2, port)
        put(upper, 8, 2, identifiers)
        put_name(upper, 8 + 12 + 2, moment.numbers)
        if payload is answer:
            put(upper, upper.shape[1] - 4, 4, moment.strangers())
        yield rows


def datagrams(moment: Moment) -> Iterator[Bytes]:
    """Datagrams of 50,000 flows."""
    which = moment.rng.integers(0, 50_000, moment.count)
    rows, ip, upper = _packet(UDP, udp_header(20) + bytes(20), moment.count)
    addressed(ip, (11 << 24) + which, (10 << 24) + (1 << 16) + which)
    put(upper, 0, 4, (7_777 << 16) + 7_777)
    put(upper, 8, 4, moment.numbers)
    yield rows


def _jump_years(numbers: Numbers) -> Numbers:
    """Every thousandth packet sets the clock to another year, back or forth."""
    years = np.random.default_rng(SEED).integers(-40, 60, 1 << 16)
    jumps = numbers % 1_000 == 0
    return numbers + np.where(jumps, years[numbers // 1_000 % (1 << 16)] * YEAR_S * 1_000_000, 0)


def _step_years(numbers: Numbers) -> Numbers:
    """The clock is set to another year once in a while, and stays there."""
    years = np.array([0, 8, -20, 3, 40, -1, 0, 17])
    return numbers + years[numbers // 200_000 % len(years)] * YEAR_S * 1_000_000


ATTACKS = {
    TRANSACTIONS: Attack("ordinary DNS transactions, for comparison", transactions, 1_000_000),
    "syn-flood": Attack("SYNs of random sources", syn_flood, 3_000_000),
    "collisions": Attack("flows made for one hash", collisions, 3_000_000),
    "fragments": Attack("fragments whose datagrams never get whole", fragments, 3_000_000),
    "late-firsts": Attack("fragments that wait for the first one", late_firsts, 3_000_000),
    "half-hellos": Attack("client hellos without their end", half_hellos, 1_500_000),
    "names": Attack("a million names", names, 1_000_000),
    "dns-answers": Attack("unasked answers to random names", dns_answers, 2_000_000),
    "dns-aliases": Attack("answers that unpack to 25 times their length", dns_aliases, 200_000),
    "dns-labels": Attack("names of 4,000 labels", dns_labels, 30_000),
    "forged": Attack("forged packets in tunnels", forged, 3_000_000),
    "deep": Attack("thirty tunnels within each other", deep, 600_000),
    "jumbo": Attack("frames of 9,000 bytes", jumbo, 60_000),
    "clock-jumps": Attack("single packets of other years", datagrams, 3_000_000, _jump_years),
    "clock-steps": Attack("a clock set to other years", datagrams, 3_000_000, _step_years),
    "one-moment": Attack("all at the same time", syn_flood, 3_000_000, lambda numbers: numbers * 0),
}


def write_attack(out: BinaryIO, attack: Attack, *, steps: int, honest: Honest) -> int:
    """Write the capture; how many packets it has."""
    rng = np.random.default_rng(SEED)
    times = attack.times or (lambda numbers: numbers)
    out.write(np.array([0xA1B2C3D4, 2 | 4 << 16, 0, 0, SNAP_BYTES, 1], dtype="<u4").tobytes())
    packets = 0
    for piece in range(PIECES):
        first, end = (steps * place // PIECES for place in (piece, piece + 1))
        for rows in attack.frames(Moment(first, end - first, rng)):
            _write(out, rows, times(np.arange(packets, packets + len(rows))))
            packets += len(rows)
        for rows in honest.frames(piece, PIECES):
            # Honest clocks are right, as far as the attack lets them be.
            numbers = np.arange(packets, packets + len(rows))
            _write(out, rows, numbers * 0 if attack.times and not times(numbers).any() else numbers)
            packets += len(rows)
    return packets


def _write(out: BinaryIO, rows: Bytes, microseconds: Numbers) -> None:
    """Write frames of one length with their times since the beginning."""
    count, size = rows.shape
    record = np.empty((count, 16 + size), dtype=np.uint8)
    head = np.empty((count, 4), dtype="<u4")
    head[:, 0] = np.clip(FIRST_S + microseconds // 1_000_000, 0, (1 << 32) - 1)
    head[:, 1] = microseconds % 1_000_000
    head[:, 2:] = size
    record[:, :16] = head.view(np.uint8).reshape(-1, 16)
    record[:, 16:] = rows
    out.write(record)


def main() -> None:
    """Write one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=ATTACKS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="of the attack; the honest part stays")
    words = parser.parse_args()
    attack = ATTACKS[words.kind]
    with words.out.open("wb") as out:
        write_attack(out, attack, steps=max(PIECES * 65, int(attack.steps * words.scale)), honest=Honest())


if __name__ == "__main__":
    main()
