"""How rows become Parquet bytes, and back. The settings come from ``tests/bench/store_write.py``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from sensor import schema
from sensor.schema import TABLES
from sensor.store import durable

ROW_GROUP_ROWS = 131_072
DATA_PAGE_BYTES = 1 << 18

# A few levels up, zstd costs twice the time for two per cent.
_ZSTD_LEVEL = 1

# Numbers that differ from row to row. Deltas of sorted times and the bits that ports
# really have are smaller than their plain form, and compressing them again gains nothing.
_DELTA = {"start_time", "end_time", "time", "first", "last", "inside_port", "outside_port"}
_RANDOM = {"flow_id"}
# Text that may repeat or not: where it rarely does, a dictionary of it costs more than it saves.
_LOOKED_AT = ("outside_ip",)
_SAMPLE_ROWS = 16_384
_MOST_DISTINCT = 0.5
# Statistics cost more than most columns themselves; these are what readers skip row groups by.
_STATISTICS = ("start_time", "time", "inside_ip")

_RUN = "blocktap.run"
_VERSION = "blocktap.schema_version"
_MEMORY = "blocktap.memory_bytes"
_ROW_BYTES = 512
"""What a row takes in memory where a file does not say, about."""


def write_parquet(path: Path, rows: pa.Table, run: str | None) -> int:
    """Write rows into one file, wait until it is on the disk, and return its size in bytes.

    A file that could not be finished is removed.
    """
    durable.create_file(path)
    try:
        with pa.OSFile(str(path), "wb") as sink:
            _write(sink, rows, run)
        durable.sync_file(path)
        return path.stat().st_size
    except BaseException:
        durable.remove(path)
        raise


def encode(rows: pa.Table, run: str | None) -> pa.Buffer:
    """The bytes of such a file."""
    sink = pa.BufferOutputStream()
    _write(sink, rows, run)
    return sink.getvalue()


def _write(sink: pa.NativeFile, rows: pa.Table, run: str | None) -> None:
    notes = {_VERSION: str(schema.SCHEMA_VERSION), _MEMORY: str(rows.nbytes)} | (
        {} if run is None else {_RUN: run}
    )
    settings = parquet_settings(rows.schema, repeating_columns(rows))
    with pq.ParquetWriter(sink, rows.schema, **settings) as writer:
        writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
        writer.add_key_value_metadata(notes)


def read_parquet(path: Path | pa.NativeFile, table: str) -> pa.Table:
    """All rows of one file, text of few values as dictionaries."""
    encoded = [column.name for column in TABLES[table].columns if column.few_values]
    # Verified, lest a flipped bit gets a new and valid checksum. Notes of the file are not the rows'; they would be
    # written once more. Threads would each keep memory of their own afterwards, in a daemon that does this for months.
    file = pq.ParquetFile(path, read_dictionary=encoded, page_checksum_verification=True)
    return file.read(use_threads=False).replace_schema_metadata(None)


class Footer(NamedTuple):
    """What a file tells of itself; ``memory_bytes`` is what its rows take, about: a short file can unpack to much."""

    rows: int
    run: str | None
    memory_bytes: int


def read_footer(path: Path | pa.NativeFile) -> Footer:
    """What one file tells of itself."""
    metadata = pq.read_metadata(path)
    notes: dict[bytes, bytes] = metadata.metadata or {}
    run, memory = notes.get(_RUN.encode()), notes.get(_MEMORY.encode(), b"")
    return Footer(
        metadata.num_rows,
        run.decode() if run is not None else None,
        int(memory) if memory.isdigit() else metadata.num_rows * _ROW_BYTES,
    )


def read_version(path: Path | pa.NativeFile) -> int:
    """Schema version of one file."""
    return version_of(pq.read_metadata(path))


def version_of(metadata: pq.FileMetaData) -> int:
    """Schema version that a footer tells."""
    return int((metadata.metadata or {})[_VERSION.encode()])


def repeating_columns(rows: pa.Table) -> set[str]:
    """Of the columns that may repeat or not, those that do in the first rows."""
    present = [name for name in _LOOKED_AT if name in rows.schema.names]
    samples = {name: rows[name].slice(0, _SAMPLE_ROWS) for name in present}
    return {name for name, sample in samples.items() if len(sample.unique()) <= _MOST_DISTINCT * len(sample)}


def parquet_settings(schema: pa.Schema, repeating: Collection[str] = ()) -> dict[str, Any]:
    """The arguments of `pyarrow.parquet.ParquetWriter` for rows of this table.

    Parameters
    ----------
    schema
        Of the rows.
    repeating
        See `repeating_columns`.
    """
    paths = {field.name: _leaf(field) for field in schema}
    incompressible = _DELTA | _RANDOM
    compressed = [path for name, path in paths.items() if name not in incompressible]
    no_dictionary = _DELTA | _RANDOM | (set(_LOOKED_AT) - set(repeating))
    return {
        "data_page_size": DATA_PAGE_BYTES,
        "compression": {path: "zstd" if path in compressed else "none" for path in paths.values()},
        "compression_level": dict.fromkeys(compressed, _ZSTD_LEVEL),
        "use_dictionary": [
            path
            for name, path in paths.items()
            if name not in no_dictionary and not pa.types.is_boolean(schema.field(name).type)
        ],
        "column_encoding": {path: "DELTA_BINARY_PACKED" for name, path in paths.items() if name in _DELTA},
        # Costs nothing that can be measured, and is what `blocktap store check` finds a flipped bit by.
        "write_page_checksum": True,
        "write_statistics": [name for name in _STATISTICS if name in paths],
        # Without the Arrow schema in the file, a reader gets text for text, however it was handed over.
        "store_schema": False,
    }


def _leaf(field: pa.Field) -> str:
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else str(field.name)
