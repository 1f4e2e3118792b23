"""Small stores for the tests of the report."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from sensor.schema import arrow_schema
from sensor.store import StoreWriter, WriterOptions

START = datetime(2017, 4, 1, 12, tzinfo=UTC)
FLOW = {
    "sensor": "test", "block": "star-jv", "scope": "external", "inside_ip": "175.45.176.1",
    "outside_ip": "192.0.2.1", "inside_port": 50_000, "outside_port": 443, "protocol": 6, "initiator": "inside",
    "answered": True, "packets_out": 4, "packets_in": 6, "bytes_out": 400, "bytes_in": 600, "application": "tls",
    "ech": False, "record": 0, "end_reason": "fin", "name_source": "tls_sni",
}  # fmt: skip

LABEL = "\u202egnp.exe"
"""Looks like another name where the mark that turns the direction is obeyed."""
HOSTILE = (
    "<img src=x onerror=alert(1)>.example",
    '"><script>alert(2)</script>.example',
    f"{LABEL}.example",
    "\u2067rtl\u2069.\u05e9\u05dc\u05d5\u05dd.example",
    "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + "." + "d" * 55 + ".example",
    "=HYPERLINK(0).example",
    "@SUM(A1).example",
    "-2+3.example",
    "\tcmd.example",
    "bell\x07.example",
    "&lt;b&gt;.example",
    "pipe|`tick`](x).example",
)


def flow(day: float, **changes: Any) -> dict[str, Any]:
    """One flow at noon of a day, counted from 1 April 2017."""
    moment = START + timedelta(days=day)
    return {**FLOW, "start_time": moment, "end_time": moment, **changes}


def make_store(path: Path, flows: list[dict[str, Any]]) -> Path:
    """Write flows alone: no accounting, no hosts, no DNS."""
    schema = arrow_schema("flows")
    rows = [{"flow_id": number, **row} for number, row in enumerate(flows, 1)]
    columns = [pa.array([_value(row, field) for row in rows], field.type) for field in schema]
    with StoreWriter(path, "test", options=WriterOptions(compact_on_close=False)) as writer:
        if rows:
            writer.write("flows", pa.RecordBatch.from_arrays(columns, schema=schema))
    return path


def _value(row: dict[str, Any], field: pa.Field) -> Any:
    value = row.get(field.name)
    return 0 if value is None and pa.types.is_uint64(field.type) else value


def hostile_flows() -> list[dict[str, Any]]:
    """Every hostile name as a name, a service, a country's site and a block, on several days."""
    return [
        flow(day, name=name, service=name, organisation=name, category=name, country="IN", block="satnet")
        for day in range(8)
        for name in HOSTILE
    ]  # fmt: skip
