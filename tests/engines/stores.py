"""A store that tempts engines to disagree: NULL in every column that may be, names of every script, ties, zones."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sensor.rules import load_plan
from sensor.store import compact
from sensor.store.engine.duckdb import connect
from sensor.study import StudyOptions
from tests.study.rows import at, flow, make_store

FLOWS = 3000
DAYS = 9
Place = TypeVar("Place", Path, str)
RELAY = "satnet"
# Across the end of summer time in the zone; whole quarters of hours, and days that are none of UTC.
ZONES = ("UTC", "Asia/Kathmandu", "America/Santiago")

_SERVICES = (
    (None, None, None), ("Facebook", "Meta", "social"), ("Gmail", "Google", "mail"), ("Ünïcode", "Örg", "video"),
    ("it's", "a \\ path", "vpn"), ("Zed", None, "mining"),
)  # fmt: skip
_NAMES = (
    None, "www.example.org", "example.org", "a.b.example.co.uk", "xn--bcher-kva.example", "quote'd.example",
    "back\\slash.example", "пример.example", "例え.jp", "\U0001f600.example", "www.iitb.ac.in", "localhost",
)  # fmt: skip


def options(zone: str = "UTC", **changes: Any) -> StudyOptions:
    """Options of a quick study of such a store."""
    blocks = [
        replace(block, role="relay") if block.name == RELAY else block for block in load_plan([], []).blocks
    ]
    return StudyOptions(timezone=zone, resamples=100, blocks=blocks, **changes)


def awkward_store(path: Place) -> Place:
    """Write such a store, each day in two segments."""
    for half in range(2):
        make_store(
            path,
            flows=[_flow(random.Random(number)) for number in range(half, FLOWS, 2)],
            hosts=[_host(random.Random(number)) for number in range(half, 200, 2)],
            accounting=[
                {
                    "time": at(day, hour),
                    "interval_s": 300.5,
                    "packets_seen": 2**40 + day,
                    "packets_matched": 3,
                }
                for day in range(half, DAYS, 2)
                for hour in (0, 5, 23.9)
            ],
        )
    return path


@contextmanager
def swap_under_way(store: Path) -> Iterator[None]:
    """A compaction that is decided and, while somebody reads, not carried out: its segments have hidden names."""
    with connect(store):
        assert compact(store).is_held_up
        yield


def _flow(dice: random.Random) -> dict[str, Any]:
    service, organisation, category = dice.choice(_SERVICES)
    application = dice.choice((None, "tls", "quic", "dns", "http", "wireguard", "bitcoin"))
    return flow(
        dice.randrange(DAYS),
        dice.choice((0.0, 23.99, dice.random() * 24)),
        block=dice.choice(("star-jv", "star-jv", "china-netcom-kptc", RELAY)),
        inside_ip=dice.choice((f"175.45.176.{dice.randrange(20)}", "2001:db8::1")),
        outside_ip=f"192.0.2.{dice.randrange(200)}",
        scope=dice.choice(("external",) * 9 + ("internal",)),
        tunnel=dice.choice((None,) * 9 + ("gre",)),
        initiator=dice.choice(("inside",) * 8 + ("outside", "unknown")),
        answered=dice.random() < 0.9,
        record=dice.choice((0, 0, 0, 1, 2**32 - 1)),
        bytes_out=dice.choice((0, 40, dice.randrange(2**45))),
        bytes_in=dice.choice((0, 65535, dice.randrange(2**45))),
        packets_in=dice.randrange(2**20),
        application=application,
        name=dice.choice(_NAMES),
        service=service,
        organisation=organisation,
        category=category,
        country=dice.choice((None, "US", "KP", "CN", "IN", "RU")),
        flow_id=dice.choice((dice.randrange(2**63), 2**64 - 1)),
    )


def _host(dice: random.Random) -> dict[str, Any]:
    day = dice.randrange(DAYS)
    agents = ("Mozilla/5.0 (Windows NT 10.0) Firefox/52.0", "curl/7.5", "Ünïcode agent 'x'", "")
    return {
        "day": at(day).date(),
        "first": at(day),
        "last": at(day),
        "block": dice.choice(("star-jv", RELAY)),
        "inside_ip": f"175.45.176.{dice.randrange(20)}",
        "ttls": dice.choice((None, [], [64], [64, 128, 255])),
        "ja4s": dice.choice((None, [], ["t13d1516h2_8daaf6152771_e5627efa2ab1"])),
        "user_agents": dice.choice((None, [], dice.sample(agents, 2))),
    }
