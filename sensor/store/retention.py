"""Retention: the oldest days go first. Nothing goes unless asked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store.layout import Segment
from sensor.store.place import Place, Where, place_of
from sensor.store.place.model import local_root
from sensor.store.swap import READERS_WAIT_S, Swap, carry_out, decide, visible_segments


@dataclass(frozen=True)
class PruneResult:
    """What was removed."""

    days: tuple[date, ...] = ()
    segments: int = 0
    bytes: int = 0


def prune(where: Where, *, days: int | None = None, most_bytes: int | None = None) -> PruneResult:
    """Remove whole days, the oldest first, until both limits hold.

    Parameters
    ----------
    days
        Keep this many days, counted back from the newest day of the store. A packet with a time in
        the future does not move that day past today.
    most_bytes
        Keep at most this many bytes of segments. The newest day always stays.

    Raises
    ------
    StoreError
        Readers hold the store.
    """
    if (days is not None and days < 1) or (most_bytes is not None and most_bytes < 0):
        raise ValueError("keep at least one day and no fewer than zero bytes")
    place = place_of(where)
    try:
        with place.maintenance_lock():
            lock = place.exclude_readers(READERS_WAIT_S) if carry_out(place) else None
            if lock is None:
                raise StoreError(f"readers hold {place.name}: nothing was removed, try again later")
            with lock:
                return _prune(place, days, most_bytes)
    except OSError as error:
        raise StoreError(f"cannot prune {place.name}: {error}") from error


def _prune(place: Place, days: int | None, most_bytes: int | None) -> PruneResult:
    by_day: dict[date, list[tuple[Segment, int]]] = defaultdict(list)
    for segment in visible_segments(place, tuple(TABLES)):
        by_day[segment.day].append((segment, place.size(segment.relative_path)))
    total = sum(size for segments in by_day.values() for _, size in segments)
    kept_from = _first_day_to_keep(max(by_day), days) if by_day and days is not None else date.min
    removed: list[date] = []
    count = freed = 0
    for day in sorted(by_day)[:-1]:
        too_large = most_bytes is not None and total - freed > most_bytes
        if day >= kept_from and not too_large:
            break
        _remove(place, [segment for segment, _ in by_day[day]])
        count, freed = count + len(by_day[day]), freed + sum(size for _, size in by_day[day])
        removed.append(day)
        _remove_empty_folders(place, day)
    return PruneResult(tuple(removed), count, freed)


def _first_day_to_keep(newest: date, days: int) -> date:
    last = min(newest, datetime.now(UTC).date())
    return last - timedelta(days=min(days - 1, (last - date.min).days))


def _remove(place: Place, segments: list[Segment]) -> None:
    paths = [segment.visible().relative_path for segment in segments]
    if place.shares_locks:
        place.remove(paths)
    else:
        # Gone for new readers at once; whoever reads has time to finish.
        decide(place, Swap((), tuple(paths)))


def _remove_empty_folders(place: Place, day: date) -> None:
    root = local_root(place)
    if root is None:
        return  # object storage has no folders
    for table in TABLES:
        try:
            (root / table / f"day={day.isoformat()}").rmdir()
        except OSError:
            pass  # not there, or a writer is putting something into it
