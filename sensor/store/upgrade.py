"""Upgrade: segments of an earlier schema are rewritten, beside readers, and the store says so when all are.

``STEPS`` has one step for every version that ever was, from that version to the next. A step may add columns and
correct values; it never takes a column away. So a reader of this program shows segments of earlier versions as they
are, with NULL for what they lack, and a reader of an earlier program, which asks for its own columns by name, goes
on while its store is upgraded.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice

import pyarrow as pa

from sensor import schema
from sensor.errors import StoreError
from sensor.store.layout import MERGING, Segment
from sensor.store.manifest import read_manifest, set_schema_version
from sensor.store.parquet import read_footer, read_parquet, read_version
from sensor.store.place import Place, Where, place_of
from sensor.store.swap import Swap, carry_out, decide, visible_segments

Step = Callable[[str, pa.Table], pa.Table]
"""Takes a table's name and its rows of one version, gives them as the next version has them."""

STEPS: dict[int, Step] = {}
_SEGMENTS_A_SWAP = 64
_READERS_WAIT_S = 60.0


@dataclass(frozen=True)
class UpgradeResult:
    """From which version to which, and how many segments were rewritten for it."""

    earlier: int
    version: int
    segments: int


def upgrade(where: Where) -> UpgradeResult:
    """Bring a store to this program's schema. What was rewritten when it is interrupted stays so.

    Raises
    ------
    StoreError
        A sensor is writing, the store is newer than this program, or readers hold it for a minute.
    """
    place = place_of(where)
    earlier = read_manifest(place).schema_version
    newest = schema.SCHEMA_VERSION
    if earlier == newest:
        return UpgradeResult(earlier, newest, 0)
    try:
        with ExitStack() as stack:
            _keep_writers_out(place, stack)
            stack.enter_context(place.maintenance_lock())
            count = _rewrite_all(place)
            set_schema_version(place, newest)
    except OSError as error:
        raise StoreError(f"cannot upgrade {place.name}: {error}") from error
    return UpgradeResult(earlier, newest, count)


def upgraded(table: str, rows: pa.Table, version: int) -> pa.Table:
    """Rows of an earlier version as this program's schema has them."""
    for number in range(version, schema.SCHEMA_VERSION):
        rows = STEPS[number](table, rows)
    return pa.table({
        column.name: _typed(rows[column.name], column.arrow)
        for column in schema.TABLES[table].columns
        if column.name != schema.TABLES[table].day_column
    })  # fmt: skip


def _typed(values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    """What a step calculated, in the column's own type; text may stay in its dictionary."""
    return values if pa.types.is_dictionary(values.type) else values.cast(wanted)


def _keep_writers_out(place: Place, stack: ExitStack) -> None:
    """An earlier program that goes on writing would bring more segments of its version."""
    for sensor in sorted({segment.sensor for segment in place.segments(tuple(schema.TABLES))}):
        lock = place.writer_lock(sensor)
        if not lock.acquire():
            raise StoreError(
                f"sensor {sensor!r} is being written by {lock.read()}: stop it, and start it anew after"
            )
        stack.callback(lock.release)


def _rewrite_all(place: Place) -> int:
    count = 0
    _settle(place)
    old = (segment for segment in visible_segments(place, tuple(schema.TABLES)) if _is_old(place, segment))
    while several := list(islice(old, 1 if place.shares_locks else _SEGMENTS_A_SWAP)):
        pairs = [_rewrite(place, segment) for segment in several]
        removed = tuple(segment.visible().relative_path for segment in several)
        decide(place, Swap(tuple(pairs), removed))
        _settle(place)
        count += len(several)
    return count


def _settle(place: Place) -> None:
    if not carry_out(place, _READERS_WAIT_S):
        raise StoreError(
            f"readers hold {place.name}: what was rewritten is in effect, run this again to finish"
        )


def _is_old(place: Place, segment: Segment) -> bool:
    return read_version(place.source(segment.relative_path)) < schema.SCHEMA_VERSION


def _rewrite(place: Place, segment: Segment) -> tuple[str, str]:
    path = segment.relative_path
    rows = upgraded(
        segment.table, read_parquet(place.source(path), segment.table), read_version(place.source(path))
    )
    new = replace(segment.visible(), sequence=place.next_sequence(segment.sensor))
    hidden = replace(new, state=MERGING).relative_path
    place.write_rows(hidden, rows, read_footer(place.source(path))[1])
    return hidden, new.relative_path
