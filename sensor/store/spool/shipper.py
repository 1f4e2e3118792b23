"""Takes segments from the spool to the storage: in order, each once, however often the storage goes away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store import durable, runs
from sensor.store.landing import Asked
from sensor.store.layout import STAGED, Segment
from sensor.store.manifest import open_or_create
from sensor.store.place.address import is_refused
from sensor.store.place.lease import Lease
from sensor.store.place.model import reason_of
from sensor.store.place.objects import ObjectPlace, mark_path
from sensor.store.spool.folder import Spool
from sensor.store.spool.options import ShipEvents, SpoolState
from sensor.store.swap import needed_files

FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 15.0
STOP_S = 2.0
MARK_S = 60.0
"""Between two marks of what is shipped for good."""


class Shipper:
    """A thread that ships; made, it holds nothing.

    A segment leaves the spool when the storage has confirmed it. Brought a second time after a crash it is the same
    object with the same bytes. So that compaction cannot merge a segment before its second coming, a mark in the
    store says up to which number no segment comes again; compaction leaves later ones alone.
    """

    def __init__(self, place: ObjectPlace, spool: Spool, asked: Asked, events: ShipEvents) -> None:
        self._place = place
        self._spool = spool
        self._asked = asked
        self._events = events
        self._lease: Lease = place.writer_lock(asked.sensor)
        self._is_open = False
        self._mark = -1
        self._marked_at = float("-inf")
        self._last: int | None = None
        self._shipped = self._failures = 0
        self._away: str | None = None
        self._answered = time.monotonic()
        self._changed = threading.Condition()
        self._stopping = False
        self._hurry = False
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)

    def open(self) -> None:
        """Take the sensor's lease and look at the store, in the caller's thread.

        Raises
        ------
        StoreError
            The sensor has a writer, or the storage refuses us.
        OSError
            It cannot be reached.
        """
        try:
            open_or_create(self._place)
            if not self._lease.acquire():
                raise StoreError(
                    f"sensor {self._asked.sensor!r} is being written to {self._place.name} by {self._lease.read()}"
                )
            self._tidy()
        except (OSError, StoreError) as error:
            failed = error.__cause__ if isinstance(error, StoreError) else error
            if not isinstance(failed, OSError) or isinstance(failed, FileNotFoundError):
                raise
            if is_refused(failed):
                raise StoreError(f"{self._place.name}: {reason_of(failed)}") from failed
            raise failed from None
        self._is_open = True
        self._answer()

    def start(self) -> None:
        """Ship from now on."""
        self._thread.start()

    def state(self) -> SpoolState:
        """How it goes."""
        waiting = len(self._spool.waiting())
        return SpoolState(waiting, self._spool.size, self._shipped, self._failures, self._away)

    def wake(self) -> None:
        """There is something to ship."""
        with self._changed:
            self._changed.notify_all()

    def wait_for_room(self, most_bytes: int, patience_s: float) -> bool:
        """Wait until the spool holds less than this; False where the storage was away for too long."""
        return self._wait(lambda: self._spool.size < most_bytes, patience_s)

    def wait_until_empty(self, patience_s: float, most_s: float = float("inf")) -> bool:
        """Wait until everything is shipped and marked; False where the storage was away, or it took, too long."""
        self._hurry = True
        try:
            return self._wait(self._is_done, patience_s, most_s)
        finally:
            self._hurry = False

    def stop(self) -> None:
        """End the thread after the segment that it is at, and let go of the lease."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        if self._away is None and not self._thread.is_alive():
            self._lease.release()
        else:
            self._lease.abandon()  # a storage that does not answer is not waited for

    def _is_done(self) -> bool:
        return not self._spool.waiting() and not self._spool.runs() and (self._last or -1) <= self._mark

    def _wait(self, done: Callable[[], bool], patience_s: float, most_s: float = float("inf")) -> bool:
        began = time.monotonic()
        with self._changed:
            self._changed.notify_all()
            while not done():
                now = time.monotonic()
                if now - max(began, self._answered) > patience_s or now - began > most_s:
                    return False
                self._changed.wait(0.2)
        return True

    def _run(self) -> None:
        pause_s = FIRST_RETRY_S
        while True:
            try:
                busy = self._step()
                pause_s = FIRST_RETRY_S
            except (OSError, StoreError) as error:
                busy = False
                self.fail(reason_of(error) if isinstance(error, OSError) else str(error))
            with self._changed:
                if self._stopping:
                    return
                if not busy:
                    self._changed.wait(pause_s)
            if self._away is not None:
                pause_s = min(2 * pause_s, LONGEST_RETRY_S)

    def _step(self) -> bool:
        """Ship the next segment, or whatever else is due; whether there was something."""
        waiting, records = self._spool.waiting(), self._spool.runs()
        mark_due = (self._last or -1) > self._mark and (
            self._hurry or time.monotonic() - self._marked_at > MARK_S
        )
        if not waiting and not records and not mark_due and self._away is None:
            return False
        if self._is_open and not self._lease.confirm():
            self._is_open = False
        if not self._is_open:
            self.open()
        if waiting and not mark_due:
            self._ship(waiting[0])
        elif records and not waiting:
            self._ship_run(records[0])
        elif mark_due and self._last is not None:
            self._place.write_text(mark_path(self._asked.sensor), f"{self._last}\n")
            self._mark, self._marked_at = self._last, time.monotonic()
        self._answer()
        return True

    def _ship(self, segment: Segment) -> None:
        path = segment.relative_path
        try:
            content = self._spool.read(segment)
        except FileNotFoundError:  # somebody has removed it
            self._spool.forget(segment)
            return
        if self._place.exists(path) and self._place.read(path) != content:
            self._spool.renumber(segment)
            return
        self._place.write(path, content)
        self._spool.forget(segment)
        self._last = segment.sequence
        self._shipped += 1

    def _ship_run(self, record: Path) -> None:
        path = f"runs/{record.name}"
        if record.stem in self._known_runs():  # or another stands in for it
            self._place.write_text(path, record.read_text(encoding="utf-8"))
        durable.remove(record)

    def _tidy(self) -> None:
        """Bring the spool in line with the store as it is found."""
        self._mark = self._place.shipped(self._asked.sensor)
        self._spool.begin_after(self._mark)
        waiting = self._spool.waiting()
        known = self._known_runs() if waiting else set()
        if self._asked.run is not None:
            known.add(self._asked.run.id)
        for segment in waiting:
            run = self._spool.run_of(segment)
            if run is not None and run not in known:
                self._spool.forget(segment)  # another run stands in for this one
                continue
            self._spool.upgrade(segment)
            if segment.sequence <= self._mark:
                self._spool.renumber(segment)
        if not self._is_replacing_now():
            self._remove_staged()

    def _known_runs(self) -> set[str]:
        return {run.id for run in runs.read_runs(self._place)}

    def _is_replacing_now(self) -> bool:
        return self._asked.replace and self._shipped > 0

    def _remove_staged(self) -> None:
        """Remove what a replacing run of this sensor left that did not come to its end."""
        needed = needed_files(self._place)
        staged = [
            segment.relative_path
            for segment in self._place.segments(tuple(TABLES))
            if segment.sensor == self._asked.sensor and segment.state == STAGED
        ]
        self._place.remove(path for path in staged if path not in needed)

    def note_run(self, record: runs.Run) -> None:
        """Ship a run's record after everything that waits."""
        self._spool.note_run(f"{record.id}.json", runs.as_text(record))
        self.wake()

    def _answer(self) -> None:
        with self._changed:
            self._answered = time.monotonic()
            self._changed.notify_all()
        if self._away is not None:
            self._away = None
            self._events.back()

    def fail(self, reason: str) -> None:
        """The storage takes nothing, for this reason; said once."""
        self._failures += 1
        if self._away is None:
            self._away = reason
            self._events.away(reason, self._spool.folder)
