"""Sends flow records to a collector while the sensor captures, and never keeps it waiting."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from sensor.daemon.logs import Episode, logger
from sensor.export import Destination, Exporter, ExporterOptions

if TYPE_CHECKING:
    import pyarrow as pa

    from sensor.config import ExportSettings

__all__ = ["Exporting", "exporting_of"]

RETRY_S = 5.0
"""Between two tries of a collector that cannot be reached."""
WAKE_S = 1.0
SLICE_ROWS = 4096
STOP_S = 3.0
"""The last records are sent within this time, or given up."""


class Exporting:
    """A queue of flow records before a collector, and the thread that empties it.

    What the collector does not take in time is given up, the oldest first, and counted: the store has it all the
    same. `write` belongs to one thread.

    Parameters
    ----------
    connect
        Makes an exporter, or raises ConnectionError.
    most_rows
        Rows that may wait.
    """

    def __init__(self, connect: Callable[[], Exporter], most_rows: int, **context: object) -> None:
        self._connect = connect
        self._most_rows = most_rows
        self._context = context
        self._waiting: deque[pa.RecordBatch] = deque()
        self._waiting_rows = 0
        self._changed = threading.Condition()
        self._stop_at: float | None = None
        self._failing = False
        self._episode = Episode(
            "drops before the collector", hint="it takes records too slowly, or not at all"
        )
        self._untold = 0
        self._thread = threading.Thread(target=self._run, name="export", daemon=True)
        self.sent = 0
        """Records sent."""
        self.dropped = 0
        """Records given up."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Take rows; returns at once."""
        if table != "flows" or not batch.num_rows:
            return
        with self._changed:
            self._waiting.append(batch)
            self._waiting_rows += batch.num_rows
            while self._waiting_rows > self._most_rows:
                self._drop_oldest()
            self._changed.notify()

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        with self._changed:
            self._stop_at = time.monotonic() + STOP_S
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(STOP_S + 1)
        with self._changed:
            while self._waiting:
                self._drop_oldest()
        self._tell_drops()
        self._episode.close()
        logger(**self._context).info("the export ends", records=self.sent, dropped=self.dropped)

    def _drop_oldest(self) -> None:
        """Give up the oldest batch, or as much of it as has to go."""
        batch = self._waiting.popleft()
        too_many = self._waiting_rows - self._most_rows
        lost = batch.num_rows if self._stopping else min(batch.num_rows, max(too_many, 0))
        if lost < batch.num_rows:
            self._waiting.appendleft(batch.slice(lost))
        self._waiting_rows -= lost
        self.dropped += lost
        self._untold += lost

    @property
    def _stopping(self) -> bool:
        return self._stop_at is not None

    def _run(self) -> None:
        try:
            while not self._done():
                self._send_while_it_goes()
        except Exception:  # noqa: BLE001 # an export that fails is no reason to stop the capture
            logger(**self._context).exception("the export failed and is not tried again")

    def _done(self) -> bool:
        with self._changed:
            return self._stop_at is not None and (not self._waiting or time.monotonic() > self._stop_at)

    def _send_while_it_goes(self) -> None:
        try:
            with self._connect() as exporter:
                self._reached()
                while (batch := self._next()) is not None:
                    before = exporter.records
                    try:
                        exporter.write("flows", batch)
                    finally:
                        # What was sent of a batch that broke off is not sent again: its counts would be doubled.
                        self._account(batch.num_rows, exporter.records - before + exporter.left_out)
                        exporter.left_out = 0
                exporter.finish()
        except OSError as error:
            self._unreachable(str(error))
            self._pause()

    def _next(self) -> pa.RecordBatch | None:
        """The oldest batch; waits for one, and gives None when it is time to end."""
        while True:
            self._tell_drops()
            with self._changed:
                if self._waiting:
                    return self._take_some()
                if self._stopping:
                    return None
                self._changed.wait(WAKE_S)

    def _take_some(self) -> pa.RecordBatch:
        """A few of the oldest rows: what is under way at the end has to be over soon."""
        batch = self._waiting.popleft()
        if batch.num_rows > SLICE_ROWS:
            self._waiting.appendleft(batch.slice(SLICE_ROWS))
            batch = batch.slice(0, SLICE_ROWS)
        self._waiting_rows -= batch.num_rows
        return batch

    def _account(self, rows: int, done: int) -> None:
        self.sent += done
        with self._changed:
            self.dropped += rows - done
            self._untold += rows - done

    def _pause(self) -> None:
        until = time.monotonic() + RETRY_S
        while time.monotonic() < until and not self._done():
            self._tell_drops()
            with self._changed:
                if self._stopping:
                    # There is no time for another pause.
                    self._stop_at = 0.0
                    return
                self._changed.wait(WAKE_S)

    def _tell_drops(self) -> None:
        with self._changed:
            lost, self._untold = self._untold, 0
        self._episode.add(lost)

    def _reached(self) -> None:
        self._failing = False
        logger(**self._context).info("exports to the collector")

    def _unreachable(self, reason: str) -> None:
        if not self._failing:
            logger(**self._context).warning("the collector cannot be reached, records wait", reason=reason)
        self._failing = True


def exporting_of(settings: ExportSettings) -> Exporting | None:
    """What the settings ask for; None where they name no collector."""
    if settings.ipfix is None:
        return None
    destination = Destination.parse(settings.ipfix, settings.transport)
    options = ExporterOptions(
        settings.enterprise, settings.observation_domain, settings.mtu, settings.records_per_second
    )
    return Exporting(
        lambda: Exporter(destination, options),
        settings.queue_rows,
        collector=str(destination),
        transport=settings.transport,
    )
