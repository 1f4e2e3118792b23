"""Compaction: many small segments become one, beside writers and readers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

import pyarrow as pa

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store.buffer import join
from sensor.store.integrity import READ_ERRORS, Fault, look_at_everything, look_at_footer
from sensor.store.isolated import find_faults
from sensor.store.layout import MERGING, Segment
from sensor.store.parquet import read_footer, read_parquet
from sensor.store.place import Place, Where, place_of
from sensor.store.swap import Swap, carry_out, decide, needed_files, visible_segments

_GROUPS_A_SWAP = 64
"""In a folder each merge takes effect by itself, and frees its room; elsewhere a reader asks for every swap."""


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

    ``is_held_up`` says that readers kept compaction from going on; ``broken`` are segments that were left as they
    are because they cannot be read.
    """

    merged: int
    written: int
    is_held_up: bool = False
    broken: tuple[Fault, ...] = ()


# Segments that may be merged share all of this: table, day, sensor and run.
_Key = tuple[str, date, str, str | None]
# With its rows and their bytes.
_Sized = tuple[Segment, int, int]


def compact(where: Where, plan: Compaction = Compaction()) -> CompactionResult:
    """Merge small segments of the same table, day, sensor and run.

    Stops early, having lost nothing, where readers hold the store: the rest is for the next time.
    """
    place = place_of(where)
    merged = written = 0
    broken: list[Fault] = []
    try:
        with place.maintenance_lock():
            if not carry_out(place):
                return CompactionResult(0, 0, is_held_up=True)
            _remove_left_overs(place)
            for groups in _several(_groups(place, plan, broken), 1 if place.shares_locks else _GROUPS_A_SWAP):
                swaps = []
                for group in groups:
                    swap, faults = _merge(place, group)
                    broken += faults
                    pa.default_memory_pool().release_unused()
                    if swap is not None:
                        swaps.append(swap)
                        merged, written = merged + len(group), written + 1
                if swaps:
                    decide(place, _together(swaps))
                if not carry_out(place):
                    return CompactionResult(merged, written, is_held_up=True, broken=tuple(broken))
    except OSError as error:
        raise StoreError(f"cannot compact {place.name}: {error}") from error
    return CompactionResult(merged, written, broken=tuple(broken))


def _remove_left_overs(place: Place) -> None:
    needed = needed_files(place)
    hidden = [one.relative_path for one in place.segments(tuple(TABLES)) if one.state == MERGING]
    place.remove(path for path in hidden if path not in needed)


def _groups(place: Place, plan: Compaction, broken: list[Fault]) -> Iterator[list[Segment]]:
    small: dict[_Key, list[_Sized]] = defaultdict(list)
    for segment in visible_segments(place, tuple(TABLES)):
        if plan.sensor not in (None, segment.sensor) or (
            plan.days is not None and segment.day not in plan.days
        ):
            continue
        # What an earlier swap has yet to publish is for the next time.
        if segment.state or not place.may_merge(segment):
            continue
        try:
            footer = read_footer(place.source(segment.relative_path))
        except READ_ERRORS:
            faults = find_faults(place, [segment], look_at_footer)
            if not faults:
                raise
            broken += faults
            continue
        if footer.rows < plan.small_rows and plan.run in (None, footer.run):
            sized = segment, footer.rows, footer.memory_bytes
            small[segment.table, segment.day, segment.sensor, footer.run].append(sized)
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


def _several(groups: Iterator[list[Segment]], count: int) -> Iterator[list[list[Segment]]]:
    while several := list(islice(groups, count)):
        yield several


def _together(swaps: list[Swap]) -> Swap:
    return Swap(
        tuple(pair for swap in swaps for pair in swap.publish),
        tuple(path for swap in swaps for path in swap.remove),
    )


def _merge(place: Place, group: list[Segment]) -> tuple[Swap | None, list[Fault]]:
    """Merge a group; where some of it are broken, do nothing and tell which."""
    first = group[0]
    paths = [segment.relative_path for segment in group]
    try:
        parts = [read_parquet(place.source(path), first.table) for path in paths]
    except READ_ERRORS:
        faults = find_faults(place, group, look_at_everything)
        if not faults:
            raise
        return None, faults
    rows = join(parts, TABLES[first.table])
    segment = replace(first, sequence=place.next_sequence(first.sensor))
    hidden = replace(segment, state=MERGING).relative_path
    place.write_rows(hidden, rows, read_footer(place.source(paths[0])).run)
    return Swap(((hidden, segment.relative_path),), tuple(paths)), []
