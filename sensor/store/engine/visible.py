"""The segments that an engine of its own reads: an explicit list, held still while it is read.

DuckDB, Spark and ClickHouse all get one list made at one moment: what is written later is not seen, what was
replaced is not read a second time, and tables read one after the other lie on one side of every swap.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store.layout import lock_folder
from sensor.store.lock import READER_LOCKS, FileLock, share_with_readers
from sensor.store.manifest import read_manifest
from sensor.store.swap import visible_segments

_WAIT_S = 60.0


@dataclass(frozen=True)
class VisibleSegments:
    """A store's segments as they were at one moment; a context manager that keeps them from being removed.

    Attributes
    ----------
    root
        The store's folder.
    paths
        By table, each segment's path inside the store, ``flows/day=2017-05-17/a-1.parquet``, in order.
    """

    root: Path
    paths: dict[str, list[str]]
    _lock: FileLock | None

    @property
    def address(self) -> str:
        """Where the paths begin."""
        return str(self.root)

    def close(self) -> None:
        """Let segments be removed again."""
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def hold_segments(store: str | os.PathLike[str]) -> VisibleSegments:
    """List the segments of a store and keep them there.

    Raises
    ------
    StoreError
        There is no store, its schema is newer, or somebody is removing segments for over a minute.
    """
    root = Path(store).absolute()
    read_manifest(root)
    lock = share_store(root)
    paths: dict[str, list[str]] = {name: [] for name in TABLES}
    for segment in visible_segments(root, tuple(TABLES)):
        paths[segment.table].append(str(segment.relative_path))
    return VisibleSegments(root, paths, lock)


def share_store(root: Path) -> FileLock | None:
    """Keep segments from being removed while they are read; a copied store may come without its locks."""
    if not all((lock_folder(root) / name).exists() for name in READER_LOCKS):
        return None
    lock = share_with_readers(root, _WAIT_S)
    if lock is None:
        raise StoreError(f"{root} is being reorganised: try again later")
    return lock
