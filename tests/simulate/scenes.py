"""Small scenarios for tests, and what a replay or a store makes of them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sensor.capture import Replaying
from sensor.rules import load_plan
from sensor.rules.source import Source
from sensor.simulate import Scenario
from sensor.simulate.read import parse_scenario

SMALL = """\
name = "small"
seed = 3
start = 2017-05-14
days = 6
timezone = "Asia/Pyongyang"
flows = 4000

[rhythm]
weekdays = [1, 1, 1, 1, 1, 2, 2]
hours = [0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 1, 1, 0]

[besides]
dns = 0.4
unanswered = 0.05
scans = 0.3
visitors = 0.05
internal = 0.02
tunnelled = 0.02
midway = 0.02

[[block]]
name = "star-jv"
share = 0.7

[[block]]
name = "satnet"
share = 0.3

[[population]]
name = "locals"
addresses = { star-jv = 8, satnet = 4 }
share = 0.8
active = 0.8
devices = 2
stacks = { windows-chrome = 2, windows-explorer = 1, android-chrome = 1, linux-curl = 1 }

[[population]]
name = "foreigners"
addresses = { star-jv = 3 }
share = 0.2
stacks = { ipad-safari = 1, mac-safari = 1, windows-firefox = 1 }

[[traffic]]
share = 0.5
names = ["www.facebook.com", "graph.facebook.com"]
countries = { IE = 1, US = 1 }

[[traffic]]
share = 0.2
names = ["www.xinhuanet.com"]
application = "http"
countries = { CN = 1 }

[[traffic]]
share = 0.05
names = ["www.place-{n}.example.com"]
many = 5
countries = { IN = 1 }

[[traffic]]
share = 0.05
countries = { US = 1 }

[[traffic]]
share = 0.05
application = "bitcoin"
countries = { DE = 1 }
starts = 2017-05-17T09:00:00+08:30

[[traffic]]
share = 0.02
application = "bittorrent"
countries = { RU = 1 }

[[traffic]]
share = 0.02
application = "stratum"
countries = { US = 1 }

[[traffic]]
share = 0.02
application = "ssh"
countries = { DE = 1 }

[[traffic]]
share = 0.02
application = "unknown"
countries = { KR = 1 }

[[traffic]]
share = 0.02
application = "openvpn"
countries = { NL = 1 }
population = "foreigners"

[[traffic]]
share = 0.02
application = "wireguard"
countries = { SE = 1 }

[[traffic]]
share = 0.02
application = "ikev2"
countries = { CH = 1 }
"""

USE = ("external", None, "inside", True)


def scenario(text: str = SMALL, **changes: Any) -> Scenario:
    """A scenario of a text, with some of its values changed."""
    found = parse_scenario(Source("small.toml", "small", text.encode()))
    return Scenario.model_validate(found.model_dump() | changes)


def replayed(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows by table of a replay of a capture with the shipped rules."""
    rows: dict[str, list[dict[str, Any]]] = {"flows": [], "dns": [], "accounting": [], "hosts": []}
    with Replaying([str(path)], load_plan([], [])) as replaying:
        for table, batch in replaying.batches():
            rows[table] += pa.Table.from_batches([batch]).to_pylist()
    return rows


def stored(root: Path, table: str) -> pa.Table:
    """All rows of a table of a store, in order of its files, read without the product."""
    files = sorted((root / table).glob("day=*/*.parquet"))
    return pa.concat_tables([pq.ParquetFile(file).read() for file in files])


def is_use(row: dict[str, Any]) -> bool:
    """Begun inside, answered, external, in no tunnel, and no DNS."""
    return (
        row["scope"], row["tunnel"], row["initiator"], row["answered"]
    ) == USE and row["application"] != "dns"  # fmt: skip
