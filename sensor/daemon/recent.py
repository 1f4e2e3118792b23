"""The newest names, for whoever looks at the sensor live."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["RecentNames"]

MOST_NAMES = 50
_MOST_LOOKED_AT = 500
_COLUMNS = ("start_time", "block", "inside_ip", "name", "application", "service", "country")


class RecentNames:
    """The last names of flow records, each once, the newest last. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def take(self, batch: pa.RecordBatch) -> None:
        """Look at the last records of a batch of flows."""
        last = batch.select(list(_COLUMNS)).slice(max(0, batch.num_rows - _MOST_LOOKED_AT))
        times = last.column("start_time").cast("int64")
        rows = last.drop_columns(["start_time"]).to_pylist()
        with self._lock:
            for time_ns, row in zip(times.to_pylist(), rows, strict=True):
                if row["name"] is not None:
                    self._names[row["name"]] = {"time_ns": time_ns, **row}
                    self._names.move_to_end(row["name"])
            while len(self._names) > MOST_NAMES:
                self._names.popitem(last=False)

    def newest(self) -> list[dict[str, Any]]:
        """The names with what is known of their flow, the newest first."""
        with self._lock:
            return list(reversed(self._names.values()))
