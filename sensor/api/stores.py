"""A store for Python programs: SQL, relations, days and runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Self

import duckdb

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store import Run, read_manifest, read_runs
from sensor.store.engine.duckdb import connect, look_by_query, looks_for
from sensor.store.integrity import look_at_everything
from sensor.store.isolated import find_faults
from sensor.store.place import place_of
from sensor.store.place.find import is_remote
from sensor.store.quarantine import broken_segments, read_around, set_aside, warn
from sensor.store.swap import visible_segments

__all__ = ["Store", "open_store"]


class Store:
    """A store opened for reading; a context manager.

    It shows the rows that were there when it was opened: what a sensor writes later is seen after `refresh`.
    While it is open nothing that it shows is removed. Relations are DuckDB's: ``.to_arrow_table()``, ``.df()``
    (pandas) and ``.pl()`` (polars) fetch their rows, and they belong to this store: close it after them.

    Parameters
    ----------
    path
        The store's folder, or its address on object storage, such as ``s3://bucket/prefix``.

    Raises
    ------
    StoreError
        There is no store, or its schema is newer than this program.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path if is_remote(path) else Path(path).absolute()
        self._connection = self._connect()

    @property
    def flows(self) -> duckdb.DuckDBPyRelation:
        """The table flows: one row a flow record."""
        return self._connection.view("flows")

    @property
    def dns(self) -> duckdb.DuckDBPyRelation:
        """The table dns: one row a DNS transaction."""
        return self._connection.view("dns")

    @property
    def hosts(self) -> duckdb.DuckDBPyRelation:
        """The table hosts: one row a day, block and inside address."""
        return self._connection.view("hosts")

    @property
    def accounting(self) -> duckdb.DuckDBPyRelation:
        """The table accounting: what became of every frame."""
        return self._connection.view("accounting")

    @property
    def days(self) -> list[date]:
        """UTC days that have flows, in order."""
        rows = self._connection.sql("SELECT DISTINCT day FROM flows ORDER BY day").fetchall()
        return [day for (day,) in rows]

    @property
    def runs(self) -> list[Run]:
        """The replays that the store remembers, the oldest first."""
        return read_runs(self.path)

    @property
    def simulated(self) -> str | None:
        """The scenario whose rows the store has; None where nothing in it is made up."""
        return read_manifest(self.path).simulated

    def sql(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Ask in SQL, over the views flows, dns, hosts and accounting.

        Besides DuckDB's own functions there is ``community_id(inside_ip, outside_ip, inside_port, outside_port,
        protocol, initiator)``.

        Parameters
        ----------
        query
            One statement that gives rows.
        parameters
            Values for ``?`` or ``$name`` in it.

        Raises
        ------
        StoreError
            The statement is wrong or gives no rows; the message is DuckDB's.
        """
        try:
            relation = self._connection.sql(query, params=parameters)
        except duckdb.Error as error:
            raise StoreError(str(error)) from error
        if relation is None:
            raise StoreError("this statement gives no rows")
        return relation

    def refresh(self) -> None:
        """Show the rows that are there now; relations made before are no longer valid."""
        new = self._connect()
        self._connection.close()
        self._connection = new

    def set_broken_aside(self) -> list[str]:
        """Read every segment, move those that are broken out of the way, and show the rest.

        It is what to do when fetching rows fails for a broken segment. Relations made before are no longer valid.

        Returns
        -------
        list of str
            What is missing from the store, now and from earlier: segments, why, and the rows that they held.
        """
        self._connection.close()
        place = place_of(self.path)
        for look in (look_at_everything, look_by_query):
            faults = find_faults(place, visible_segments(place, tuple(TABLES)), look)
            set_aside(place, faults, warn)
        self._connection = self._connect()
        return [str(fault) for fault in broken_segments(self.path)]

    def close(self) -> None:
        """Let go of the store."""
        self._connection.close()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        return read_around(self.path, lambda: connect(self.path), looks_for, warn)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"


def open_store(path: str | os.PathLike[str]) -> Store:
    """Open a store for reading; see `Store`.

    Raises
    ------
    StoreError
        There is no store, or its schema is newer than this program.
    """
    return Store(path)
