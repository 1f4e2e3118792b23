"""Small stores for the tests of the study: rows in words, defaults for what does not matter."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from sensor.schema import arrow_schema
from sensor.store import StoreWriter, WriterOptions

Place = TypeVar("Place", Path, str)

START = datetime(2017, 4, 1, tzinfo=UTC)

_DEFAULTS: dict[str, dict[str, Any]] = {
    "flows": {
        "sensor": "test", "block": "star-jv", "scope": "external", "inside_ip": "175.45.176.1",
        "outside_ip": "192.0.2.1", "inside_port": 50000, "outside_port": 443, "protocol": 6,
        "initiator": "inside", "answered": True, "packets_out": 4, "packets_in": 6, "bytes_out": 400,
        "bytes_in": 600, "tcp_flags_out": 27, "tcp_flags_in": 27, "application": "tls", "ech": False,
        "record": 0, "end_reason": "fin",
    },
    "dns": {
        "sensor": "test", "block": "star-jv", "inside_ip": "175.45.176.1", "server_ip": "192.0.2.53",
        "transport": "udp", "qname": "example.org", "qtype": "A", "rcode": "NOERROR", "flow_id": 1,
    },
    "hosts": {
        "block": "star-jv", "inside_ip": "175.45.176.1", "sensor": "test", "flows": 1, "ttls": [64],
        "ja4s": [], "user_agents": [],
    },
    "accounting": {
        "sensor": "test", "worker": 0, "interface": "tap", "interval_s": 300.0, "packets_seen": 10,
        "packets_matched": 10,
    },
}  # fmt: skip


def at(day: float, hour: float = 12.0) -> datetime:
    """A moment, counted in days from 1 April 2017, UTC."""
    return START + timedelta(days=day, hours=hour)


def flow(day: float, hour: float = 12.0, **changes: Any) -> dict[str, Any]:
    """One flow record."""
    moment = at(day, hour)
    row = {"start_time": moment, "end_time": moment, **changes}
    if row.get("name") is not None:
        row.setdefault("name_source", "tls_sni")
    return row


def make_store(path: Place, **tables: list[dict[str, Any]]) -> Place:
    """Write rows by table; the order does not matter."""
    with StoreWriter(path, "test", options=WriterOptions(compact_on_close=False)) as writer:
        for table, rows in tables.items():
            time = {"flows": "start_time", "dns": "time", "hosts": "first", "accounting": "time"}[table]
            ordered = sorted(rows, key=lambda row: row[time])
            schema = arrow_schema(table)
            whole = [{"flow_id": number, **_DEFAULTS[table], **row} for number, row in enumerate(ordered, 1)]
            columns = [pa.array([_value(row, field) for row in whole], field.type) for field in schema]
            writer.write(table, pa.RecordBatch.from_arrays(columns, schema=schema))
    return path


def _value(row: dict[str, Any], field: pa.Field) -> Any:
    value = row.get(field.name)
    if value is None and pa.types.is_uint64(field.type):
        return 0
    return value
