"""Retention: the oldest days go first. Nothing goes unless asked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store import durable
from sensor.store.layout import Segment
from sensor.store.lock import exclude_readers, maintenance_lock
from sensor.store.swap import READERS_WAIT_S, carry_out, visible_segments


@dataclass(frozen=True)
class PruneResult:
    """What was removed."""

    days: tuple[date, ...] = ()
    segments: int = 0
    bytes: int = 0


def prune(root: Path, *, days: int | None = None, most_bytes: int | None = None) -> PruneResult:
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
    try:
        with maintenance_lock(root):
            lock = exclude_readers(root, READERS_WAIT_S) if carry_out(root) else None
            if lock is None:
                raise StoreError(f"readers hold {root}: nothing was removed, try again later")
            with lock:
                return _prune(root, days, most_bytes)
    except OSError as error:
        raise StoreError(f"cannot prune {root}: {error}") from error


def _prune(root: Path, days: int | None, most_bytes: int | None) -> PruneResult:
    by_day: dict[date, list[tuple[Segment, int]]] = defaultdict(list)
    for segment in visible_segments(root, tuple(TABLES)):
        by_day[segment.day].append((segment, (root / segment.relative_path).stat().st_size))
    total = sum(size for segments in by_day.values() for _, size in segments)
    kept_from = _first_day_to_keep(max(by_day), days) if by_day and days is not None else date.min
    removed: list[date] = []
    count = freed = 0
    for day in sorted(by_day)[:-1]:
        too_large = most_bytes is not None and total - freed > most_bytes
        if day >= kept_from and not too_large:
            break
        for segment, size in by_day[day]:
            durable.remove(root / segment.relative_path)
            count, freed = count + 1, freed + size
        removed.append(day)
        _remove_empty_folders(root, day)
    return PruneResult(tuple(removed), count, freed)


def _first_day_to_keep(newest: date, days: int) -> date:
    last = min(newest, datetime.now(UTC).date())
    return last - timedelta(days=min(days - 1, (last - date.min).days))


def _remove_empty_folders(root: Path, day: date) -> None:
    for table in TABLES:
        try:
            (root / table / f"day={day.isoformat()}").rmdir()
        except OSError:
            pass  # not there, or a writer is putting something into it
