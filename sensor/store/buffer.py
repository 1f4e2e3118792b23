"""Rows on their way into segments: cut by day, gathered, joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sensor.schema import TABLES, Table

_NANOSECONDS_A_DAY = 86_400_000_000_000
_EPOCH = date(1970, 1, 1)


@dataclass
class DayBuffer:
    """Rows of one table and day that wait for their segment."""

    table: str
    day: date
    batches: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep more rows."""
        self.batches.append(batch)
        self.rows += batch.num_rows
        self.bytes += batch.nbytes

    def joined(self) -> pa.Table:
        """All rows in the table's order. One batch is in order already and is not touched."""
        if len(self.batches) == 1:
            return pa.Table.from_batches(self.batches)
        return join([pa.Table.from_batches([batch]) for batch in self.batches], TABLES[self.table])


def join(parts: list[pa.Table], table: Table) -> pa.Table:
    """Concatenate rows and sort them by the table's order."""
    names = list(table.stored_columns)
    parts = _alike([part.select(names) for part in parts])
    rows = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    return rows.take(_sorted_indices(rows, table.sort_by))


def split_by_day(batch: pa.RecordBatch, table: Table) -> list[tuple[date, pa.RecordBatch]]:
    """Cut a batch at midnight UTC, after sorting it where it is not in order of time."""
    days = _days(batch, table)
    times = days if table.day_column else _integers(batch.column(table.time_column))
    if (times[1:] < times[:-1]).any():
        batch = batch.take(_sorted_indices(batch, _order(table)))
        days = _days(batch, table)
    if table.day_column:
        batch = batch.select(list(table.stored_columns))
    if days[0] == days[-1]:
        return [(_date(days[0]), batch)]
    starts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), batch.num_rows]
    # A slice would keep the whole batch in memory for as long as its rows wait: copy.
    return [
        (_date(days[start]), batch.take(pa.array(np.arange(start, stop)))) for start, stop in pairwise(starts)
    ]


def _order(table: Table) -> tuple[str, ...]:
    return (table.day_column, *table.sort_by) if table.day_column else table.sort_by


def _sorted_indices(rows: pa.Table | pa.RecordBatch, names: tuple[str, ...]) -> pa.Array:
    # Text of few values comes in a dictionary, which has no order of its own.
    # A small store is written without it, and it takes a while to import.
    import pyarrow.compute as pc

    keys = pa.table([_decoded(rows.column(name)) for name in names], list(names))
    return pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in names])


def _days(batch: pa.RecordBatch, table: Table) -> npt.NDArray[np.int64]:
    if table.day_column:
        return _integers(batch.column(table.day_column))
    return _integers(batch.column(table.time_column)) // _NANOSECONDS_A_DAY


def _integers(column: pa.Array) -> npt.NDArray[np.int64]:
    if column.null_count:
        raise ValueError("a row without a time cannot be stored")
    # Straight from memory: `to_numpy` imports pandas where that is installed.
    kind: Any = np.dtype(np.int32 if pa.types.is_date32(column.type) else np.int64)
    return np.frombuffer(column.buffers()[1], kind, len(column), column.offset * kind.itemsize)


def _date(days: np.int64) -> date:
    return _EPOCH + timedelta(days=int(days))


def _alike(parts: list[pa.Table]) -> list[pa.Table]:
    """Give every part the same types; they differ only where some have dictionaries and some have not."""
    if all(part.schema.equals(parts[0].schema) for part in parts):
        return parts
    return [
        pa.table([_decoded(part.column(name)) for name in part.column_names], part.column_names)
        for part in parts
    ]


def _decoded(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
