"""A writer's segments on their way to object storage."""

from __future__ import annotations

import os
import socket
import time
from datetime import date
from typing import TYPE_CHECKING

from sensor.errors import StoreError
from sensor.store import runs
from sensor.store.landing import Asked, Landed
from sensor.store.layout import Segment
from sensor.store.place.model import reason_of
from sensor.store.place.objects import ObjectPlace
from sensor.store.place.state import State
from sensor.store.spool.folder import Spool
from sensor.store.spool.options import SpoolOptions, SpoolState
from sensor.store.spool.shipper import FIRST_RETRY_S, Shipper

if TYPE_CHECKING:
    import pyarrow as pa

LAST_WORDS_S = 3.0
"""So long a writer that stops goes on shipping; the rest waits for its next start."""

LAST_TRY_S = 0.5
"""And so long where the storage was away to the last."""


class SpooledLanding:
    """Segments come down in the spool and are shipped by a thread; see `sensor.store.landing.Landing`.

    A live sensor never waits for the storage: it begins without it, and a full spool is an error at once. A replay
    has time, and needs to know what was replayed before: it waits, up to its patience.
    """

    def __init__(self, place: ObjectPlace, asked: Asked, options: SpoolOptions) -> None:
        self.place = place
        self._asked = asked
        self._options = options
        if options.folder is not None:
            place.state = State(options.folder)
        self._folder = place.state.store_folder(place) / asked.sensor
        self._lock = place.state.lock(place, f"{asked.sensor}.spool")
        if not self._lock.acquire():
            raise StoreError(
                f"sensor {asked.sensor!r} is being written to {place.name} by {self._lock.read()}"
            )
        try:
            self._lock.write(f"process {os.getpid()} on {socket.gethostname()}")
            self._spool = Spool(self._folder, asked)
            self._shipper = Shipper(place, self._spool, asked, options.events)
            self._open()
            self._shipper.start()
        except BaseException:
            self._lock.release()
            raise

    def write(self, table: str, day: date, rows: pa.Table) -> Landed:
        """See `sensor.store.landing.Landing`."""
        patience_s = 0.0 if self._asked.run is None else self._options.patience_s
        if self._spool.size >= self._options.most_bytes and not self._shipper.wait_for_room(
            self._options.most_bytes, patience_s
        ):
            raise StoreError(f"the spool is full (store.spool_max_bytes); {self._what_waits()}")
        landed = self._spool.write(table, day, rows)
        self._shipper.wake()
        return landed

    def settle(self) -> None:
        """See `sensor.store.landing.Landing`."""
        if not self._shipper.wait_until_empty(self._options.patience_s):
            raise StoreError(self._what_waits())

    def note_run(self, record: runs.Run) -> None:
        """See `sensor.store.landing.Landing`."""
        self._shipper.note_run(record)

    def discard(self, segments: list[Segment]) -> None:
        """See `sensor.store.landing.Landing`; the store's next writer of this name removes what was shipped."""
        for segment in segments:
            self._spool.forget(segment)

    def release(self) -> None:
        """See `sensor.store.landing.Landing`."""
        last_s = LAST_WORDS_S if self._shipper.state().away is None else min(LAST_WORDS_S, LAST_TRY_S)
        self._shipper.wait_until_empty(last_s, last_s)
        self._shipper.stop()
        self._lock.release()

    @property
    def spool_state(self) -> SpoolState:
        """What waits and how shipping goes."""
        return self._shipper.state()

    def _open(self) -> None:
        began = time.monotonic()
        while True:
            try:
                self._shipper.open()
                self._begin_run()
            except OSError as error:
                self._shipper.fail(reason_of(error))
                if self._asked.run is None:
                    return
                if time.monotonic() - began > self._options.patience_s:
                    self._shipper.stop()
                    raise StoreError(f"{self.place.name} is away: {reason_of(error)}") from error
                time.sleep(FIRST_RETRY_S)
            except BaseException:
                self._shipper.stop()
                raise
            else:
                return

    def _begin_run(self) -> None:
        if self._asked.replace and self._asked.run:
            runs.runs_to_replace(self.place, self._asked.run)
        elif self._asked.record:
            runs.write_run(self.place, self._asked.record)

    def _what_waits(self) -> str:
        state = self._shipper.state()
        return (
            f"{self.place.name} is away ({state.away or 'slow'}): {state.segments} segments wait in {self._folder}; "
            f"the next run of sensor {self._asked.sensor!r} ships them, or blocktap store ship"
        )
