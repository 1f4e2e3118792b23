"""Replays inside the test's own process, and what they gave."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from sensor.capture import Replaying, ReplayResult
from sensor.config import Config
from sensor.rules import load_plan
from sensor.rules.model import Plan
from sensor.rules.names import NameRules, load_names
from sensor.schema import arrow_schema

EVERYTHING = ("0.0.0.0/0", "::/0")

End = tuple[str, int]
"""Address and port."""

Flow = tuple[int, End, End]
"""Protocol, and the two ends with the lower one first."""

Counts = list[int]
"""Packets and IP bytes from the lower end, packets and IP bytes from the higher end."""


@dataclass
class Rows:
    """Takes rows as a store would, and keeps them."""

    tables: dict[str, list[pa.RecordBatch]] = field(default_factory=lambda: defaultdict(list))

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        self.tables[table].append(batch)

    def of(self, table: str) -> list[dict[str, Any]]:
        """Rows of a table as dictionaries; times are nanoseconds since 1970."""
        return [row for batch in self.tables[table] for row in _whole_times(batch).to_pylist()]

    def table(self, name: str) -> pa.Table:
        """Rows of a table in an order that depends on nothing but the rows."""
        empty = arrow_schema(name, encoded=True).empty_table()
        return in_order(pa.Table.from_batches(self.tables[name]) if self.tables[name] else empty)


@dataclass(frozen=True)
class Replayed:
    """What a replay came to, and its rows."""

    result: ReplayResult
    rows: Rows

    @property
    def flows(self) -> list[dict[str, Any]]:
        return self.rows.of("flows")


def watching(*prefixes: str) -> Plan:
    """A plan of prefixes given by hand; of everything where none is given."""
    return load_plan([], list(prefixes or EVERYTHING))


def replay(
    *paths: Path | str,
    plan: Plan | None = None,
    config: Config | None = None,
    workers: int = 1,
    names: NameRules | None = None,
) -> Replayed:
    """Replay captures as one stream and keep every row."""
    rows = Rows()
    inputs = [str(path) for path in paths]
    with Replaying(
        inputs, plan or watching(), config or Config(), workers, names or load_names()
    ) as replaying:
        result = replaying.run(rows)
    return Replayed(result, rows)


@cache
def replay_once(path: Path) -> Replayed:
    """Replay a capture with everything watched by one worker, once for all tests."""
    return replay(path)


def in_order(rows: pa.Table) -> pa.Table:
    """Rows with plain text in their columns, ordered by every column that has an order."""
    plain = pa.table({
        name: rows[name].cast(pa.utf8()) if pa.types.is_dictionary(rows[name].type) else rows[name]
        for name in rows.column_names
    })  # fmt: skip
    keys = [(field.name, "ascending") for field in plain.schema if not pa.types.is_list(field.type)]
    return plain.sort_by(keys).combine_chunks()


def totals(rows: Iterable[dict[str, Any]]) -> dict[Flow, Counts]:
    """Packets and bytes of each 5-tuple, summed over its records and over flows of the same tuple."""
    flows: dict[Flow, Counts] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        inside = (row["inside_ip"], row["inside_port"])
        outside = (row["outside_ip"], row["outside_port"])
        sent = row["packets_out"], row["bytes_out"]
        received = row["packets_in"], row["bytes_in"]
        add(flows, row["protocol"], (inside, outside), (*sent, *received))
    return dict(flows)


def add(flows: dict[Flow, Counts], protocol: int, ends: tuple[End, End], counts: Sequence[int]) -> None:
    """Add counts, of which the first two are those of the first end, to the flow between two ends."""
    first, second = ends
    if second < first:
        first, second = second, first
        counts = (*counts[2:], *counts[:2])
    total = flows[protocol, first, second]
    for place, count in enumerate(counts):
        total[place] += count


def identity(result: ReplayResult) -> bool:
    """Every packet seen was counted once."""
    return result.packets == result.matched + result.unmatched + result.malformed


def packets_of(rows: Iterable[dict[str, Any]]) -> int:
    """Packets counted in flow rows."""
    return sum(row["packets_out"] + row["packets_in"] for row in rows)


def _whole_times(batch: pa.RecordBatch) -> pa.RecordBatch:
    # The interpreter's own time ends at microseconds.
    columns = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in batch.columns
    ]
    return pa.record_batch(columns, names=batch.schema.names)
