"""The writer: record batches in, Parquet segments out."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from sensor.errors import StoreError
from sensor.schema import TABLES, arrow_schema
from sensor.store import durable, runs
from sensor.store.buffer import DayBuffer, split_by_day
from sensor.store.layout import (
    STAGED,
    WRITING,
    Segment,
    check_sensor_name,
    list_segments,
)
from sensor.store.lock import Sequence, maintenance_lock, writer_lock
from sensor.store.manifest import open_or_create
from sensor.store.parquet import write_parquet
from sensor.store.swap import carry_out, needed_files

SEGMENT_ROWS = 60_000
BUFFERED_ROWS = 500_000
BUFFERED_BYTES = 1 << 30
BUFFERED_DAYS = 1_000
"""Of all tables together. No honest clock has so many, and each day takes memory beside its rows."""


@dataclass
class TableStatistics:
    """What was written of one table."""

    rows: int = 0
    bytes: int = 0
    segments: int = 0


@dataclass(frozen=True)
class WriterOptions:
    """Limits of a writer.

    A day's rows become a segment as soon as there are ``segment_rows`` of them. When more than
    ``buffered_rows`` or ``buffered_bytes`` wait in all, the largest days are written early; when they are of more
    than ``buffered_days``, the days that have waited longest are.
    """

    segment_rows: int = SEGMENT_ROWS
    buffered_rows: int = BUFFERED_ROWS
    buffered_bytes: int = BUFFERED_BYTES
    buffered_days: int = BUFFERED_DAYS
    compact_on_close: bool = True


@dataclass
class StoreWriter:
    """Write one sensor's rows into a store, which is made where there is none.

    Use it as a context manager, from one thread at a time. After an exception what was
    completely written stays, except of a replacing run, which then changes nothing.

    Parameters
    ----------
    path
        The store's folder.
    sensor
        The sensor's name; a second writer of the same name is refused.
    run
        What is replayed; None for a live sensor.
    replace
        Stand in for the earlier runs of the same captures, at `close`.

    Raises
    ------
    StoreError
        The folder is no store, its schema is newer, or the sensor has a writer already.
    """

    path: str | os.PathLike[str]
    sensor: str
    run: runs.RunInfo | None = None
    replace: bool = False
    options: WriterOptions = WriterOptions()
    statistics: dict[str, TableStatistics] = field(init=False)

    def __post_init__(self) -> None:
        check_sensor_name(self.sensor)
        if self.replace and self.run is None:
            raise ValueError("only a run can replace earlier runs")
        self._root = Path(self.path).absolute()
        self.statistics = {table: TableStatistics() for table in TABLES}
        self._buffers: dict[tuple[str, date], DayBuffer] = {}
        self._known_schemas: dict[str, pa.Schema] = {}
        self._staged: list[Segment] = []
        self._written: set[tuple[str, date]] = set()
        self._days_to_compact: set[date] = set()
        self._closed = False
        self._record = runs.begin(self.run, self.sensor) if self.run else None
        open_or_create(self._root)
        self._lock = writer_lock(self._root, self.sensor)
        if not self._lock.acquire():
            raise StoreError(
                f"sensor {self.sensor!r} is being written to {self._root} by {self._lock.read()}"
            )
        try:
            self._lock.write(f"process {os.getpid()} on {socket.gethostname()}")
            self._open()
        except BaseException:
            self._lock.release()
            raise

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Take rows, in order of time; they are on the disk after the next `flush` at the latest.

        Raises
        ------
        ValueError
            The columns are not the table's.
        StoreError
            A segment could not be written. The rows are taken all the same.
        """
        if self._closed:
            raise ValueError("the writer is closed")
        self._check(table, batch.schema)
        if batch.num_rows == 0:
            return
        # All rows are taken before any is written: where that fails, they wait for the next try.
        for day, rows in split_by_day(batch, TABLES[table]):
            self._buffers.setdefault((table, day), DayBuffer(table, day)).add(rows)
        for buffer in list(self._buffers.values()):
            if buffer.rows >= self.options.segment_rows:
                self._write_segment(buffer)
        while self._holds_too_much():
            self._write_segment(max(self._buffers.values(), key=lambda buffer: buffer.bytes))
        while len(self._buffers) > self.options.buffered_days:
            self._write_segment(next(iter(self._buffers.values())))

    @property
    def waiting_rows(self) -> int:
        """Rows taken that are in no segment yet."""
        return sum(buffer.rows for buffer in self._buffers.values())

    def _holds_too_much(self) -> bool:
        waiting_bytes = sum(buffer.bytes for buffer in self._buffers.values())
        return self.waiting_rows > self.options.buffered_rows or waiting_bytes > self.options.buffered_bytes

    def flush(self) -> None:
        """Write every row taken so far; what could not be written waits for the next try."""
        for key in sorted(self._buffers):
            self._write_segment(self._buffers[key])

    def close(self) -> dict[str, TableStatistics]:
        """Flush, swap in what replaces earlier runs, compact this run's segments, and let go of the store."""
        if self._closed:
            return self.statistics
        try:
            self.flush()
            self._finish_run()
        finally:
            self._let_go()
        return self.statistics

    def abort(self) -> None:
        """Let go of the store without writing what waits; segments written so far stay, staged ones go."""
        if self._closed:
            return
        self._buffers.clear()
        try:
            for segment in self._staged:
                durable.remove(self._root / segment.relative_path)
        finally:
            self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _open(self) -> None:
        with maintenance_lock(self._root):
            carry_out(self._root)
            self._remove_left_overs()
            if self.replace and self.run:
                runs.runs_to_replace(self._root, self.run)
            elif self._record:
                runs.write_run(self._root, self._record)
        self._sequence = Sequence(self._root, self.sensor)

    def _remove_left_overs(self) -> None:
        """Remove what a crashed writer of this sensor left; no other process can be writing these."""
        needed = needed_files(self._root)
        for segment in list_segments(self._root):
            mine = segment.sensor == self.sensor and segment.state in (WRITING, STAGED)
            if mine and segment.relative_path not in needed:
                durable.remove(self._root / segment.relative_path)

    def _check(self, table: str, schema: pa.Schema) -> None:
        if schema == self._known_schemas.get(table):
            return
        if table not in TABLES:
            raise ValueError(f"there is no table {table!r}")
        plain = pa.schema([pa.field(one.name, _plain_type(one.type)) for one in schema])
        expected = arrow_schema(table)
        if plain.names != expected.names:
            raise ValueError(f"{table}: the columns are {plain.names}, not {expected.names}")
        for given, wanted in zip(plain, expected, strict=True):
            if given.type != wanted.type:
                raise ValueError(f"{table}.{given.name}: the type is {given.type}, not {wanted.type}")
        self._known_schemas[table] = schema

    def _write_segment(self, buffer: DayBuffer) -> None:
        rows, run = buffer.joined(), self.run.id if self.run else None
        try:
            segment = Segment(buffer.table, buffer.day, self.sensor, self._sequence.next())
            target = replace(segment, state=STAGED) if self.replace else segment
            writing = self._root / replace(segment, state=WRITING).relative_path
            durable.make_folder(writing.parent)
            try:
                size = write_parquet(writing, rows, run)
            except FileNotFoundError:  # retention removed the empty folder in between
                durable.make_folder(writing.parent)
                size = write_parquet(writing, rows, run)
            os.rename(writing, self._root / target.relative_path)
            durable.sync_folder(writing.parent)
        except OSError as error:
            folder = self._root / buffer.table / f"day={buffer.day.isoformat()}"
            raise StoreError(f"cannot write {folder}: {error}") from error
        del self._buffers[buffer.table, buffer.day]
        if self.replace:
            self._staged.append(target)
        place = buffer.table, buffer.day
        if place in self._written:
            self._days_to_compact.add(buffer.day)
        self._written.add(place)
        statistics = self.statistics[buffer.table]
        statistics.rows += buffer.rows
        statistics.bytes += size
        statistics.segments += 1

    def _finish_run(self) -> None:
        if self._record is None or self.run is None:
            return
        complete = replace(self._record, complete=True)
        if self.replace:
            from sensor.store.replacement import replace_runs

            replace_runs(self._root, self.run, complete, self._staged)
        else:
            with maintenance_lock(self._root):
                runs.write_run(self._root, complete)
        if self.options.compact_on_close and self._days_to_compact:
            from sensor.store.compaction import Compaction, compact

            days = frozenset(self._days_to_compact)
            merged_bytes = min(self.options.buffered_bytes, Compaction.merged_bytes)
            plan = Compaction(sensor=self.sensor, run=self.run.id, days=days, merged_bytes=merged_bytes)
            compact(self._root, plan)

    def _let_go(self) -> None:
        self._closed = True
        self._lock.release()


def _plain_type(arrow_type: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(arrow_type):
        return arrow_type.value_type
    if pa.types.is_list(arrow_type):
        return pa.list_(arrow_type.value_type)
    return arrow_type
