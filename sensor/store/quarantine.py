"""Broken segments, out of the way: the rest of the store is served, and what is missing is named.

A broken segment is moved to ``quarantine/`` in the store, beside a note of what it held. Where it cannot be
moved, because the store may only be read, only this process leaves it out.
"""

from __future__ import annotations

import json
import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sensor.schema import TABLES
from sensor.store import durable
from sensor.store.integrity import Fault, Look
from sensor.store.isolated import find_faults
from sensor.store.layout import QUARANTINE, Segment, parse_segment
from sensor.store.place import Place, Where, place_of
from sensor.store.place.model import local_root
from sensor.store.swap import READERS_WAIT_S, leave_out, visible_segments

__all__ = ["Tell", "broken_segments", "read_around", "set_aside", "warn"]

Looks = tuple[Look, ...]
Tell = Callable[[str], None]
"""Who hears, in one line each, what was found broken and what became of it."""

_Result = TypeVar("_Result")
_FAULTS: defaultdict[str, dict[Segment, Fault]] = defaultdict(dict)
"""What this process leaves out, by the store's name."""


def read_around(
    where: Where, work: Callable[[], _Result], looks_for: Callable[[Exception], Looks], tell: Tell
) -> _Result:
    """Do work that reads a store; where it fails for a broken segment, set that aside and do it again.

    Parameters
    ----------
    where
        The store.
    work
        Opens the store, reads it, and closes it; it may be done several times.
    looks_for
        Says how to look for the broken segment that an error may come of, the quick way first; not at all, by
        no ways, where it cannot be that.
    tell
        Hears of each broken segment.
    """
    while True:
        try:
            return work()
        except Exception as error:
            place = place_of(where)
            faults = _look_for_faults(place, looks_for(error))
            if not faults:
                raise
            set_aside(place, faults, tell)


def set_aside(where: Where, faults: Iterable[Fault], tell: Tell) -> None:
    """Move broken segments to the quarantine, or leave them out of what this process reads."""
    place = place_of(where)
    for fault in faults:
        why_not = "it cannot be read" if not fault.is_damaged else _move(place, fault)
        if why_not is None:
            tell(f"{place.name}: broken segment {fault}; moved to {QUARANTINE}/")
        else:
            _FAULTS[place.name][fault.segment] = fault
            leave_out(place, fault.segment)
            tell(f"{place.name}: broken segment {fault}; left out here, not moved: {why_not}")


def broken_segments(where: Where) -> list[Fault]:
    """What is missing from the store because it was broken: in the quarantine, or left out by this process."""
    place = place_of(where)
    found = {fault.segment: fault for fault in _noted(place)} | _FAULTS[place.name]
    return [found[segment] for segment in sorted(found)]


def warn(text: str) -> None:
    """Tell by way of Python's warnings."""
    warnings.warn(text, RuntimeWarning, stacklevel=3)


def _look_for_faults(place: Place, looks: Looks) -> list[Fault]:
    for look in looks:
        if faults := find_faults(place, visible_segments(place, tuple(TABLES)), look):
            return faults
    return []


def _move(place: Place, fault: Fault) -> str | None:
    """Move a segment; why not, where that could not be done."""
    root = local_root(place)
    if root is None:
        return "the store is not a folder of this machine"
    try:
        with place.maintenance_lock():
            lock = place.exclude_readers(READERS_WAIT_S)
            if lock is None:
                return "others read the store"
            with lock:
                _move_file(root, fault)
    except OSError as error:
        return error.strerror or str(error)
    return None


def _move_file(root: Path, fault: Fault) -> None:
    path = fault.segment.relative_path
    target = root / QUARANTINE / fault.segment.visible().relative_path
    durable.make_folder(target.parent)
    # The note first: a segment in the quarantine without one would be missing without a word.
    durable.write_text(target.with_suffix(".json"), json.dumps(_note(fault), indent=2) + "\n")
    try:
        os.rename(root / path, target)
    except FileNotFoundError:
        durable.remove(target.with_suffix(".json"))  # somebody else was faster, or retention
        return
    durable.sync_folder(target.parent)
    durable.sync_folder((root / path).parent)


def _note(fault: Fault) -> dict[str, Any]:
    return {
        "segment": fault.segment.relative_path,
        "reason": fault.reason,
        "rows": fault.rows,
        "first": fault.first.isoformat() if fault.first else None,
        "last": fault.last.isoformat() if fault.last else None,
        "found": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _noted(place: Place) -> Iterable[Fault]:
    root = local_root(place)
    if root is None:
        return
    for path in sorted((root / QUARANTINE).glob("*/*/*.parquet")):
        segment = parse_segment(path.relative_to(root / QUARANTINE).as_posix())
        if segment is not None:
            yield _read_note(segment, path.with_suffix(".json"))


def _read_note(segment: Segment, path: Path) -> Fault:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        ends = [datetime.fromisoformat(note[name]) if note[name] else None for name in ("first", "last")]
        return Fault(segment, str(note["reason"]), note["rows"], ends[0], ends[1])
    except (OSError, ValueError, KeyError, TypeError):
        return Fault(segment, "its note cannot be read")
