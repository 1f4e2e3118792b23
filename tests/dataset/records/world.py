"""A store in which everything that could give a host away is there."""

import random
from collections.abc import Callable
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

from tests.dataset.records.flow_ids import flow_id
from tests.study.rows import START, at, flow, make_store

BLOCK = [f"175.45.176.{number}" for number in range(256)]
SIX = [str(ip_address(f"2001:db8:{number:x}::{number + 5:x}")) for number in range(12)]
INSIDE = BLOCK + SIX
"""Every address of a block of which none is idle, and some of another."""
SCANNER = "198.51.100.66"
OWN_SITE = "www.own.example"
DAYS = 3

Row = dict[str, Any]


def leaky_names(address: str) -> list[str]:
    """Names from which an inside address can be read."""
    parsed = ip_address(address)
    names = [parsed.reverse_pointer, f"{address}.block.example" if parsed.version == 4 else address]
    if isinstance(parsed, IPv6Address):
        long = parsed.exploded
        nibbles = ".".join(reversed(long.replace(":", "")))
        return [
            *names, long, f"{long.replace(':', '-')}.six.example", f"{address.replace(':', '-')}.six.example",
            f"{long.replace(':', '')}.six.example", f"{nibbles}.list.example",
        ]  # fmt: skip
    numbers = address.split(".")
    backwards = ".".join(reversed(numbers))
    digits = int(IPv4Address(address))
    return [
        *names, address, f"[::ffff:{address}]", f"ip-{'-'.join(numbers)}.block.example", f"{backwards}.list.example",
        f"cpe{'x'.join(numbers)}.block.example", f"{''.join(number.zfill(3) for number in numbers)}.block.example",
        f"{digits:08x}.block.example", f"ip{digits:08x}.block.example", f"{digits}.block.example",
        f"{int.from_bytes(IPv4Address(address).packed, 'little')}.block.example",
        f"{IPv4Address(address).packed[::-1].hex()}.block.example",
    ]  # fmt: skip


def rows(seed: int = 1) -> list[Row]:
    """Everything, a moment and a port of its own for each flow."""
    dice = random.Random(seed)
    found: list[Row] = []
    for number, address in enumerate(INSIDE):
        found += _own_use(dice, number, address)
        found += _leaks(dice, address)
        found += _from_outside(dice, number, address)
        found += _between(dice, address)
    found += _long_flow(dice)
    found += _was_inside_once(dice)
    found += _answered_late(dice)
    found += [
        _flow(dice, address, tunnel="gre", outside_ip=SCANNER, outside_port=20_001) for address in BLOCK[:9]
    ]
    for row in found:
        row.setdefault("flow_id", flow_id(row))
    return found


def _moment(dice: random.Random) -> float:
    return dice.randrange(DAYS * 24 * 3600 * 1000) / 3_600_000


def _flow(dice: random.Random, address: str, **changes: Any) -> Row:
    usual: Row = {
        "protocol": 6, "scope": "external", "initiator": "inside", "answered": True, "packets_out": 4,
        "packets_in": 6, "record": 0, "end_reason": "fin", "outside_port": 443,
        "inside_port": dice.randrange(1024, 1 << 16),
    }  # fmt: skip
    row = flow(0, _moment(dice), inside_ip=address, **{**usual, **changes})
    row.setdefault("outside_ip", "2a00::77" if ":" in address else f"192.0.2.{dice.randrange(1, 250)}")
    row["block"] = "six" if ":" in address else "star-jv"
    row["bytes_out"], row["bytes_in"] = dice.randrange(100, 1 << 20), dice.randrange(100, 1 << 20)
    return row


def _own_use(dice: random.Random, number: int, address: str) -> list[Row]:
    """Shared names, names of few, a site shared although its names are not, a fingerprint of few."""
    few = f"few{number // 4}"
    names = [
        "www.all.example", f"{few}.rare{number // 4}.example", f"host{number}.cdn.example",
        f"only{number}.unique{number}.example", f"{few}.half.example",
    ]  # fmt: skip
    found = [
        _flow(
            dice, address, name=name, names=[name, f"second{number}.cdn.example"], service="All",
            organisation="All Inc.", category="search", country="CN", ja4="t13d_all",
        )
        for name in names
    ]  # fmt: skip
    odd = f"Odd{number // 4}"
    found.append(
        _flow(
            dice, address, name=names[1], names=[names[1]], service=odd, organisation=odd, category=odd,
            country=f"{chr(65 + number // 4 // 26)}{chr(65 + number // 4 % 26)}", ja4=f"t13d_{odd}", application=odd,
        )
    )  # fmt: skip
    return found


