"""Moves rows from the core into the store, in a thread of its own: a slow disk keeps nobody else waiting."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.daemon.logs import logger
from sensor.daemon.recent import RecentNames
from sensor.errors import StoreError
from sensor.metrics import FlushTimes, Spooled, StoreState

if TYPE_CHECKING:
    from sensor.capture import Capturing, RowSink
    from sensor.daemon.keeper import Keeper

__all__ = ["Mover", "StoreLog"]

_PAUSE_S = 0.2


class StoreLog:
    """Tells the log what becomes of the store, and times its flushes."""

    def __init__(self) -> None:
        self.flushes = FlushTimes()

    def flushed(self, seconds: float) -> None:
        """Take the time for the metrics."""
        self.flushes.observe(seconds)

    def failed(self, reason: str) -> None:
        """Say that rows wait."""
        logger().error("the store cannot be written, rows wait", reason=reason)

    def recovered(self) -> None:
        """Say that they are written."""
        logger().info("the store is written again")

    def away(self, reason: str, spool: Path) -> None:
        """Say that segments wait for object storage."""
        logger().warning("the storage is away, segments wait", reason=reason, spool=str(spool))

    def back(self) -> None:
        """Say that they are shipped."""
        logger().info("the storage is back, segments are shipped")

    def pruned(self, days: int, size: int) -> None:
        """Say what went."""
        logger().info("the oldest days were removed for room", days=days, bytes=size)

    def held_up(self, reason: str) -> None:
        """Say why housekeeping waits."""
        logger().warning("housekeeping of the store waits", reason=reason)

    def broken(self, what: str) -> None:
        """Say which segment is broken and what became of it."""
        logger().error("a segment is broken", reason=what)


class Mover:
    """The thread between the core and the keeper.

    While the store can't be written, rows stay in the core's bounded queue, which gives up its oldest and counts
    them. It ends by itself when the capture has ended and every row is written.

    Parameters
    ----------
    capturing
        Where rows come from.
    keeper
        Where they are kept.
    beside
        Gets every row as well, and neither waits nor fails.
    """

    def __init__(self, capturing: Capturing, keeper: Keeper, beside: RowSink | None = None) -> None:
        self._beside = beside
        self._capturing = capturing
        self._keeper = keeper
        self._thread = threading.Thread(target=self._run, name="store")
        self._rows: dict[str, int] = {}
        self._stopping = threading.Event()
        self.names = RecentNames()
        self.failure: str | None = None
        """Why the thread ended before its time, or rows were lost at the end."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def join(self, timeout_s: float) -> bool:
        """Wait for the last rows, once the capture is stopped; whether they are written or given up."""
        self._stopping.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def store_failure(self) -> str | None:
        """Why the store can't be written at present."""
        return self._keeper.failure

    def state(self) -> StoreState:
        """Rows taken so far by table, and the size of the store."""
        spool = self._keeper.spool
        if spool is None:
            return StoreState(dict(self._rows), self._keeper.bytes)
        waiting = Spooled(spool.segments, spool.bytes, spool.shipped, spool.failures)
        return StoreState(dict(self._rows), self._keeper.bytes, waiting)

    def _run(self) -> None:
        try:
            self._move()
            self._keeper.close()
        except StoreError as error:
            self.failure = str(error)
            logger().error("the store could not be closed", reason=str(error))
        except Exception as error:  # noqa: BLE001 # told by the main thread, which ends the sensor
            self.failure = f"{type(error).__name__}: {error}"
            logger().exception("moving rows failed")

    def _move(self) -> None:
        batches = self._capturing.batches(on_pause=self._keeper.tend)
        while True:
            self._wait_for_the_store()
            rows = next(batches, None)
            if rows is None:
                return
            table, batch = rows
            if table == "flows":
                self.names.take(batch)
            self._keeper.take(table, batch)
            if self._beside is not None:
                self._beside.write(table, batch)
            self._rows[table] = self._rows.get(table, 0) + batch.num_rows

    def _wait_for_the_store(self) -> None:
        while not self._keeper.ready and not self._stopping.is_set():
            time.sleep(_PAUSE_S)
            self._keeper.tend()
