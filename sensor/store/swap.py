"""Swaps: some segments become visible and others vanish, as one step.

Compaction and replacement first write the new segments completely, under hidden names.
Then a journal file names what is to be published and what is to be removed. Its
appearance *is* the swap: from then on our readers see the new segments (under either
name) and no longer the old ones. Renaming and removing follow when no reader is about,
or, after a crash, when the store is next written. Doing it twice does no harm.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from sensor.errors import StoreError
from sensor.store import durable
from sensor.store.layout import Segment, journal_folder, list_segments, parse_segment, run_folder
from sensor.store.lock import exclude_readers

READERS_WAIT_S = 2.0


@dataclass(frozen=True)
class Swap:
    """What one swap does; all paths are inside the store.

    ``publish`` are pairs of hidden and visible path, ``remove`` the paths that vanish.
    """

    publish: tuple[tuple[str, str], ...]
    remove: tuple[str, ...]


def decide(root: Path, swap: Swap) -> None:
    """Make a swap happen. The caller holds the maintenance lock and has synced the new files."""
    path = journal_folder(root) / f"{os.urandom(8).hex()}.json"
    durable.write_text(path, json.dumps({"publish": swap.publish, "remove": swap.remove}))


def pending_swaps(root: Path) -> dict[Path, Swap]:
    """The swaps that are decided but not carried out, by their journal files."""
    try:
        names = sorted(os.listdir(journal_folder(root)))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {
        journal_folder(root) / name: _read(journal_folder(root) / name)
        for name in names
        if name.endswith(".json") and not name.startswith(".")
    }


def carry_out(root: Path, wait_s: float | None = None) -> bool:
    """Rename and remove what pending swaps say, unless readers hold the store for longer than ``wait_s``.

    The caller holds the maintenance lock. Returns whether nothing is pending any more.
    """
    _remove_left_overs(root)
    if not pending_swaps(root):
        return True
    lock = exclude_readers(root, READERS_WAIT_S if wait_s is None else wait_s)
    if lock is None:
        return False
    with lock:
        for journal, swap in pending_swaps(root).items():
            _carry_out(root, swap)
            durable.remove(journal)
        durable.sync_folder(journal_folder(root))
    return True


def visible_segments(root: Path, tables: tuple[str, ...]) -> list[Segment]:
    """The segments that make up the store now, in order; those of a pending swap under their hidden names.

    The caller shares the readers' lock, or holds the maintenance lock.
    """
    # The folders first: a swap decided in between then finds its old segments listed, and takes them out.
    listed = {segment for segment in list_segments(root, tables) if not segment.state}
    for swap in pending_swaps(root).values():
        for hidden, final in swap.publish:
            segment = parse_segment(hidden if (root / hidden).exists() else final)
            if segment is not None and segment.table in tables:
                listed.add(segment)
        listed -= {segment for path in swap.remove if (segment := parse_segment(path))}
    return sorted(listed)


def needed_files(root: Path) -> set[str]:
    """The hidden files, by their paths inside the store, that pending swaps will publish."""
    return {hidden for swap in pending_swaps(root).values() for hidden, _ in swap.publish}


def _remove_left_overs(root: Path) -> None:
    """Remove what a crash left of journals and runs: only holders of the maintenance lock write them."""
    needed = needed_files(root)
    for folder in (journal_folder(root), run_folder(root)):
        for path in folder.glob(".*"):
            if path.relative_to(root).as_posix() not in needed:
                durable.remove(path)


def _carry_out(root: Path, swap: Swap) -> None:
    touched = set()
    for hidden, final in swap.publish:
        touched.add((root / final).parent)
        try:
            os.rename(root / hidden, root / final)
        except FileNotFoundError:
            pass  # renamed before the crash that brought us here
    for path in swap.remove:
        touched.add((root / path).parent)
        durable.remove(root / path)
    # The journal may go only when nothing can undo this.
    for folder in sorted(touched):
        if folder.is_dir():
            durable.sync_folder(folder)


def _read(path: Path) -> Swap:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Swap(tuple((hidden, final) for hidden, final in data["publish"]), tuple(data["remove"]))
    except FileNotFoundError:
        return Swap((), ())
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the journal {path} is damaged: {error}") from error
