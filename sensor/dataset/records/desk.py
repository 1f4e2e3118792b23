"""The connection on which records are made: a store, tables beside it, and functions that SQL lacks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import pyarrow as pa

from sensor.errors import StoreError
from sensor.store.engine.duckdb import connect
from sensor.store.engine.rollup import MEMORY_LIMIT

BATCH_ROWS = 131_072

TextFunction = Callable[[list[str | None]], list[str | None]]


class Desk:
    """DuckDB over a store; a context manager. What does not fit into its memory lies on the disk meanwhile."""

    def __init__(self, store: str | os.PathLike[str]) -> None:
        settings: dict[str, str | int] = {"memory_limit": MEMORY_LIMIT, "preserve_insertion_order": "false"}
        self._connection = connect(store, settings, nanoseconds=True)

    def function(self, name: str, function: TextFunction) -> None:
        """Let SQL call a function from text to text, many at once."""
        from duckdb.func import FunctionNullHandling, PythonUDFType

        def call(column: pa.ChunkedArray) -> pa.Array:
            return pa.array(function(column.to_pylist()), pa.utf8())

        self._connection.create_function(
            name,
            call,
            ["VARCHAR"],
            "VARCHAR",
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )

    def keep(self, name: str, sql: str) -> None:
        """Keep the rows of a query as a temporary table."""
        self._run(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {sql}')

    def drop(self, *names: str) -> None:
        """Forget temporary tables."""
        for name in names:
            self._run(f'DROP TABLE "{name}"')

    def lend(self, name: str, rows: pa.Table) -> None:
        """Let queries use rows of the caller."""
        self._connection.register(name, rows)

    def rows(self, sql: str) -> list[dict[str, object]]:
        """The rows of a query that gives few."""
        with _told():
            found: list[dict[str, object]] = self._connection.sql(sql).to_arrow_table().to_pylist()
            return found

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query, in its order, a batch at a time."""
        with _told():
            yield from self._connection.sql(sql).to_arrow_reader(BATCH_ROWS)

    def close(self) -> None:
        """Let go of the store."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, sql: str) -> None:
        with _told():
            self._connection.execute(sql)


class _told:  # noqa: N801 # reads as a word
    """DuckDB's errors as the store's."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import duckdb

        if isinstance(error, duckdb.Error):
            raise StoreError(f"the store cannot be read: {error}") from error