def _leaks(dice: random.Random, address: str) -> list[Row]:
    """Names with inside addresses in them, shared by many hosts."""
    about = dice.choice(INSIDE)
    return [
        _flow(
            dice, other, name=name, names=[name, "www.all.example"], application=dice.choice(["dns", "tls"])
        )
        for name in [dice.choice(leaky_names(about)), *leaky_names(INSIDE[7])[:3], *leaky_names(SIX[3])[:3]]
        for other in [address, dice.choice(INSIDE)]
    ]


def _from_outside(dice: random.Random, number: int, address: str) -> list[Row]:
    """A scanner that marks each address by a port of its own, a visitor of a site inside, and what inside says."""
    marked = {"outside_ip": SCANNER, "outside_port": 20_000 + number}
    own = {"name": OWN_SITE, "names": [OWN_SITE], "service": "Own", "organisation": "Own", "category": "own"}
    return [
        _flow(dice, address, initiator="outside", answered=False, **marked),
        _flow(dice, address, initiator="outside", ja4="t13d_visitor", **marked, **own) | {"inside_port": 443},
        _flow(dice, address, initiator="unknown", **marked),
        _flow(dice, address, initiator="inside", answered=False, **marked),
        _flow(dice, address, **{**marked, "outside_port": 3}) | {"protocol": 1, "inside_port": 3},
        _flow(dice, address, **{**marked, "outside_port": 0}) | {"protocol": 1, "inside_port": 8},
    ]


def _between(dice: random.Random, address: str) -> list[Row]:
    other = dice.choice([one for one in INSIDE if one != address and (":" in one) == (":" in address)])
    return [
        _flow(
            dice, address, scope="internal", outside_ip=other, outside_block="star-jv", name=OWN_SITE,
            names=[OWN_SITE], outside_port=dice.randrange(1024, 1 << 16),
        )
    ]  # fmt: skip


def _long_flow(dice: random.Random) -> list[Row]:
    """A flow of many records, across midnights."""
    first = _flow(dice, INSIDE[9], end_reason="active")
    first |= {"start_time": at(0, 22), "end_time": at(0, 22.01)}
    first["flow_id"] = flow_id(first)
    moments = [at(0, 22 + 2 * number) for number in range(24)]
    return [
        {**first, "record": number, "start_time": moment, "end_time": moment}
        | ({"end_reason": "fin"} if moment == moments[-1] else {})
        for number, moment in enumerate(moments)
    ]


def _answered_late(dice: random.Random) -> list[Row]:
    """Flows of which an early record tells no host, and a later one does."""
    found = []
    for number in range(3):
        odd = {"application": f"late{number}", "country": f"X{number}", "service": f"Late{number}"}
        first = _flow(dice, INSIDE[20 + number], end_reason="active", answered=False, **odd)
        first["flow_id"] = flow_id(first)
        found += [first, {**first, "answered": True, "record": 1, "end_reason": "fin"}]
    return found


def _was_inside_once(dice: random.Random) -> list[Row]:
    """An address that was inside on other days: now it is met outside."""
    return [_flow(dice, INSIDE[3], outside_ip=INSIDE[4]), _flow(dice, INSIDE[5], outside_ip="2a00::77")]


def make_world(path: Path, change: Callable[[Row], Row] = dict) -> Path:
    """Write the store; beside flows it has DNS transactions and evidence of hosts."""
    hosts = [
        {
            "day": START.date(), "inside_ip": address, "first": START, "last": at(2), "ttls": [number % 200],
            "ja4s": [f"t13d_odd{number}"], "user_agents": [f"Agent/{number}"],
        }
        for number, address in enumerate(INSIDE)
    ]  # fmt: skip
    dns = [
        {"time": at(1), "inside_ip": address, "qname": leaky_names(address)[0], "flow_id": number}
        for number, address in enumerate(INSIDE)
    ]
    return make_store(path, flows=[change(row) for row in _rows()], hosts=hosts, dns=dns)


@cache
def _rows() -> tuple[Row, ...]:
    return tuple(rows())
