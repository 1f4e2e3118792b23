"""A store's flow records into Parquet files, a UTC day each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sensor.dataset.package import Resource
from sensor.dataset.records.columns import records_schema, table_schema
from sensor.dataset.records.day import DayRecords
from sensor.dataset.records.desk import BATCH_ROWS, Desk
from sensor.dataset.records.key import read_or_make_key
from sensor.dataset.records.options import RecordOptions
from sensor.dataset.records.shared import (
    keep_left_out_blocks,
    keep_protected,
    keep_shared_values,
    keep_shown_names,
)
from sensor.errors import StoreError

FOLDER = "flows"
_ZSTD_LEVEL = 3


def write_records(store: str | os.PathLike[str], folder: Path, options: RecordOptions) -> list[Resource]:
    """Write the flow records of a store so that they may be shared.

    Blocks with fewer than *k* hosts are left out. The same store, key and options give the same bytes. DuckDB
    holds `sensor.store.engine.rollup.MEMORY_LIMIT` at most, however large the store; what does not fit lies in a
    temporary folder meanwhile.

    Parameters
    ----------
    store
        The store's folder, on this machine.
    folder
        The data set's folder; files are written below `FOLDER` in it.
    options
        What is hidden, and how.

    Returns
    -------
    list of Resource
        One for each UTC day with records, in order.

    Raises
    ------
    ConfigError
        The key's file is none, or lies within the data set.
    StoreError
        The store cannot be read, or a file cannot be written.
    """
    key = read_or_make_key(options.key_file, folder)
    with Desk(store) as desk:
        in_time = options.window.in_time()
        asked_for = f"{in_time} AND {keep_left_out_blocks(desk, in_time, options.k)}"
        keep_protected(desk)
        keep_shared_values(desk, asked_for, options.k)
        keep_shown_names(desk, asked_for, options.k)
        records = DayRecords(desk, options, key, asked_for)
        found = []
        for day in records.days():
            name = f"flows-{day}"
            path = f"{FOLDER}/day={day}/{name}.parquet"
            try:
                rows = _write(folder / path, desk.batches(records.prepare(day)))
                found.append(
                    Resource(
                        name=name,
                        path=path,
                        title=f"Flow records of {day} (UTC): the counts since that flow's previous record.",
                        schema=table_schema(options),
                        rows=rows,
                        sha256=_digest(folder / path),
                        bytes=(folder / path).stat().st_size,
                    )
                )
            except OSError as error:
                raise StoreError(f"{folder / path} cannot be written: {error}") from error
        return found


def _write(path: Path, batches: Iterator[pa.RecordBatch]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    schema = records_schema()
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        write_statistics=["start_time"],
        store_schema=False,
    ) as writer:
        for group in _groups(batches, schema):
            writer.write_table(group)
            rows += len(group)
    return rows


def _groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Rows in portions of one size: how they came must not show in the file's bytes."""
    waiting: list[pa.Table] = []
    rows = 0
    for batch in batches:
        table = _typed(pa.Table.from_batches([batch]), schema)
        waiting.append(table)
        rows += len(table)
        while rows >= BATCH_ROWS:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, BATCH_ROWS).combine_chunks()
            waiting = [joined.slice(BATCH_ROWS)]
            rows -= BATCH_ROWS
    if rows:
        yield pa.concat_tables(waiting).combine_chunks()


def _typed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [table[field.name].cast(field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
