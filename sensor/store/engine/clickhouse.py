"""ClickHouse over a store: the same rollups, the files left where they are.

A view is a subquery that stands before each query that names it: no rights to create anything are needed, and
nothing stays behind on a server. What a study keeps are temporary tables of its session.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import pyarrow as pa

from sensor.errors import StoreError
from sensor.schema import TABLES, Column, Table
from sensor.store.engine.clickhouse_client import open_client, text
from sensor.store.engine.visible import hold_segments
from sensor.store.place import Where

_TYPES = {
    "BOOLEAN": "Nullable(Bool)",
    "DOUBLE": "Nullable(Float64)",
    "TIMESTAMP_NS": "Nullable(DateTime64(9, 'UTC'))",
    "UBIGINT": "Nullable(UInt64)",
    "UINTEGER": "Nullable(UInt32)",
    "USMALLINT": "Nullable(UInt16)",
    "UTINYINT": "Nullable(UInt8)",
    "UTINYINT[]": "Array(Nullable(UInt8))",
    "VARCHAR": "Nullable(String)",
    "VARCHAR[]": "Array(Nullable(String))",
}
_LENT_TYPES = {
    pa.utf8(): "Nullable(String)",
    pa.int64(): "Nullable(Int64)",
    pa.float64(): "Nullable(Float64)",
    pa.date32(): "Nullable(Date32)",
}
_DAY = "toNullable(toDate32(day))"
_SETTINGS: dict[str, str | int] = {
    "use_hive_partitioning": 1,
    # What SQL says of NULL in a cast, of groups that a grouping set leaves out, and of a column and an alias of
    # one name.
    "cast_keep_nullable": 1,
    "group_by_use_nulls": 1,
    "prefer_column_name_to_alias": 1,
    # A query names each file it reads.
    "max_query_size": 1 << 30,
}


class ClickHouseRollups:
    """ClickHouse over a store; a context manager.

    Parameters
    ----------
    store
        The store's folder, or its address on object storage. A server must see a folder under the same path,
        beneath its ``user_files_path``.
    address
        ``http://[user@]host[:port][/database][?cluster=NAME]``; None for an engine inside this process. With a
        cluster every server of it reads a part of a store on object storage.
    settings
        Further settings of each query.

    Raises
    ------
    StoreError
        There is no store, its schema is newer than this program, or the server cannot be used.
    ConfigError
        The address is none, or the package it takes is not installed.
    """

    def __init__(
        self,
        store: Where,
        *,
        address: str | None = None,
        settings: Mapping[str, str | int] | None = None,
    ) -> None:
        self._held = hold_segments(store)
        try:
            self._client, self._cluster = open_client(address, {**_SETTINGS, **(settings or {})})
        except BaseException:
            self._held.close()
            raise
        self._views = {table.name: self._view_sql(table) for table in TABLES.values()}

    def rollup(self, sql: str) -> pa.Table:
        """Run a query and return its rows; see `Rollups`."""
        return self._client.read(self._with_views(sql))

    def keep(self, name: str, sql: str) -> None:
        """Keep the rows of a query as a temporary table, compressed in memory."""
        self._client.run(f"DROP TEMPORARY TABLE IF EXISTS {name}")
        self._client.run(
            f"CREATE TEMPORARY TABLE {name} ENGINE = Memory SETTINGS compress = 1 AS {self._with_views(sql)}"
        )

    def lend(self, name: str, rows: pa.Table) -> None:
        """Let later queries use rows of the caller."""
        columns = ", ".join(f"`{field.name}` {_LENT_TYPES[field.type]}" for field in rows.schema)
        self._client.run(f"DROP TEMPORARY TABLE IF EXISTS {name}")
        self._client.run(f"CREATE TEMPORARY TABLE {name} ({columns}) ENGINE = Memory")
        if len(rows):
            self._client.insert(name, rows)

    def whole(self, dividend: str, divisor: int) -> str:
        """See `Rollups`."""
        return f"intDiv({dividend}, {divisor})"

    def close(self) -> None:
        """Let go of the store and the session."""
        self._client.close()
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _with_views(self, sql: str) -> str:
        used = [
            f"{name} AS ({view})"
            for name, view in self._views.items()
            if re.search(rf"\b(?:FROM|JOIN) {name}\b", sql)
        ]
        return f"WITH {', '.join(used)} {sql}" if used else sql

    def _view_sql(self, table: Table) -> str:
        paths = self._held.paths[table.name]
        if not paths:
            return f"SELECT {', '.join(_empty(table))} WHERE false"
        columns = [part for column in table.columns if column.sql != "DATE" for part in _shown(column)]
        return f"SELECT {', '.join(columns)}, {_DAY} AS day FROM {self._source(table, paths)}"

    def _source(self, table: Table, paths: list[str]) -> str:
        structure = ", ".join(
            f"{column.name} {_TYPES[column.sql]}" for column in table.columns if column.sql != "DATE"
        )
        bucket = self._held.bucket
        inside = [path.removeprefix(f"{table.name}/") for path in paths]
        if bucket is None:
            where = _choice(f"{self._held.folder}/{table.name}", inside)
            return f"file({text(where)}, 'Parquet', {text(structure)})"
        keys = [part for part in (bucket.key, bucket.secret, bucket.token) if part]
        arguments = [_choice(f"{bucket.url}/{table.name}", inside), *keys, "Parquet", structure]
        listed = ", ".join(map(text, arguments))
        return f"s3Cluster({text(self._cluster)}, {listed})" if self._cluster else f"s3({listed})"


def _choice(folder: str, names: list[str]) -> str:
    """A pattern for some files of a folder. Its braces are taken apart as text: no folder is listed."""
    if special := set(folder) & set("*?{}"):
        raise StoreError(f"{folder}: ClickHouse takes {' '.join(sorted(special))} in a path for a pattern")
    return f"{folder}/{{{','.join(names)}}}" if len(names) > 1 else f"{folder}/{names[0]}"


def _shown(column: Column) -> list[str]:
    if column.sql != "TIMESTAMP_NS":
        return [column.name]
    return [column.name, f"toUnixTimestamp64Nano({column.name}) AS {column.name}_ns"]


def _empty(table: Table) -> list[str]:
    shown = [
        f"CAST({'[]' if column.sql.endswith('[]') else 'NULL'} AS {_TYPES[column.sql]}) AS {column.name}"
        for column in table.columns
        if column.sql != "DATE"
    ]
    times = [
        f"CAST(NULL AS Nullable(Int64)) AS {column.name}_ns"
        for column in table.columns
        if column.sql == "TIMESTAMP_NS"
    ]
    return [*shown, *times, "CAST(NULL AS Nullable(Date32)) AS day"]
