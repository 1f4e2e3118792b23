"""The segments that an engine reads: for Spark and ClickHouse an explicit list, held still while it is read.

The list is made once: what is written later is not seen, what was replaced is not read a second time, and tables
read one after the other lie on one side of every swap.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store.engine.bucket import Bucket, read_bucket
from sensor.store.lock import READER_LOCKS
from sensor.store.manifest import read_manifest
from sensor.store.place import Lock, Place, Where, place_of
from sensor.store.place.local import LocalPlace
from sensor.store.swap import visible_segments

_WAIT_S = 60.0


@dataclass(frozen=True)
class VisibleSegments:
    """A store's segments as they were at one moment; a context manager that keeps them from being removed.

    Attributes
    ----------
    folder
        Where the store lies: a folder, ``/data/store``, or a bucket and a prefix, ``s3://bucket/prefix``.
    bucket
        What must be known of object storage; None for a folder.
    paths
        By table, each segment's path inside the store, ``flows/day=2017-05-17/a-1.parquet``, in order.
    """

    folder: str
    bucket: Bucket | None
    paths: dict[str, list[str]]
    _lock: Lock | None

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


def hold_segments(store: Where) -> VisibleSegments:
    """List the segments of a store and keep them there.

    Raises
    ------
    StoreError
        There is no store, its schema is newer, or somebody is removing segments for over a minute.
    """
    place = place_of(store)
    bucket = _bucket(place)
    read_manifest(place)
    lock = share_store(place)
    try:
        paths: dict[str, list[str]] = {name: [] for name in TABLES}
        for segment in visible_segments(place, tuple(TABLES)):
            paths[segment.table].append(segment.relative_path)
    except BaseException:
        if lock is not None:
            lock.release()
        raise
    return VisibleSegments(place.name, bucket, paths, lock)


def _bucket(place: Place) -> Bucket | None:
    if isinstance(place, LocalPlace):
        return None
    from sensor.store.place.objects import ObjectPlace

    if not isinstance(place, ObjectPlace):
        raise StoreError(f"{place.name}: only folders and s3:// are read by other engines than DuckDB")
    return read_bucket(place.address)


def share_store(place: Place) -> Lock | None:
    """Keep segments from being removed while they are read; a copied store may come without its locks."""
    if not place.shares_locks or not all(place.exists(f".locks/{name}") for name in READER_LOCKS):
        return None
    lock = place.share_with_readers(_WAIT_S)
    if lock is None:
        raise StoreError(f"{place.name} is being reorganised: try again later")
    return lock
