"""Long lists: loaded in seconds, one by one where the kernel takes no batches, and judged right."""

import ipaddress
import random
import time
from collections.abc import Callable

import pytest
from scapy.layers.inet import IP, TCP

from sensor.prefilter import Prefilter
from sensor.prefilter.loading import try_program
from sensor.prefilter.maps import ENOTSUPP
from sensor.prefilter.syscall import BpfError, Command, bpf
from sensor.rules import Block, Plan
from sensor.rules.model import ALWAYS_FROM_NS, FOREVER_UNTIL_NS
from tests.prefilter.frames import ethernet

Load = Callable[..., Prefilter]
COUNT = 100_000
MOST_SECONDS = 10
pytestmark = pytest.mark.usefixtures("kernel")


def long_plan(count: int, seed: int = 1) -> Plan:
    """Prefixes /20 to /32 of IPv4, none of them twice, and a tenth as many of IPv6."""
    chance = random.Random(seed)
    packed, lengths = [], []
    for number in range(count):
        if number % 10:
            length = chance.randrange(20, 33)
            packed.append(bytes(10) + b"\xff\xff" + cut(chance.randbytes(4), length))
            lengths.append(96 + length)
        else:
            length = chance.randrange(24, 65)
            packed.append(cut(b"\x20\x01" + chance.randbytes(14), length))
            lengths.append(length)
    return Plan(
        (Block("long"),), b"".join(packed), bytes(lengths), bytes(4 * count),
        ALWAYS_FROM_NS.to_bytes(8, "little", signed=True) * count,
        FOREVER_UNTIL_NS.to_bytes(8, "little", signed=True) * count,
    )  # fmt: skip


def cut(address: bytes, length: int) -> bytes:
    return ipaddress.ip_network((address, length), strict=False).network_address.packed


def frame(address: bytes) -> bytes:
    return bytes(ethernet() / IP(src=str(ipaddress.ip_address(address)), dst="240.0.0.1") / TCP())


def check(prefilter: Prefilter, plan: Plan) -> None:
    for number in range(0, len(plan), 997):
        if plan.lengths[number] > 96:
            watched = plan.addresses[number * 16 + 12 : number * 16 + 16]
            assert try_program(prefilter.descriptor, frame(watched)).result != 0
    assert try_program(prefilter.descriptor, frame(b"\xf0\0\0\2")).result == 0


def test_a_long_list_is_loaded_and_swapped() -> None:
    plan, other = long_plan(COUNT), long_plan(COUNT, seed=2)
    start = time.monotonic()
    with Prefilter.load(plan) as prefilter:
        loaded = time.monotonic()
        check(prefilter, plan)
        before = time.monotonic()
        prefilter.update(other, plan)
        assert loaded - start < MOST_SECONDS
        assert time.monotonic() - before < 2 * MOST_SECONDS
        check(prefilter, plan)
        check(prefilter, other)


def test_without_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_batches(command: Command, *arguments: object) -> int:
        if command == Command.MAP_UPDATE_BATCH:
            message = "no batches"
            raise BpfError(message, ENOTSUPP)
        return bpf(command, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("sensor.prefilter.maps.bpf", no_batches)
    plan = long_plan(2_000)
    with Prefilter.load(plan) as prefilter:
        check(prefilter, plan)
