"""Whether a segment is whole: by its footer, which is quick, or by every page of it.

Damage may end the process that reads it: `sensor.store.isolated` looks from another one.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sensor import schema
from sensor.schema import TABLES, Table
from sensor.store.layout import Segment
from sensor.store.parquet import version_of
from sensor.store.place import Place
from sensor.store.place.model import reason_of

READ_ERRORS = (pa.ArrowException, OSError, ValueError, KeyError, MemoryError, OverflowError)
"""What reading a broken segment fails with."""
_OF_THE_FILE = (errno.EIO, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP)
"""Why a single file may be out of reach; anything else, as too many open files, says nothing about it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Fault:
    """A segment that is not whole, and what is known of the rows it held.

    ``is_damaged`` is false where the file could not be read for a reason outside of it, as a lost permission.
    """

    segment: Segment
    reason: str
    rows: int | None = None
    first: datetime | None = None
    last: datetime | None = None
    is_damaged: bool = True

    def __str__(self) -> str:
        held = [f"{self.rows:,} rows" if self.rows is not None else "an unknown number of rows"]
        if self.first is not None and self.last is not None:
            held.append(f"{_text(self.first)} to {_text(self.last)}")
        else:
            held.append(f"of {self.segment.day.isoformat()}")
        return f"{self.segment.relative_path}: {self.reason}; it held {', '.join(held)}"


class _DamageError(Exception):
    """What a file's rows have that they cannot have."""


Look = Callable[[Place, Segment], Fault | None]
"""One way of looking at a segment."""


def look_at_footer(place: Place, segment: Segment) -> Fault | None:
    """Look whether the file has a footer with the table's columns: finds what is cut short or no Parquet."""
    return _look(place, segment, every_page=False)


def look_at_everything(place: Place, segment: Segment) -> Fault | None:
    """Read every page, with its checksum, and look whether rows are where and as they belong."""
    return _look(place, segment, every_page=True)


def _look(place: Place, segment: Segment, *, every_page: bool) -> Fault | None:
    known: dict[str, Any] = {}
    try:
        with pq.ParquetFile(place.source(segment.relative_path), page_checksum_verification=True) as file:
            known = _held(file.metadata, TABLES[segment.table])
            is_current = version_of(file.metadata) >= schema.SCHEMA_VERSION
            _check_columns(file.schema_arrow, TABLES[segment.table], is_current=is_current)
            if every_page:
                _check_rows(file, segment)
    except FileNotFoundError:
        return None
    except _DamageError as error:
        return Fault(segment, str(error), **known)
    except OSError as error:
        # The libraries' own complaints about a file's content come without a number.
        if error.errno is not None and error.errno not in _OF_THE_FILE:
            raise
        return Fault(segment, reason_of(error), **known, is_damaged=error.errno is None)
    except READ_ERRORS as error:
        return Fault(segment, str(error).partition("\n")[0] or type(error).__name__, **known)
    return None


def _held(metadata: pq.FileMetaData, table: Table) -> dict[str, Any]:
    """Rows, and the first and last time, as the footer says."""
    ends: list[int] = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for index in range(group.num_columns):
            column = group.column(index)
            if column.path_in_schema == table.time_column and _has_ends(column.statistics):
                ends += [column.statistics.min_raw, column.statistics.max_raw]
    first, last = (_moment(min(ends)), _moment(max(ends))) if ends else (None, None)
    return {"rows": metadata.num_rows, "first": first, "last": last}


def _check_columns(found: pa.Schema, table: Table, *, is_current: bool) -> None:
    missing = [name for name in table.stored_columns if name not in found.names]
    # Schemas have gained columns and never lost one.
    if missing and is_current:
        raise _DamageError(f"the column {missing[0]} is missing")
    for column in table.columns:
        if column.name in found.names and found.field(column.name).type != column.arrow:
            kind = found.field(column.name).type
            raise _DamageError(f"the column {column.name} is {kind}, not {column.arrow}")


def _check_rows(file: pq.ParquetFile, segment: Segment) -> None:
    table = TABLES[segment.table]
    before: int | None = None
    for number in range(file.num_row_groups):
        described = file.metadata.row_group(number)
        rows = file.read_row_group(number)
        rows.validate(full=True)
        if rows.num_rows != described.num_rows:
            raise _DamageError(f"a row group has {rows.num_rows} rows and says {described.num_rows}")
        _check_statistics(rows, described)
        times = rows[table.time_column].cast(pa.int64())
        if times.null_count:
            raise _DamageError(f"a row has no {table.time_column}")
        if table.sort_by[0] == table.time_column:
            before = _check_order(times, before, table)
        if table.day_column is None:
            _check_day(times, segment.day)


def _check_statistics(rows: pa.Table, described: Any) -> None:
    """Readers leave out row groups by these: a wrong one hides rows."""
    for index in range(described.num_columns):
        column = described.column(index)
        if not _has_ends(column.statistics) or column.path_in_schema not in rows.column_names:
            continue
        ends = pc.min_max(_physical(rows[column.path_in_schema])).as_py()
        said = _decoded(column.statistics.min_raw), _decoded(column.statistics.max_raw)
        if (ends["min"], ends["max"]) != said:
            raise _DamageError(f"{column.path_in_schema} lies outside what the footer says of it")


def _check_order(times: pa.ChunkedArray, before: int | None, table: Table) -> int | None:
    numbers = times.to_numpy()
    if len(numbers) == 0:
        return before
    if (before is not None and numbers[0] < before) or (numbers[1:] < numbers[:-1]).any():
        raise _DamageError(f"rows are not in the order of {table.time_column}")
    return int(numbers[-1])


def _check_day(times: pa.ChunkedArray, day: date) -> None:
    ends = pc.min_max(times).as_py()
    for end in (ends["min"], ends["max"]):
        if end is not None and _moment(end).date() != day:
            raise _DamageError(f"a row is of {_moment(end).date().isoformat()}")


def _has_ends(statistics: Any) -> bool:
    return statistics is not None and bool(statistics.has_min_max)


def _physical(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column


def _decoded(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _moment(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
