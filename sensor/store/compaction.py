"""Compaction: many small segments become one, beside writers and readers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store import durable
from sensor.store.buffer import join
from sensor.store.layout import MERGING, Segment, list_segments
from sensor.store.lock import Sequence, maintenance_lock
from sensor.store.parquet import read_footer, read_memory_bytes, read_parquet, write_parquet
from sensor.store.swap import Swap, carry_out, decide, needed_files, visible_segments


@dataclass(frozen=True)
class Compaction:
    """What to compact. None stands for every sensor, every day, every run.

    Segments below ``small_rows`` rows are merged, into segments of at most ``merged_rows`` rows, which take about
    ``merged_bytes`` in memory.
    """

    sensor: str | None = None
    run: str | None = None
    days: frozenset[date] | None = None
    small_rows: int = 50_000
    merged_rows: int = 500_000
    merged_bytes: int = 1 << 28


@dataclass(frozen=True)
class CompactionResult:
    """How many segments went, and how many came in their place.

    ``is_held_up`` says that readers kept compaction from going on.
    """

    merged: int
    written: int
    is_held_up: bool = False


# Segments that may be merged share all of this: table, day, sensor and run.
_Key = tuple[str, date, str, str | None]
# With its rows and their bytes.
_Sized = tuple[Segment, int, int]


def compact(root: Path, plan: Compaction = Compaction()) -> CompactionResult:
    """Merge small segments of the same table, day, sensor and run.

    Stops early, having lost nothing, where readers hold the store: the rest is for the next time.
    """
    merged = written = 0
    try:
        with maintenance_lock(root):
            if not carry_out(root):
                return CompactionResult(0, 0, is_held_up=True)
            _remove_left_overs(root)
            for group in _groups(root, plan):
                _merge(root, group)
                pa.default_memory_pool().release_unused()
                merged, written = merged + len(group), written + 1
                if not carry_out(root):
                    return CompactionResult(merged, written, is_held_up=True)
    except OSError as error:
        raise StoreError(f"cannot compact {root}: {error}") from error
    return CompactionResult(merged, written)


def _remove_left_overs(root: Path) -> None:
    needed = needed_files(root)
    for segment in list_segments(root):
        if segment.state == MERGING and segment.relative_path not in needed:
            durable.remove(root / segment.relative_path)


def _groups(root: Path, plan: Compaction) -> Iterator[list[Segment]]:
    small: dict[_Key, list[_Sized]] = defaultdict(list)
    for segment in visible_segments(root, tuple(TABLES)):
        if plan.sensor not in (None, segment.sensor) or (
            plan.days is not None and segment.day not in plan.days
        ):
            continue
        rows, run = read_footer(root / segment.relative_path)
        if rows < plan.small_rows and plan.run in (None, run):
            sized = segment, rows, read_memory_bytes(root / segment.relative_path)
            small[segment.table, segment.day, segment.sensor, run].append(sized)
    for key in sorted(small, key=lambda key: (key[0], key[1], key[2], key[3] or "")):
        yield from _bounded(small[key], plan)


def _bounded(segments: Iterable[_Sized], plan: Compaction) -> Iterator[list[Segment]]:
    group: list[Segment] = []
    total_rows = total_bytes = 0
    for segment, rows, size in segments:
        if group and (total_rows + rows > plan.merged_rows or total_bytes + size > plan.merged_bytes):
            if len(group) > 1:
                yield group
            group, total_rows, total_bytes = [], 0, 0
        group.append(segment)
        total_rows += rows
        total_bytes += size
    if len(group) > 1:
        yield group


def _merge(root: Path, group: list[Segment]) -> None:
    first = group[0]
    paths = [root / segment.relative_path for segment in group]
    rows = join([read_parquet(path, first.table) for path in paths], TABLES[first.table])
    segment = replace(first, sequence=Sequence(root, first.sensor).next())
    hidden = replace(segment, state=MERGING).relative_path
    write_parquet(root / hidden, rows, read_footer(paths[0])[1])
    durable.sync_folder((root / hidden).parent)
    decide(root, Swap(((hidden, segment.relative_path),), tuple(one.relative_path for one in group)))
