"""Flows of a store, in the order of their time, for whoever takes batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from sensor.schema import arrow_schema
from sensor.store.engine.duckdb import connect, looks_for
from sensor.store.place import Where
from sensor.store.quarantine import Tell, read_around, warn

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["stored_flows"]

BATCH_ROWS = 65_536
_SETTINGS = {"memory_limit": "2GB"}


def stored_flows(
    store: Where,
    first_day: date | None = None,
    last_day: date | None = None,
    blocks: tuple[str, ...] = (),
    tell: Tell = warn,
) -> Iterator[pa.RecordBatch]:
    """Rows of the table flows, day by day, in the order of their start within each.

    Parameters
    ----------
    store
        The store's folder, or its address on object storage.
    first_day, last_day
        UTC days, both included; None for the store's own.
    blocks
        Only flows of these blocks; of all where empty.
    tell
        Hears of segments that are broken and therefore left out.

    Raises
    ------
    StoreError
        There is no store, or it cannot be read.
    """
    columns = ", ".join(f'"{name}"' for name in arrow_schema("flows").names)
    chosen = 'len($blocks) = 0 OR list_contains($blocks, "block")'

    def days() -> list[date]:
        with connect(store, _SETTINGS) as connection:
            found = connection.execute(
                f"SELECT DISTINCT day FROM flows WHERE ({chosen}) AND ($first IS NULL OR day >= $first) "
                "AND ($last IS NULL OR day <= $last) ORDER BY day",
                {"blocks": list(blocks), "first": first_day, "last": last_day},
            )
            return [day for (day,) in found.fetchall()]

    def rows_of(day: date) -> tuple[duckdb.DuckDBPyConnection, Iterator[pa.RecordBatch]]:
        connection = connect(store, _SETTINGS)
        try:
            rows = connection.sql(
                f"SELECT {columns} FROM flows WHERE day = $day AND ({chosen}) "
                "ORDER BY start_time, flow_id, record",
                params={"blocks": list(blocks), "day": day},
            )
            batches = iter(rows.to_arrow_reader(BATCH_ROWS))
            # What is sorted has been read as a whole when the first rows come.
            first = list(islice(batches, 1))
            return connection, chain(first, batches)
        except BaseException:
            connection.close()
            raise

    for day in read_around(store, days, looks_for, tell):
        connection, batches = read_around(store, partial(rows_of, day), looks_for, tell)
        try:
            yield from batches
        finally:
            connection.close()
