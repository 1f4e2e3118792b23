"""Flows of a store, in the order of their time, for whoever takes batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from sensor.schema import arrow_schema
from sensor.store.engine.duckdb import connect
from sensor.store.place import Where

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["stored_flows"]

BATCH_ROWS = 65_536


def stored_flows(
    store: Where,
    first_day: date | None = None,
    last_day: date | None = None,
    blocks: tuple[str, ...] = (),
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

    Raises
    ------
    StoreError
        There is no store, or it cannot be read.
    """
    columns = ", ".join(f'"{name}"' for name in arrow_schema("flows").names)
    chosen = 'len($blocks) = 0 OR list_contains($blocks, "block")'
    connection = connect(store, {"memory_limit": "2GB"})
    try:
        days = connection.execute(
            f"SELECT DISTINCT day FROM flows WHERE ({chosen}) AND ($first IS NULL OR day >= $first) "
            "AND ($last IS NULL OR day <= $last) ORDER BY day",
            {"blocks": list(blocks), "first": first_day, "last": last_day},
        ).fetchall()
        for (day,) in days:
            rows = connection.sql(
                f"SELECT {columns} FROM flows WHERE day = $day AND ({chosen}) "
                "ORDER BY start_time, flow_id, record",
                params={"blocks": list(blocks), "day": day},
            )
            yield from rows.to_arrow_reader(BATCH_ROWS)
    finally:
        connection.close()
