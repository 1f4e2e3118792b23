"""Tables out of a stranger's Parquet: what it says of itself is checked first, what comes out is counted."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sensor.dataset.limits import (
    MOST_COLUMNS,
    MOST_FOOTER_BYTES,
    MOST_LOADED_BYTES,
    MOST_ROW_GROUPS,
    MOST_ROWS,
    bounded_memory,
)
from sensor.errors import DatasetError

_BATCH_ROWS = 8192


def read_table(data: bytes, name: str, schema: pa.Schema) -> pa.Table:
    """Read a table whole.

    Parameters
    ----------
    data
        The file.
    name
        Of the file, for messages.
    schema
        What it has to hold.

    Raises
    ------
    DatasetError
        It is no Parquet, has other columns, or is too large.
    """
    try:
        with bounded_memory():
            file = _opened(pa.BufferReader(data), name)
            if not file.schema_arrow.equals(schema, check_metadata=False):
                raise DatasetError(f"{name}: its columns are not those of this table")
            table = _read(file, name, schema)
            table.validate(full=True)
            return table
    except (pa.ArrowException, OSError, MemoryError, OverflowError) as error:
        raise DatasetError(f"{name}: cannot be read as Parquet ({_first_line(error)})") from error


def read_shape(source: Any, name: str) -> tuple[list[str], int]:
    """Columns and number of rows, as the file's end says.

    Raises
    ------
    DatasetError
        It is no Parquet, or too large.
    """
    try:
        with bounded_memory():
            file = _opened(source, name)
            return list(file.schema_arrow.names), int(file.metadata.num_rows)
    except (pa.ArrowException, OSError, MemoryError, OverflowError) as error:
        raise DatasetError(f"{name}: cannot be read as Parquet ({_first_line(error)})") from error


def _opened(source: Any, name: str) -> pq.ParquetFile:
    file = pq.ParquetFile(
        source,
        memory_map=False,
        pre_buffer=False,
        thrift_string_size_limit=MOST_FOOTER_BYTES,
        thrift_container_size_limit=MOST_ROW_GROUPS * MOST_COLUMNS,
    )
    about = file.metadata
    if about.num_columns > MOST_COLUMNS or about.num_row_groups > MOST_ROW_GROUPS:
        raise DatasetError(f"{name}: has too many columns or row groups")
    if not 0 <= about.num_rows <= MOST_ROWS:
        raise DatasetError(f"{name}: says that it has {about.num_rows:,} rows; {MOST_ROWS:,} are the most")
    said = sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))
    if not 0 <= said <= MOST_LOADED_BYTES:
        raise DatasetError(
            f"{name}: says that it unpacks to {said:,} bytes; {MOST_LOADED_BYTES:,} are the most"
        )
    return file


def _read(file: pq.ParquetFile, name: str, schema: pa.Schema) -> pa.Table:
    batches, rows, size = [], 0, 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
        rows += batch.num_rows
        size += batch.nbytes
        if rows > MOST_ROWS or size > MOST_LOADED_BYTES:
            raise DatasetError(
                f"{name}: unpacks to more than {MOST_ROWS:,} rows or {MOST_LOADED_BYTES:,} bytes"
            )
        batches.append(batch)
    if rows != file.metadata.num_rows:
        raise DatasetError(f"{name}: has {rows:,} rows and says that it has {file.metadata.num_rows:,}")
    return pa.Table.from_batches(batches, schema=file.schema_arrow).cast(schema)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
