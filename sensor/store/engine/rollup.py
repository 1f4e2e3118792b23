"""Rollups: the one thing that a study asks of an engine.

A rollup is a GROUP BY whose result is small. It is written once, in SQL that DuckDB, Spark and ClickHouse
share; what they spell differently is a method of the engine. Besides its own columns each view has every
time as a whole number of nanoseconds since 1970, under its name with ``_ns``.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

from sensor.errors import StoreError
from sensor.store.engine.duckdb import connect
from sensor.store.place import Where

MEMORY_LIMIT = "4GB"
"""What DuckDB may hold; beyond that it spills to the disk. Python's share of the memory comes on top."""


class Rollups(Protocol):
    """An engine over one store, as a study sees it."""

    def rollup(self, sql: str) -> pa.Table:
        """Run a query over the views flows, dns, hosts and accounting; return its rows, all of them."""

    def keep(self, name: str, sql: str) -> None:
        """Keep the rows of a query under a name that later queries may use."""

    def lend(self, name: str, rows: pa.Table) -> None:
        """Let later queries use rows of the caller under a name."""

    def whole(self, dividend: str, divisor: int) -> str:
        """Return an expression: how often the divisor goes into a whole number, rounded down."""


class DuckDBRollups:
    """DuckDB over a store on this machine; a context manager.

    Parameters
    ----------
    store
        The store's folder, or its address on object storage.
    memory_limit
        As DuckDB writes it.
    threads
        How many; DuckDB's own choice if not given.

    Raises
    ------
    StoreError
        There is no store, or its schema is newer than this program.
    """

    def __init__(
        self,
        store: Where,
        *,
        memory_limit: str = MEMORY_LIMIT,
        threads: int | None = None,
    ) -> None:
        settings: dict[str, str | int] = {"memory_limit": memory_limit, "preserve_insertion_order": "false"}
        if threads is not None:
            settings["threads"] = threads
        self._connection = connect(store, settings, nanoseconds=True)

    def rollup(self, sql: str) -> pa.Table:
        """Run a query and return its rows; see `Rollups`."""
        return self._run(sql).to_arrow_table()

    def keep(self, name: str, sql: str) -> None:
        """Keep the rows of a query as a temporary table."""
        self._execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {sql}')

    def lend(self, name: str, rows: pa.Table) -> None:
        """Let later queries use rows of the caller."""
        self._connection.register(name, rows)

    def whole(self, dividend: str, divisor: int) -> str:
        """See `Rollups`."""
        return f"({dividend} // {divisor})"

    def close(self) -> None:
        """Let go of the store."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, sql: str):  # type: ignore[no-untyped-def] # DuckDB's relations have no types
        import duckdb

        try:
            return self._connection.sql(sql)
        except duckdb.Error as error:
            raise StoreError(f"the store cannot be read: {error}") from error

    def _execute(self, sql: str) -> None:
        import duckdb

        try:
            self._connection.execute(sql)
        except duckdb.Error as error:
            raise StoreError(f"the store cannot be read: {error}") from error
