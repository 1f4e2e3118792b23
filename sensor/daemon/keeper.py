"""The store's side of a daemon that runs for months: flushed in time, within its budget, never in the way."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sensor.errors import StoreError
from sensor.store import Compaction, StoreWriter, compact, prune
from sensor.store.place import Where, place_of
from sensor.store.quarantine import set_aside

if TYPE_CHECKING:
    import pyarrow as pa

    from sensor.store.spool import SpoolState

__all__ = ["Budget", "Keeper", "KeeperEvents", "KeeperLimits"]

RETRY_S = 5.0
"""Between two tries of a store that cannot be written."""
BUDGET_S = 60.0
"""Between two looks at what the store takes and what the disk has left."""
COMPACTION_S = 3600.0
FAR_BUDGET_S = 3600.0
"""Between two looks at a store on object storage, where each asks for a list of everything."""


@dataclass(frozen=True)
class Budget:
    """What a store may take; None is no limit.

    The newest day is never removed: where that alone leaves too little of the disk, nothing is written until
    there is room again.
    """

    days: int | None = None
    most_bytes: int | None = None
    least_free_bytes: int = 0


class KeeperEvents(Protocol):
    """Who wants to hear what becomes of the store."""

    def flushed(self, seconds: float) -> None:
        """Everything taken is on the disk; that took so long."""

    def failed(self, reason: str) -> None:
        """The store can't be written from now on."""

    def recovered(self) -> None:
        """It can be written again."""

    def pruned(self, days: int, size: int) -> None:
        """So many days and bytes had to make room."""

    def held_up(self, reason: str) -> None:
        """Pruning or compaction has to wait."""

    def broken(self, what: str) -> None:
        """A segment cannot be read, and was set aside."""


@dataclass(frozen=True)
class KeeperLimits:
    """How long rows may wait, and what the store may take."""

    flush_interval_s: float = 60.0
    budget: Budget = Budget()


class Keeper:
    """Takes rows while the store can be written, and says when it can't.

    Rows taken are never given up: what could not be written waits in the writer. While the store fails, `ready`
    is false, and whoever has more rows keeps them. All methods belong to one thread.

    Parameters
    ----------
    writer
        Of a live sensor; the keeper closes it.
    path
        The store.
    limits
        Rows are on the disk after the flush interval at the latest.
    events
        Told what happens.
    """

    def __init__(
        self,
        writer: StoreWriter,
        path: Where,
        limits: KeeperLimits,
        events: KeeperEvents,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._place = place_of(path)
        self._budget = limits.budget
        self._flush_interval_s = limits.flush_interval_s
        self._events = events
        self._clock = clock
        now = clock()
        self._flush_at = now + limits.flush_interval_s
        self._budget_at = now
        self._compact_at = now + self._until_compaction_s()
        self._retry_at = now
        self._failure: str | None = None
        self._helper: threading.Thread | None = None
        self.bytes = 0
        """Bytes that the store's segments take, as of the last look."""

    @property
    def failure(self) -> str | None:
        """Why the store can't be written at present."""
        return self._failure

    @property
    def ready(self) -> bool:
        """Whether rows are taken now."""
        return self._failure is None

    @property
    def spool(self) -> SpoolState | None:
        """What waits for object storage; None where the store is a folder."""
        return self._writer.spool_state

    def take(self, table: str, batch: pa.RecordBatch) -> None:
        """Take rows; where they cannot be written, they wait."""
        self._try(lambda: self._writer.write(table, batch))

    def tend(self) -> None:
        """Do what is due: retry, flush, look after the budget, compact. Call it a few times a second."""
        now = self._clock()
        if self._failure is not None and now < self._retry_at:
            return
        near = self._place.shares_locks
        budget_due = now >= self._budget_at or (near and self._missing_bytes() > 0)
        if budget_due and self._housekeep(self._keep_budget):
            self._budget_at = now + (BUDGET_S if near else FAR_BUDGET_S)
        if now >= self._flush_at or self._failure is not None or self._missing_bytes() > 0:
            self._flush_at = now + self._flush_interval_s
            self._try(self._flush)
        compaction_due = now >= self._compact_at and self._failure is None
        if compaction_due and self._housekeep(self._compact):
            self._compact_at = now + self._until_compaction_s()

    def close(self) -> None:
        """Write what waits and let go of the store.

        Raises
        ------
        StoreError
            Rows could not be written; they are lost, and the message says how many.
        """
        try:
            self._writer.close()
        except StoreError as error:
            raise StoreError(f"{self._writer.waiting_rows} rows are lost: {error}") from error

    def _flush(self) -> None:
        if self._missing_bytes() > 0:
            least = self._budget.least_free_bytes
            raise StoreError(
                f"{self._place.disk}: fewer than {least:,} bytes are free (store.min_free_bytes)"
            )
        began = self._clock()
        self._writer.flush()
        self._events.flushed(self._clock() - began)
        if self._failure is not None:
            self._failure = None
            self._events.recovered()

    def _until_compaction_s(self) -> float:
        # Many sensors that were started at once do not come to one store at once.
        return COMPACTION_S if self._place.shares_locks else COMPACTION_S * (1 + os.urandom(1)[0] / 255) / 2

    def _compact(self) -> None:
        # Far away, looking at a segment costs a request or two: at those of days long past once is enough.
        days = None if self._place.shares_locks else self._writer.newest_days(2)
        merged_bytes = min(self._writer.options.buffered_bytes, Compaction.merged_bytes)
        plan = Compaction(sensor=self._writer.sensor, days=days, merged_bytes=merged_bytes)
        result = compact(self._place, plan)
        set_aside(self._place, result.broken, self._events.broken)

    def _keep_budget(self) -> None:
        self.bytes = self._place.total_bytes()
        if self._budget.days is not None or self._budget.most_bytes is not None:
            self._prune(self._budget.most_bytes)
        missing = self._missing_bytes()
        if missing > 0 and self._place.shares_locks:
            self._prune(max(0, self.bytes - missing))

    def _prune(self, most_bytes: int | None) -> None:
        removed = prune(self._place, days=self._budget.days, most_bytes=most_bytes)
        if removed.segments:
            self.bytes -= removed.bytes
            self._events.pruned(len(removed.days), removed.bytes)

    def _missing_bytes(self) -> int:
        """Bytes that the disk should have free and has not."""
        least = self._budget.least_free_bytes
        if not least:
            return 0
        try:
            return least - shutil.disk_usage(self._place.disk).free
        except OSError:
            return 0  # the store is out of reach: writing fails, and says why

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (StoreError, OSError) as error:
            self._retry_at = self._clock() + RETRY_S
            if self._failure is None:
                self._events.failed(str(error))
            self._failure = str(error)

    def _housekeep(self, work: Callable[[], object]) -> bool:
        """Do what can wait: readers who hold the store are no reason to stop writing.

        Where the store is far away, that happens beside the writing, one thing at a time; False says that
        something else is still being done.
        """
        if self._place.shares_locks:
            self._attempt(work)
            return True
        if self._helper is not None and self._helper.is_alive():
            return False
        self._helper = threading.Thread(target=self._attempt, args=(work,), name="housekeeping", daemon=True)
        self._helper.start()
        return True

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (StoreError, OSError) as error:
            self._events.held_up(str(error))
