"""A store of a daemon beside a recording of what it saw."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import dpkt
import pyarrow as pa
import pyarrow.parquet as pq

from sensor.capture import Replaying
from sensor.config import Config, FlowSettings
from sensor.rules.names import load_names
from tests.functional.replays import Flow, Rows, add, in_order, watching

DAEMON_FLOWS = FlowSettings(active_timeout_s=60)
"""What the daemon has where nothing else is set."""

TIMES = frozenset({"start_time", "end_time", "time", "first", "last"})
FROM_TIMES = frozenset({"flow_id", "latency_us"})
MOST_TOLD = 10

Row = dict[str, Any]


def stored(store: Path, table: str) -> list[Row]:
    """Rows of a store in an order of their own, without the sensor's name; times in nanoseconds."""
    paths = sorted(store.glob(f"{table}/day=*/*.parquet"))
    if not paths:
        return []
    return _plain(pa.concat_tables(pq.read_table(path, partitioning=None) for path in paths))


def replayed(capture: Path, *prefixes: str, config: Config | None = None) -> dict[str, list[Row]]:
    """Rows that a replay of a capture gives, by table, as `stored` gives them."""
    rows = Rows()
    plan = watching(*prefixes)
    with Replaying([str(capture)], plan, config or Config(flow=DAEMON_FLOWS), 1, load_names()) as replaying:
        result = replaying.run(rows)
    (only,) = result.inputs
    assert only.error is None, only
    return {table: _plain(rows.table(table)) for table in ("flows", "dns", "hosts")}


def differences(one: list[Row], other: list[Row], *, times_within_ns: int = 0) -> list[str]:
    """Where rows differ, readable; those that belong together have the same place in the order of their columns.

    Parameters
    ----------
    times_within_ns
        What times may differ by, and what is made from them is not compared; 0 where they are the same clock's.
    """
    ordered = [sorted(rows, key=_without_times) for rows in (one, other)]
    found = [f"{len(one)} rows and {len(other)} rows"] if len(one) != len(other) else []
    for left, right in zip(*ordered, strict=False):
        for column in left:
            if column in FROM_TIMES and times_within_ns:
                continue
            if column in TIMES and abs(left[column] - right[column]) <= times_within_ns:
                continue
            if left[column] != right[column]:
                found.append(f"{column}: {left[column]!r} and {right[column]!r} in {left}")
    return found[:MOST_TOLD]


def counted(capture: Path) -> dict[Flow, list[int]]:
    """Packets and IPv4 bytes of each 5-tuple of a recording, counted without any of the sensor's code."""
    flows: dict[Flow, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    with capture.open("rb") as file:
        for _, frame in dpkt.pcap.UniversalReader(file):
            packet = dpkt.ethernet.Ethernet(frame).data
            if not isinstance(packet, dpkt.ip.IP) or not isinstance(packet.data, dpkt.tcp.TCP | dpkt.udp.UDP):
                continue
            ends = [(".".join(map(str, address)), port) for address, port in (
                (packet.src, packet.data.sport), (packet.dst, packet.data.dport))]  # fmt: skip
            add(flows, packet.p, (ends[0], ends[1]), (1, packet.len, 0, 0))
    return dict(flows)


def _plain(table: pa.Table) -> list[Row]:
    ordered = in_order(table.drop_columns([name for name in ("sensor",) if name in table.column_names]))
    columns = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        for column in ordered.columns
    ]
    return [_lists(row) for row in pa.table(columns, names=ordered.column_names).to_pylist()]


def _lists(row: Row) -> Row:
    return {
        key: [str(one) for one in value] if isinstance(value, list) else value for key, value in row.items()
    }


def _without_times(row: Row) -> str:
    return repr([value for name, value in row.items() if name not in TIMES | FROM_TIMES])
