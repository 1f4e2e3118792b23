"""The spool: segments in files of this machine, in the order in which they are to be shipped."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sensor import schema
from sensor.store import durable
from sensor.store.landing import Asked, Landed, write_segment
from sensor.store.layout import STAGED, Segment, list_segments
from sensor.store.lock import FileLock
from sensor.store.parquet import read_footer, read_parquet, read_version
from sensor.store.place.objects import ticks

if TYPE_CHECKING:
    import pyarrow as pa

_RUNS = "runs"


class Spool:
    """A folder laid out as a store, of one sensor; what is in it survives a crash.

    The numbers of its segments grow with time, so those of two machines that wrote under one name one after the
    other do not meet, and need no storage to be agreed on.
    """

    def __init__(self, folder: Path, asked: Asked) -> None:
        self.folder = folder
        self._asked = asked
        self._guard = threading.Lock()
        durable.make_folder(folder)
        for segment in list_segments(folder):
            if segment.state:  # not complete, or of a replacing run that did not come to its end
                durable.remove(folder / segment.relative_path)
        self._sizes = {
            segment: (folder / segment.relative_path).stat().st_size for segment in list_segments(folder)
        }
        self._last = max((segment.sequence for segment in self._sizes), default=0)

    @property
    def size(self) -> int:
        """Bytes that wait."""
        with self._guard:
            return sum(self._sizes.values())

    def waiting(self) -> list[Segment]:
        """Segments that wait, the first to be shipped first."""
        with self._guard:
            return sorted(self._sizes, key=lambda segment: (segment.sequence, segment.table))

    def write(self, table: str, day: date, rows: pa.Table) -> Landed:
        """Keep rows until they are shipped."""
        state = STAGED if self._asked.replace else ""
        segment = Segment(table, day, self._asked.sensor, self.next_sequence(), state)
        run = self._asked.run
        size = write_segment(self.folder, segment, rows, run.id if run else None)
        with self._guard:
            self._sizes[segment] = size
        return Landed(segment, size)

    def read(self, segment: Segment) -> bytes:
        """A segment's file."""
        return (self.folder / segment.relative_path).read_bytes()

    def run_of(self, segment: Segment) -> str | None:
        """The run that wrote a segment."""
        return read_footer(self.folder / segment.relative_path)[1]

    def upgrade(self, segment: Segment) -> None:
        """Bring what an earlier program left to this one's schema."""
        path = self.folder / segment.relative_path
        version = read_version(path)
        if version == schema.SCHEMA_VERSION:
            return
        from sensor.store.upgrade import upgraded

        rows = upgraded(segment.table, read_parquet(path, segment.table), version)
        size = write_segment(self.folder, segment, rows, self.run_of(segment))
        with self._guard:
            self._sizes[segment] = size

    def forget(self, segment: Segment) -> None:
        """A segment is in the store, or is not wanted."""
        durable.remove(self.folder / segment.relative_path)
        with self._guard:
            self._sizes.pop(segment, None)

    def renumber(self, segment: Segment) -> Segment:
        """Give a segment a new number: the store has another under the old one."""
        new = replace(segment, sequence=self.next_sequence())
        os.rename(self.folder / segment.relative_path, self.folder / new.relative_path)
        durable.sync_folder((self.folder / new.relative_path).parent)
        with self._guard:
            self._sizes[new] = self._sizes.pop(segment)
        return new

    def begin_after(self, number: int) -> None:
        """Let all further segments have higher numbers than this."""
        self._last = max(self._last, number)

    def next_sequence(self) -> int:
        """An even number that no segment of this sensor had before."""
        with FileLock(self.folder / ".sequence") as lock:
            note = lock.read()
            self._last = max(self._last, int(note) if note.isdigit() else 0)
            # Even: odd ones are those of merged segments.
            self._last = max(ticks(), self._last + 2 - self._last % 2)
            lock.write(str(self._last))
        return self._last

    def note_run(self, name: str, text: str) -> None:
        """Keep the record of a run until it is shipped."""
        durable.make_folder(self.folder / _RUNS)
        durable.write_text(self.folder / _RUNS / name, text)

    def runs(self) -> list[Path]:
        """Records of runs that wait."""
        return sorted((self.folder / _RUNS).glob("[!.]*.json"))
