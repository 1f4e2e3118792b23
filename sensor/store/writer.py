"""The writer: record batches in, Parquet segments out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from sensor.errors import StoreError
from sensor.schema import TABLES, arrow_schema
from sensor.store import runs
from sensor.store.buffer import DayBuffer, split_by_day
from sensor.store.landing import Asked, Landing, LocalLanding
from sensor.store.layout import Segment, check_sensor_name
from sensor.store.place import Where, place_of
from sensor.store.place.local import LocalPlace

if TYPE_CHECKING:
    from sensor.store.spool import SpoolOptions, SpoolState

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
    than ``buffered_days``, the days that have waited longest are. ``spool`` is for object storage.
    """

    segment_rows: int = SEGMENT_ROWS
    buffered_rows: int = BUFFERED_ROWS
    buffered_bytes: int = BUFFERED_BYTES
    buffered_days: int = BUFFERED_DAYS
    compact_on_close: bool = True
    spool: SpoolOptions | None = None


@dataclass
class StoreWriter:
    """Write one sensor's rows into a store, which is made where there is none.

    Use it as a context manager, from one thread at a time. After an exception what was
    completely written stays, except of a replacing run, which then changes nothing.

    Parameters
    ----------
    path
        The store's folder, or its address on object storage.
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

    path: Where
    sensor: str
    run: runs.RunInfo | None = None
    replace: bool = False
    options: WriterOptions = WriterOptions()
    statistics: dict[str, TableStatistics] = field(init=False)

    def __post_init__(self) -> None:
        check_sensor_name(self.sensor)
        if self.replace and self.run is None:
            raise ValueError("only a run can replace earlier runs")
        self.statistics = {table: TableStatistics() for table in TABLES}
        self._buffers: dict[tuple[str, date], DayBuffer] = {}
        self._known_schemas: dict[str, pa.Schema] = {}
        self._staged: list[Segment] = []
        self._written: set[tuple[str, date]] = set()
        self._days_to_compact: set[date] = set()
        self._closed = False
        self._record = runs.begin(self.run, self.sensor) if self.run else None
        asked = Asked(self.sensor, self.run, self._record, self.replace)
        self._landing = _landing(self.path, asked, self.options.spool)

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
    def spool_state(self) -> SpoolState | None:
        """What waits for object storage, and how shipping goes; None for a store in a folder."""
        return self._landing.spool_state

    @property
    def waiting_rows(self) -> int:
        """Rows taken that are in no segment yet."""
        return sum(buffer.rows for buffer in self._buffers.values())

    def newest_days(self, count: int) -> frozenset[date]:
        """The last days of which segments were written."""
        return frozenset(sorted({day for _, day in self._written})[-count:])

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
        except OSError as error:
            raise StoreError(f"cannot write to the store {self._landing.place.name}: {error}") from error
        finally:
            self._let_go()
        return self.statistics

    def abort(self) -> None:
        """Let go of the store without writing what waits; segments written so far stay, staged ones go."""
        if self._closed:
            return
        self._buffers.clear()
        try:
            self._landing.discard(self._staged)
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
        rows = buffer.joined()
        try:
            landed = self._landing.write(buffer.table, buffer.day, rows)
        except OSError as error:
            folder = self._landing.place.url(f"{buffer.table}/day={buffer.day.isoformat()}")
            raise StoreError(f"cannot write {folder}: {error}") from error
        del self._buffers[buffer.table, buffer.day]
        if self.replace:
            self._staged.append(landed.segment)
        place = buffer.table, buffer.day
        if place in self._written:
            self._days_to_compact.add(buffer.day)
        self._written.add(place)
        statistics = self.statistics[buffer.table]
        statistics.rows += buffer.rows
        statistics.bytes += landed.size
        statistics.segments += 1

    def _finish_run(self) -> None:
        if self._record is None or self.run is None:
            return
        complete = replace(self._record, complete=True)
        place = self._landing.place
        if self.replace:
            from sensor.store.replacement import replace_runs

            self._landing.settle()
            replace_runs(place, self.run, complete, self._staged)
        else:
            self._landing.note_run(complete)
            self._landing.settle()
        if self.options.compact_on_close and self._days_to_compact:
            from sensor.store.compaction import Compaction, compact

            days = frozenset(self._days_to_compact)
            merged_bytes = min(self.options.buffered_bytes, Compaction.merged_bytes)
            plan = Compaction(sensor=self.sensor, run=self.run.id, days=days, merged_bytes=merged_bytes)
            compact(place, plan)

    def _let_go(self) -> None:
        self._closed = True
        self._landing.release()


def _landing(where: Where, asked: Asked, options: SpoolOptions | None) -> Landing:
    place = place_of(where)
    if isinstance(place, LocalPlace):
        return LocalLanding(place, asked)
    from sensor.store.place.objects import ObjectPlace
    from sensor.store.spool import SpoolOptions
    from sensor.store.spool.landing import SpooledLanding

    if not isinstance(place, ObjectPlace):
        raise TypeError(f"{place.name}: nothing is known of writing there")
    return SpooledLanding(place, asked, options or SpoolOptions())


def _plain_type(arrow_type: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(arrow_type):
        return arrow_type.value_type
    if pa.types.is_list(arrow_type):
        return pa.list_(arrow_type.value_type)
    return arrow_type
