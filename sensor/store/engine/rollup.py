"""Rollups: the one thing that a study asks of an engine.

A rollup is a GROUP BY whose result is small. It is written once, in SQL that DuckDB, Spark and ClickHouse
share; the few expressions that they spell differently are methods of the engine.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

from sensor.errors import StoreError
from sensor.store.engine.duckdb import connect

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

    def shifted(self, column: str, seconds: str) -> str:
        """Return an expression: a time, so many seconds later, to the microsecond."""

    def hour_of(self, time: str) -> str:
        """Return an expression: the time at which a time's hour began."""

    def epoch_seconds(self, time: str) -> str:
        """Return an expression: seconds since 1970 as a floating-point number."""


class DuckDBRollups:
    """DuckDB over a store on this machine; a context manager.

    Parameters
    ----------
    store
        The store's folder.
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
        store: str | os.PathLike[str],
        *,
        memory_limit: str = MEMORY_LIMIT,
        threads: int | None = None,
    ) -> None:
        settings: dict[str, str | int] = {"memory_limit": memory_limit, "preserve_insertion_order": "false"}
        if threads is not None:
            settings["threads"] = threads
        self._connection = connect(store, settings)

    def rollup(self, sql: str) -> pa.Table:
        """Run a query and return its rows; see `Rollups`."""
        return self._run(sql).to_arrow_table()

    def keep(self, name: str, sql: str) -> None:
        """Keep the rows of a query as a temporary table."""
        self._execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {sql}')

    def lend(self, name: str, rows: pa.Table) -> None:
        """Let later queries use rows of the caller."""
        self._connection.register(name, rows)

    def shifted(self, column: str, seconds: str) -> str:
        """See `Rollups`."""
        return f"(CAST({column} AS TIMESTAMP) + {seconds} * INTERVAL '1' SECOND)"

    def hour_of(self, time: str) -> str:
        """See `Rollups`."""
        return f"date_trunc('hour', {time})"

    def epoch_seconds(self, time: str) -> str:
        """See `Rollups`."""
        return f"(epoch_us(CAST({time} AS TIMESTAMP)) / 1e6)"

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
