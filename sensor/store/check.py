"""A whole store looked through: every page of every segment, and the small files beside them."""

from __future__ import annotations

from dataclasses import dataclass

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store.integrity import Fault, look_at_everything
from sensor.store.isolated import looked_at
from sensor.store.layout import Segment
from sensor.store.manifest import read_manifest
from sensor.store.parquet import read_footer
from sensor.store.place import Lock, Place, Where, place_of
from sensor.store.quarantine import broken_segments
from sensor.store.runs import read_runs
from sensor.store.swap import visible_segments

_WAIT_S = 60.0


@dataclass(frozen=True)
class Checked:
    """What a store came to.

    ``rows`` and ``bytes`` are those of whole segments. ``broken`` were found now, ``quarantined`` earlier.
    ``damages`` are of other files than segments. ``unfinished`` are files of writers that crashed or still write.
    """

    segments: int
    rows: int
    bytes: int
    broken: tuple[Fault, ...]
    quarantined: tuple[Fault, ...]
    damages: tuple[str, ...]
    unfinished: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is broken, now or earlier."""
        return not (self.broken or self.quarantined or self.damages)


def check_store(where: Where) -> Checked:
    """Read everything in a store, without changing it.

    Raises
    ------
    StoreError
        There is no store, or its manifest or journal cannot be read: then nothing else can be said.
    """
    place = place_of(where)
    read_manifest(place)
    earlier = broken_segments(place)
    try:
        lock = _share(place)
        try:
            return _checked(place, earlier)
        finally:
            if lock is not None:
                lock.release()
    except OSError as error:
        raise StoreError(f"cannot check {place.name}: {error}") from error


def _share(place: Place) -> Lock | None:
    """Let nothing be removed meanwhile; a store that may only be read may come without locks."""
    try:
        return place.share_with_readers(_WAIT_S) if place.shares_locks else None
    except OSError:
        return None


def _checked(place: Place, earlier: list[Fault]) -> Checked:
    rows = size = 0
    broken: list[Fault] = []
    # Imported here: who checks nothing does without.
    from sensor.store.engine.duckdb import look_by_query

    segments = visible_segments(place, tuple(TABLES))
    faults = looked_at(place, segments, (look_at_everything, look_by_query))
    for segment, fault in zip(segments, faults, strict=True):
        if fault is not None:
            broken.append(fault)
            continue
        try:
            rows += read_footer(place.source(segment.relative_path))[0]
            size += place.size(segment.relative_path)
        except FileNotFoundError:
            pass  # retention has removed it meanwhile, where there are no locks
    return Checked(
        len(segments), rows, size, tuple(broken), tuple(earlier), tuple(_damages(place)),
        _unfinished(place, segments),
    )  # fmt: skip


def _damages(place: Place) -> list[str]:
    try:
        read_runs(place)
    except StoreError as error:
        return [str(error)]
    return []


def _unfinished(place: Place, visible: list[Segment]) -> int:
    known = set(visible)
    return sum(1 for segment in place.segments(tuple(TABLES)) if segment.state and segment not in known)
