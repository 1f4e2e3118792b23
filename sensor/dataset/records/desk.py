"""The connection on which records are made: a store, tables beside it, and functions that SQL lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType

import pyarrow as pa

from sensor.errors import StoreError
from sensor.store.engine.rollup import DuckDBRollups

BATCH_ROWS = 131_072

TextFunction = Callable[[list[str | None]], list[str | None]]


class Desk(DuckDBRollups):
    """Rollups over a store, and what records take besides. What does not fit into memory lies on the disk."""

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

    def drop(self, *names: str) -> None:
        """Forget temporary tables."""
        for name in names:
            self._execute(f'DROP TABLE "{name}"')

    def rows(self, sql: str) -> list[dict[str, object]]:
        """The rows of a query that gives few."""
        with _told():
            found: list[dict[str, object]] = self._connection.sql(sql).to_arrow_table().to_pylist()
            return found

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query, in its order, a batch at a time."""
        with _told():
            yield from self._connection.sql(sql).to_arrow_reader(BATCH_ROWS)


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
