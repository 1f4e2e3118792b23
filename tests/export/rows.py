"""Flow rows of every kind, and a store of them."""

import random
from pathlib import Path
from typing import Any

import pyarrow as pa

from sensor.schema import arrow_schema
from sensor.store import StoreWriter

MAY_2017_NS = 1_494_979_200_000_000_000
DAY_NS = 86_400_000_000_000
REASONS = ("active", "idle", "fin", "rst", "evicted", "end")
TEXTS = (None, "a.example", "xn--mnchen-3ya.example", "почта.example", "x" * 253, "й" * 200)


def row(number: int, **changes: Any) -> dict[str, Any]:
    """One row, all of whose values follow from its number."""
    dice = random.Random(number)
    version, protocol = dice.choice([(4, 6), (4, 17), (4, 1), (6, 6), (6, 17), (6, 58), (4, 47)])
    icmp = protocol in {1, 58}
    start = MAY_2017_NS + number % 3 * DAY_NS + dice.randrange(DAY_NS // 2)
    values = {
        "sensor": "tap",
        "block": dice.choice(["star-jv", "satnet"]),
        "scope": "external",
        "inside_ip": f"175.45.176.{number % 250 + 1}" if version == 4 else f"2001:db8::{number % 250 + 1:x}",
        "outside_ip": f"198.51.100.{dice.randrange(256)}" if version == 4 else "2001:db8:ffff::5",
        "inside_port": dice.choice([8, 128]) if icmp else dice.randrange(1 << 16),
        "outside_port": 0 if icmp else dice.randrange(1 << 16),
        "protocol": protocol,
        "initiator": dice.choice(["inside", "outside", "unknown"]),
        "answered": dice.choice([True, False]),
        "start_time": start,
        "end_time": start + dice.randrange(10**11),
        "packets_out": dice.randrange(1, 1 << 20),
        "packets_in": dice.choice([0, dice.randrange(1 << 20)]),
        "bytes_out": dice.randrange(1, 1 << 40),
        "bytes_in": dice.choice([0, dice.randrange(1 << 40)]),
        "tcp_flags_out": dice.randrange(256) if protocol == 6 else 0,
        "tcp_flags_in": dice.randrange(256) if protocol == 6 else 0,
        "application": dice.choice([None, "tls", "dns"]),
        "name": dice.choice(TEXTS),
        "name_source": dice.choice([None, "tls_sni"]),
        "names": [],
        "ech": False,
        "service": dice.choice([None, "Facebook", "Яндекс"]),
        "country": dice.choice([None, "CN"]),
        "flow_id": dice.randrange(1 << 64),
        "record": dice.randrange(3),
        "end_reason": dice.choice(REASONS),
    }
    return values | changes


def batch(rows: list[dict[str, Any]], *, encoded: bool = True) -> pa.RecordBatch:
    """Rows as the core hands them over, or as a store gives them back."""
    schema = arrow_schema("flows", encoded=encoded)
    columns = [
        pa.array([one.get(field.name) for one in rows], _plain(field.type)).cast(field.type)
        for field in schema
    ]
    return pa.record_batch(columns, schema=schema)


def store_of(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A store of these rows."""
    with StoreWriter(str(path), "tap") as writer:
        writer.write("flows", batch(rows))
    return path


def totals(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Flows, packets and bytes, both directions together."""
    return {
        "flows": len(rows),
        "packets": sum(one["packets_out"] + one["packets_in"] for one in rows),
        "bytes": sum(one["bytes_out"] + one["bytes_in"] for one in rows),
    }


def _plain(arrow_type: pa.DataType) -> pa.DataType:
    return pa.utf8() if pa.types.is_dictionary(arrow_type) else arrow_type
