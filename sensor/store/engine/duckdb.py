"""DuckDB over a store: one view a table, and functions of the columns."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from sensor import schema
from sensor.errors import StoreError
from sensor.schema import TABLES, Table, empty_view_sql
from sensor.store.engine.visible import share_store
from sensor.store.integrity import Fault, Look, look_at_everything, look_at_footer
from sensor.store.layout import Segment
from sensor.store.manifest import read_manifest
from sensor.store.place import Lock, Place, Where, place_of
from sensor.store.place.model import local_root, reason_of
from sensor.store.swap import visible_segments

_OF_THE_WORDS = (
    duckdb.ParserException, duckdb.SyntaxException, duckdb.CatalogException, duckdb.PermissionException,
    duckdb.NotImplementedException, duckdb.InterruptException, duckdb.OutOfMemoryException,
)  # fmt: skip
_OF_WORDS_OR_FILES = (
    duckdb.BinderException, duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.TypeMismatchException,
)  # fmt: skip


def connect(
    store: Where,
    settings: Mapping[str, str | int] | None = None,
    *,
    nanoseconds: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open a store for SQL.

    The views flows, dns, hosts and accounting show the rows that are there now: what is written later
    takes a new connection, and what is seen does not change or vanish before the connection is closed.
    Times are UTC without a zone, ``day`` is the UTC day as DATE. The connection reaches no other file
    and no network, its settings are locked, and extensions are not loaded.

    Parameters
    ----------
    store
        The store's folder, or its address on object storage.
    settings
        DuckDB settings to begin with, such as ``memory_limit`` and ``threads``.
    nanoseconds
        Show each time a second time as ``<column>_ns``, a whole number of nanoseconds since 1970: reading
        that costs a tenth of reading a time.

    Raises
    ------
    StoreError
        There is no store, its schema is newer, or somebody is removing segments for over a minute.
    """
    place = place_of(store)
    try:
        return _connect(place, settings or {}, nanoseconds)
    except OSError as error:
        raise StoreError(f"cannot read {place.name}: {reason_of(error)}") from error


