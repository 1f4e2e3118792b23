"""Swaps: some segments become visible and others vanish, as one step.

Compaction and replacement first write the new segments completely, under hidden names.
Then a journal file names what is to be published and what is to be removed. Its
appearance *is* the swap: from then on our readers see the new segments (under either
name) and no longer the old ones. Publishing and removing follow when no reader can be
about, or, after a crash, when the store is next written. Doing it twice does no harm.

In a folder that moment comes when no reader holds the lock, and publishing renames. On
object storage it comes when the journal file is old enough; publishing copies, and the
hidden copy goes by a swap of its own, for the readers who were told of it.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sensor.errors import StoreError
from sensor.store.layout import Segment, parse_segment
from sensor.store.place import Place, Where, place_of

READERS_WAIT_S = 2.0
_LEFT_OUT: defaultdict[str, set[Segment]] = defaultdict(set)
_JOURNAL, _RUNS = ".journal", "runs"
_Seen = TypeVar("_Seen")


@dataclass(frozen=True)
class Swap:
    """What one swap does; all paths are inside the store.

    ``publish`` are pairs of hidden and visible path, ``remove`` the paths that vanish. Of two swaps that name
    the same segment the later one is carried out later.
    """

    publish: tuple[tuple[str, str], ...]
    remove: tuple[str, ...]


def decide(where: Where, swap: Swap) -> None:
    """Make a swap happen. The caller holds the maintenance lock, and the new files are there for good."""
    place = place_of(where)
    place.confirm_maintenance()
    last = max((_number(name) for name in _journal_names(place)), default=0)
    # In the order of their names swaps are carried out.
    name = f"{max(time.time_ns() // 1000, last + 1):016d}-{os.urandom(4).hex()}.json"
    place.write_text(f"{_JOURNAL}/{name}", json.dumps({"publish": swap.publish, "remove": swap.remove}))


def pending_swaps(where: Where) -> dict[str, Swap]:
    """The swaps that are decided but not carried out, by their journal files, in order."""
    place = place_of(where)
    return _read(place, {})


def swaps_around(place: Place, look: Callable[[], _Seen]) -> tuple[_Seen, dict[str, Swap]]:
    """Look at files of a store, and give the swaps that what was seen has to be read with.

    A swap decided meanwhile finds what it removes among the files seen, and takes it out. Where readers hold no lock,
    one may also have been carried out halfway through: it was pending before, and holds all the same.
    """
    before = {} if place.shares_locks else pending_swaps(place)
    seen = look()
    return seen, before | _read(place, before)


def carry_out(where: Where, wait_s: float | None = None) -> bool:
    """Publish and remove what pending swaps say, unless readers hold the store for longer than ``wait_s``.

    The caller holds the maintenance lock. Returns whether the store may be changed further.
    """
    place = place_of(where)
    _remove_left_overs(place)
    if not _journal_names(place):
        return True
    lock = place.exclude_readers(READERS_WAIT_S if wait_s is None else wait_s)
    if lock is None:
        return False
    with lock:
        for journal, swap in pending_swaps(place).items():
            if not place.may_carry_out(journal):
                break
            place.confirm_maintenance()
            _carry_out(place, swap)
            place.remove([journal])
        place.sync([_JOURNAL])
    return True


def visible_segments(where: Where, tables: tuple[str, ...]) -> list[Segment]:
    """The segments that make up the store now, in order; those of a pending swap under their hidden names.

    This is the one list of what a reader reads, whatever the engine and wherever the store lies; a segment's
    address is ``place_of(where).url(segment.relative_path)``. In a folder the caller shares the readers' lock,
    or holds the maintenance lock. On object storage what is listed here stays readable for
    `sensor.store.place.objects.GRACE_S`.
    """
    place = place_of(where)
    listed, swaps = swaps_around(place, lambda: set(place.segments(tables)))
    found, broken = _visible(place, listed, swaps, tables), left_out(place)
    return [segment for segment in found if segment not in broken] if broken else found


def leave_out(where: Where, segment: Segment) -> None:
    """Show a segment to nobody in this process any more: it is broken and could not be moved away."""
    _LEFT_OUT[place_of(where).name].add(segment)


def left_out(where: Where) -> frozenset[Segment]:
    """The segments that this process does not show."""
    return frozenset(_LEFT_OUT.get(place_of(where).name, ()))


def needed_files(where: Where) -> set[str]:
    """The hidden files, by their paths inside the store, that pending swaps name."""
    return {
        path
        for swap in pending_swaps(where).values()
        for path in (*(hidden for hidden, _ in swap.publish), *swap.remove)
    }


def _visible(
    place: Place, listed: set[Segment], swaps: dict[str, Swap], tables: tuple[str, ...]
) -> list[Segment]:
    seen = {segment for segment in listed if not segment.state}
    for swap in swaps.values():
        for hidden, final in swap.publish:
            segment, hidden_segment = parse_segment(final), parse_segment(hidden)
            if segment is None or hidden_segment is None or segment.table not in tables or segment in seen:
                continue
            is_there = hidden_segment in listed or place.exists(hidden)
            seen.add(hidden_segment if is_there else segment)
    removed = {path for swap in swaps.values() for path in swap.remove}
    return sorted(segment for segment in seen if segment.visible().relative_path not in removed)


def _remove_left_overs(place: Place) -> None:
    """Remove what a crash left of journals and runs: only holders of the maintenance lock write them."""
    needed = needed_files(place)
    hidden = [
        found.path
        for folder in (_JOURNAL, _RUNS)
        for found in place.files(folder)
        if found.path.startswith(f"{folder}/.")
    ]
    place.remove(path for path in hidden if path not in needed)


def _carry_out(place: Place, swap: Swap) -> None:
    paths = [path for pair in swap.publish for path in pair] + list(swap.remove)
    for hidden, final in swap.publish:
        place.publish(hidden, final)
    place.remove(swap.remove)
    if swap.publish and place.leaves_hidden():
        decide(place, Swap((), tuple(hidden for hidden, _ in swap.publish)))
    # The journal may go only when nothing can undo this.
    place.sync(sorted({path.rpartition("/")[0] for path in paths}))


def _journal_names(place: Place) -> list[str]:
    names = (found.path for found in place.files(_JOURNAL))
    return sorted(name for name in names if name.endswith(".json") and not name.startswith(f"{_JOURNAL}/."))


def _number(journal: str) -> int:
    digits = journal.rpartition("/")[2].partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _read(place: Place, known: dict[str, Swap]) -> dict[str, Swap]:
    """The pending swaps; those that are known are not read again, for a journal file never changes."""
    names = _journal_names(place)
    texts = place.read_texts([name for name in names if name not in known])
    read = {name: _parse(f"{place.name}/{name}", text) for name, text in texts.items()}
    return {name: swap for name in names if (swap := known.get(name) or read.get(name)) is not None}


def _parse(name: str, text: str) -> Swap:
    try:
        data = json.loads(text)
        return Swap(tuple((hidden, final) for hidden, final in data["publish"]), tuple(data["remove"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the journal {name} is damaged: {error}") from error
