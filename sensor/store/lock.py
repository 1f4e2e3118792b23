"""Locks between processes, and the sequence numbers that they protect.

The kernel holds the locks (flock), so a process that dies leaves none behind.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from sensor.errors import StoreError
from sensor.store import durable
from sensor.store.layout import list_segments, lock_folder

_POLL_S = 0.005


class FileLock:
    """A lock on one file, for one holder or shared by many.

    Parameters
    ----------
    path
        The file; created for a lock that is not shared.
    shared
        Other shared holders may be there at the same time. Opens the file for reading only.
    """

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        self.path = path
        self._shared = shared
        self._descriptor: int | None = None

    def acquire(self, timeout_s: float = 0.0) -> bool:
        """Take the lock within ``timeout_s`` seconds; False where others hold it longer."""
        flags = os.O_RDONLY if self._shared else os.O_RDWR | os.O_CREAT
        descriptor = os.open(self.path, flags | os.O_CLOEXEC, durable.FILE_MODE)
        operation = (fcntl.LOCK_SH if self._shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(descriptor, operation)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    return False
                time.sleep(_POLL_S)
            except BaseException:
                os.close(descriptor)
                raise
            else:
                self._descriptor = descriptor
                return True

    def release(self) -> None:
        """Give the lock back; does nothing where it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def write(self, text: str) -> None:
        """Leave a note in the locked file, for whoever asks who holds it."""
        if self._descriptor is None:
            raise ValueError("the lock is not held")
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def read(self) -> str:
        """The note in the file."""
        try:
            return self.path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""

    def __del__(self) -> None:
        self.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __enter__(self) -> Self:
        if self._descriptor is None and not self.acquire(timeout_s=float("inf")):
            raise StoreError(f"{self.path} is locked")
        return self


def writer_lock(root: Path, sensor: str) -> FileLock:
    """The lock of the one writer of a sensor name."""
    return FileLock(lock_folder(root) / f"{sensor}.writer")


def maintenance_lock(root: Path) -> FileLock:
    """Whoever decides that segments are superseded holds this one: one at a time."""
    return FileLock(lock_folder(root) / "maintenance")


READER_LOCKS = ("readers", "turnstile")


def share_with_readers(root: Path, timeout_s: float) -> FileLock | None:
    """Keep segments from being removed for as long as the lock is held; None where that takes too long.

    Whoever is about to remove segments holds the turnstile, so that readers who come and go
    without a pause cannot keep it waiting.
    """
    turnstile = FileLock(lock_folder(root) / "turnstile", shared=True)
    if not turnstile.acquire(timeout_s):
        return None
    with turnstile:
        lock = FileLock(lock_folder(root) / "readers", shared=True)
        return lock if lock.acquire(timeout_s) else None


def exclude_readers(root: Path, timeout_s: float) -> FileLock | None:
    """Wait until nobody reads, and keep it so; None where readers stay longer. For the maintenance holder."""
    turnstile = FileLock(lock_folder(root) / "turnstile")
    if not turnstile.acquire(timeout_s):
        return None
    with turnstile:
        lock = FileLock(lock_folder(root) / "readers")
        return lock if lock.acquire(timeout_s) else None


class Sequence:
    """The counter of one sensor's segments, over all tables, shared by writer and compaction."""

    def __init__(self, root: Path, sensor: str) -> None:
        self._path = lock_folder(root) / f"{sensor}.sequence"
        # After a power cut the file may be behind the segments: they have the last word.
        self._at_least = 1 + max(
            (segment.sequence for segment in list_segments(root) if segment.sensor == sensor), default=-1
        )

    def next(self) -> int:
        """A number that no segment of this sensor has, had or will have."""
        with FileLock(self._path) as lock:
            note = lock.read()
            number = max(int(note) if note.isdigit() else 0, self._at_least)
            lock.write(str(number + 1))
        return number