def _connect(place: Place, settings: Mapping[str, str | int], nanoseconds: bool) -> duckdb.DuckDBPyConnection:
    is_mixed = read_manifest(place).schema_version < schema.SCHEMA_VERSION
    lock = share_store(place)
    connection = duckdb.connect(
        config={
            **settings,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    try:
        files = _create_views(connection, place, nanoseconds, is_mixed)
        _create_functions(connection, lock)
        _confine(connection, files)
    except BaseException:
        connection.close()
        if lock is not None:
            lock.release()
        raise
    return connection


def looks_for(error: Exception) -> tuple[Look, ...]:
    """How to look for a broken segment after this error: by footers, by every page, or not at all."""
    cause = error.__cause__ if isinstance(error, StoreError) else error
    if not isinstance(cause, duckdb.Error) or isinstance(cause, _OF_THE_WORDS):
        return ()
    if isinstance(cause, _OF_WORDS_OR_FILES):
        return (look_at_footer,)
    return (look_at_footer, look_at_everything, look_by_query)


def look_by_query(place: Place, segment: Segment) -> Fault | None:
    """Let DuckDB read a segment alone: it refuses some damage of footers that others do not mind.

    Only on this machine: far away, reading everything has said what there is to say.
    """
    if local_root(place) is None:
        return None
    with duckdb.connect() as connection:
        try:
            connection.execute(
                "SELECT count(hash(segment)) FROM read_parquet("
                f"{_text(glob.escape(place.url(segment.relative_path)))}) AS segment"
            )
        except duckdb.Error as error:
            if not place.exists(segment.relative_path):
                return None
            return Fault(segment, str(error).partition("\n")[0])
    return None


def _create_views(
    connection: duckdb.DuckDBPyConnection, place: Place, nanoseconds: bool, is_mixed: bool
) -> list[str]:
    # Listed once: tables read at different moments could lie on both sides of a swap.
    segments = visible_segments(place, tuple(TABLES))
    _register_files(connection, place, [one.relative_path for one in segments])
    for table in TABLES.values():
        paths = [place.url(one.relative_path) for one in segments if one.table == table.name]
        sql = _view_sql(table, paths, nanoseconds, is_mixed) if paths else _empty_sql(table, nanoseconds)
        connection.execute(sql)
    return [place.url(one.relative_path) for one in segments]


def _register_files(connection: duckdb.DuckDBPyConnection, place: Place, paths: list[str]) -> None:
    from sensor.store.place.local import LocalPlace

    if isinstance(place, LocalPlace):
        return
    from sensor.store.place.objects import ObjectPlace
    from sensor.store.place.reading import SegmentFiles

    if isinstance(place, ObjectPlace):
        connection.register_filesystem(SegmentFiles(place, paths))


def _view_sql(table: Table, paths: list[str], nanoseconds: bool, is_mixed: bool) -> str:
    columns = []
    for column in table.columns:
        # Parquet says "UTC"; DuckDB calculates with zoned times only by an extension from the network.
        is_time = column.sql == "TIMESTAMP_NS"
        columns.append(f'"{column.name}"::TIMESTAMP_NS AS "{column.name}"' if is_time else f'"{column.name}"')
        if is_time and nanoseconds:
            columns.append(f'epoch_ns("{column.name}") AS "{column.name}_ns"')
    if table.day_column is None:
        columns.append('"day"')
    files = (
        f"read_parquet({_texts([glob.escape(path) for path in paths])}, union_by_name = {is_mixed}, "
        "hive_partitioning = true, hive_types = {'day': DATE})"
    )
    if is_mixed:
        files = f"(FROM {files} UNION ALL BY NAME {_no_rows_sql(table)})"
    return f'CREATE TEMP VIEW "{table.name}" AS SELECT {", ".join(columns)} FROM {files}'


def _no_rows_sql(table: Table) -> str:
    """What gives every column to segments of an earlier schema, which lack some."""
    stored = [column for column in table.columns if column.name != table.day_column]
    empty = [f'CAST(NULL AS {column.sql}) AS "{column.name}"' for column in stored]
    return f'SELECT {", ".join(empty)}, CAST(NULL AS DATE) AS "day" WHERE false'


def _empty_sql(table: Table, nanoseconds: bool) -> str:
    extra = [
        f'CAST(NULL AS BIGINT) AS "{column.name}_ns"'
        for column in table.columns
        if nanoseconds and column.sql == "TIMESTAMP_NS"
    ]
    return ", ".join([empty_view_sql(table.name).removesuffix(" WHERE false"), *extra]) + " WHERE false"


def _create_functions(connection: duckdb.DuckDBPyConnection, lock: Lock | None) -> None:
    def community_id(
        inside_ip: pa.ChunkedArray,
        outside_ip: pa.ChunkedArray,
        inside_port: pa.ChunkedArray,
        outside_port: pa.ChunkedArray,
        protocol: pa.ChunkedArray,
        initiator: pa.ChunkedArray,
    ) -> pa.Array:
        from sensor import community_id as module

        return module.community_id(inside_ip, outside_ip, inside_port, outside_port, protocol, initiator)

    # The connection owns its functions: the lock lives exactly as long as they do.
    community_id.lock = lock  # type: ignore[attr-defined]
    connection.create_function(
        "community_id",
        community_id,
        ["VARCHAR", "VARCHAR", "USMALLINT", "USMALLINT", "UTINYINT", "VARCHAR"],
        "VARCHAR",
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
    )


def _confine(connection: duckdb.DuckDBPyConnection, files: list[str]) -> None:
    spill = Path(tempfile.gettempdir()) / f"blocktap-query-{os.getpid()}"
    connection.execute(f"SET temp_directory = {_text(str(spill))}")
    # DuckDB checks the pattern as well as the file it stands for.
    allowed = sorted({*files, *map(glob.escape, files)})
    connection.execute(f"SET allowed_paths = {_texts(allowed)}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _texts(values: list[str]) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
