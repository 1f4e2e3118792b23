"""What a store needs of the place where it lies, and no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import pyarrow as pa

    from sensor.store.layout import Segment


@dataclass(frozen=True)
class Found:
    """A file or object of a store: its path inside, and its size in bytes."""

    path: str
    size: int


class Lock(Protocol):
    """A lock between processes, on this machine or between many."""

    def acquire(self, timeout_s: float = 0.0) -> bool:
        """Take the lock within so many seconds; False where others hold it longer."""

    def release(self) -> None:
        """Give the lock back; does nothing where it is not held."""

    def write(self, text: str) -> None:
        """Leave a note for whoever asks who holds it."""

    def read(self) -> str:
        """The note of whoever holds it."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Place(Protocol):
    """Where a store lies. Paths are inside the store, with ``/`` between their parts.

    A file appears as a whole, is never changed except small texts, and is seen by everybody once a call has
    returned. Failures are `OSError`.

    ``shares_locks`` says that readers hold a lock while they read. Where it is false, what was replaced stays
    for a while so that readers come to their end.
    """

    shares_locks: bool

    @property
    def disk(self) -> Path:
        """The folder of this machine that fills when rows are written."""

    @property
    def name(self) -> str:
        """What people call it; without secrets."""

    def url(self, path: str) -> str:
        """The name by which engines read a file of it."""

    def is_new(self) -> bool:
        """Whether nothing is there yet."""

    def names(self) -> list[str]:
        """Everything at the top of it, files and folders."""

    def files(self, folder: str) -> list[Found]:
        """The files of a folder, hidden ones included; none where there is no such folder."""

    def segments(self, tables: tuple[str, ...]) -> Iterable[Segment]:
        """Every segment of these tables, hidden ones included, in no order."""

    def exists(self, path: str) -> bool:
        """Whether a file is there."""

    def size(self, path: str) -> int:
        """Size of a file in bytes."""

    def total_bytes(self) -> int:
        """What all segments take."""

    def read_text(self, path: str) -> str:
        """A small file's text; raises `FileNotFoundError` where there is none."""

    def read_texts(self, paths: list[str]) -> dict[str, str]:
        """The texts of small files, in the order asked for; those that are gone are left out."""

    def write_text(self, path: str, text: str) -> None:
        """Write a small file: a reader finds the old text or the new one, never a part."""

    def write_rows(self, path: str, rows: pa.Table, run: str | None) -> int:
        """Write a Parquet file that appears as a whole; return its size."""

    def source(self, path: str) -> Any:
        """What pyarrow reads a Parquet file from."""

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files unless they are gone already."""

    def publish(self, hidden: str, final: str) -> None:
        """Let a hidden file appear under its name; does nothing where that was done before."""

    def leaves_hidden(self) -> bool:
        """Whether publishing leaves the hidden file in place, for readers who were told of it."""

    def may_carry_out(self, journal: str) -> bool:
        """Whether a decided swap is old enough that nobody reads what it removes."""

    def sync(self, folders: Iterable[str]) -> None:
        """Wait until what was published in and removed from folders cannot be undone."""

    def prepare(self) -> None:
        """Make what a store has besides its files."""

    def next_sequence(self, sensor: str) -> int:
        """A number for a merged segment that no segment of this sensor has, had or will have."""

    def may_merge(self, segment: Segment) -> bool:
        """Whether a segment can be merged: its writer will not bring it again."""

    def writer_lock(self, sensor: str) -> Lock:
        """The lock of the one writer of a sensor name."""

    def maintenance_lock(self) -> Lock:
        """Whoever decides that segments are superseded holds this one: one at a time."""

    def share_with_readers(self, timeout_s: float) -> Lock | None:
        """Keep segments from being removed; None where that takes too long."""

    def exclude_readers(self, timeout_s: float) -> Lock | None:
        """Wait until nobody reads, and keep it so; None where readers stay longer."""


def local_root(place: Place) -> Path | None:
    """The folder of a store on this machine; None of another."""
    root = getattr(place, "root", None)
    return root if isinstance(root, Path) else None


def reason_of(error: OSError) -> str:
    """Why it failed, in one line: the system's words, or the first line of a library's."""
    return error.strerror or str(error).splitlines()[0] if str(error) else type(error).__name__
