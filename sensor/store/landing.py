"""Where a writer's segments come down: in the store's folder, or in a spool on the way to object storage."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sensor.errors import StoreError
from sensor.store import durable, runs
from sensor.store.layout import STAGED, WRITING, Segment, list_segments
from sensor.store.lock import Sequence
from sensor.store.manifest import open_or_create
from sensor.store.parquet import write_parquet
from sensor.store.place import Place
from sensor.store.place.local import LocalPlace
from sensor.store.place.model import reason_of
from sensor.store.swap import carry_out, needed_files

if TYPE_CHECKING:
    import pyarrow as pa

    from sensor.store.spool import SpoolState


@dataclass(frozen=True)
class Landed:
    """A segment that is on the disk, and its size in bytes."""

    segment: Segment
    size: int


@dataclass(frozen=True)
class Asked:
    """Who writes: a sensor, for a run perhaps, which may stand in for earlier ones."""

    sensor: str
    run: runs.RunInfo | None = None
    record: runs.Run | None = None
    replace: bool = False


class Landing(Protocol):
    """What a writer does with rows that make a segment. Made, it holds the sensor's lock."""

    @property
    def place(self) -> Place:
        """Where the store lies."""

    @property
    def spool_state(self) -> SpoolState | None:
        """What waits on this machine for a store elsewhere."""

    def write(self, table: str, day: date, rows: pa.Table) -> Landed:
        """Keep rows as a segment that survives a crash; raises `StoreError` or `OSError`, having kept nothing."""

    def settle(self) -> None:
        """Wait until every segment kept is in the store."""

    def note_run(self, record: runs.Run) -> None:
        """Remember a run."""

    def discard(self, segments: list[Segment]) -> None:
        """Forget staged segments."""

    def release(self) -> None:
        """Let go of the store."""


class LocalLanding:
    """Segments come down where they stay; see `Landing`."""

    spool_state = None

    def __init__(self, place: LocalPlace, asked: Asked) -> None:
        self.place = place
        self._asked = asked
        self._root = place.root
        open_or_create(place)
        self._lock = place.writer_lock(asked.sensor)
        if not self._lock.acquire():
            raise StoreError(
                f"sensor {asked.sensor!r} is being written to {place.name} by {self._lock.read()}"
            )
        try:
            self._lock.write(f"process {os.getpid()} on {socket.gethostname()}")
            self._open()
        except OSError as error:
            self._lock.release()
            raise StoreError(f"cannot write to the store {place.name}: {reason_of(error)}") from error
        except BaseException:
            self._lock.release()
            raise

    def write(self, table: str, day: date, rows: pa.Table) -> Landed:
        """See `Landing`."""
        segment = Segment(table, day, self._asked.sensor, self._sequence.next())
        target = replace(segment, state=STAGED) if self._asked.replace else segment
        run = self._asked.run
        return Landed(target, write_segment(self._root, target, rows, run.id if run else None))

    def settle(self) -> None:
        """See `Landing`; there is nothing to wait for."""

    def note_run(self, record: runs.Run) -> None:
        """See `Landing`."""
        with self.place.maintenance_lock():
            runs.write_run(self.place, record)

    def discard(self, segments: list[Segment]) -> None:
        """See `Landing`."""
        self.place.remove(segment.relative_path for segment in segments)

    def release(self) -> None:
        """See `Landing`."""
        self._lock.release()

    def _open(self) -> None:
        asked = self._asked
        with self.place.maintenance_lock():
            carry_out(self.place)
            self._remove_left_overs()
            if asked.replace and asked.run:
                runs.runs_to_replace(self.place, asked.run)
            elif asked.record:
                runs.write_run(self.place, asked.record)
        self._sequence = Sequence(self._root, asked.sensor)

    def _remove_left_overs(self) -> None:
        """Remove what a crashed writer of this sensor left; no other process can be writing these."""
        needed = needed_files(self.place)
        for segment in list_segments(self._root):
            mine = segment.sensor == self._asked.sensor and segment.state in (WRITING, STAGED)
            if mine and segment.relative_path not in needed:
                durable.remove(self._root / segment.relative_path)


def write_segment(root: Path, target: Segment, rows: pa.Table, run: str | None) -> int:
    """Write a segment so that it appears as a whole and stays; return its size."""
    writing = root / replace(target, state=WRITING).relative_path
    try:
        size = _write_hidden(writing, rows, run)
    except FileNotFoundError:  # retention removed the empty folder in between
        size = _write_hidden(writing, rows, run)
    # After the file, when a file system mostly has nothing left to do for it: the folder may be a new one.
    durable.sync_folder(writing.parent.parent)
    os.rename(writing, root / target.relative_path)
    durable.sync_folder(writing.parent)
    return size


def _write_hidden(path: Path, rows: pa.Table, run: str | None) -> int:
    durable.make_folder(path.parent.parent)
    durable.create_folder(path.parent)
    return write_parquet(path, rows, run)
