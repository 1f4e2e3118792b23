"""A disk that may lose whatever was not synced: what is left of a folder after a power cut.

Of a file, what was written before its last sync is there; what came later is there, or only a part of it. Of a folder,
the entries at its last sync are there; each later change of them, a rename as one, is there or not, whatever its order.
That is more than most file systems may lose.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.trust.faults.trace import Step


@dataclass
class File:
    """A file's content now and as it was last synced."""

    now: bytearray = field(default_factory=bytearray)
    synced: bytes | None = None


@dataclass
class Folder:
    """A folder's entries now, as they were last synced, and the changes since."""

    now: dict[str, File | Folder] = field(default_factory=dict)
    synced: dict[str, File | Folder] = field(default_factory=dict)
    changes: list[dict[str, File | Folder | None]] = field(default_factory=list)

    def put(self, **entries: File | Folder | None) -> None:
        """Set or remove entries, all of them or none."""
        _apply(self.now, entries)
        self.changes.append(entries)

    def sync(self) -> None:
        """Make the entries durable."""
        self.synced = dict(self.now)
        self.changes.clear()


def _apply(entries: dict[str, File | Folder], change: dict[str, File | Folder | None]) -> None:
    for name, entry in change.items():
        if entry is None:
            entries.pop(name, None)
        else:
            entries[name] = entry


class Disk:
    """What a series of steps makes of an empty folder."""

    def __init__(self) -> None:
        self.top = Folder()
        self._written: dict[int, int] = {}

    def do(self, step: Step) -> None:
        """Carry a step out."""
        if step.call == "sync":
            entry = self._entry(step.path)
            if isinstance(entry, Folder):
                entry.sync()
            else:
                entry.synced = bytes(entry.now)
            return
        parent, name = self._parent(step.path)
        if step.call == "mkdir":
            parent.put(**{name: Folder()})
        elif step.call in {"create", "open"}:
            self._open(parent, name, empties=step.call == "create")
        elif step.call in {"write", "cut"}:
            self._write(step)
        elif step.call == "remove":
            parent.put(**{name: None})
        elif step.call == "rename":
            target, new_name = self._parent(step.target)
            assert target is parent, "renamed into another folder"
            parent.put(**{name: None, new_name: parent.now[name]})
        else:
            raise AssertionError(step)

    def cut(self, place: Path, chance: random.Random, keep: float) -> None:
        """Write what is left after a power cut; each thing that was not synced is kept with this probability."""
        _write_folder(self.top, place, chance, keep)

    def _open(self, parent: Folder, name: str, *, empties: bool) -> None:
        entry = parent.now.get(name)
        if isinstance(entry, File):
            if empties:
                entry.now.clear()
        else:
            entry = File()
            parent.put(**{name: entry})
        self._written[id(entry)] = 0

    def _write(self, step: Step) -> None:
        file = self._entry(step.path)
        assert isinstance(file, File)
        if step.call == "cut":
            del file.now[step.offset or 0 :]
            return
        offset = step.offset
        if offset is None:
            offset = self._written[id(file)]
            self._written[id(file)] = offset + len(step.content)
        file.now[offset : offset + len(step.content)] = step.content

    def _parent(self, path: str) -> tuple[Folder, str]:
        folder, _, name = path.rpartition("/")
        entry = self._entry(folder)
        assert isinstance(entry, Folder), path
        return entry, name

    def _entry(self, path: str) -> File | Folder:
        entry: File | Folder = self.top
        for name in path.split("/") if path else ():
            assert isinstance(entry, Folder), path
            entry = entry.now[name]
        return entry


def _write_folder(folder: Folder, place: Path, chance: random.Random, keep: float) -> None:
    place.mkdir(exist_ok=True)
    entries = dict(folder.synced)
    for change in folder.changes:
        if chance.random() < keep:
            _apply(entries, change)
    for name, entry in entries.items():
        if isinstance(entry, Folder):
            _write_folder(entry, place / name, chance, keep)
        else:
            (place / name).write_bytes(_content(entry, chance, keep))


def _content(file: File, chance: random.Random, keep: float) -> bytes:
    now, synced = bytes(file.now), file.synced
    if synced == now or chance.random() < keep:
        return now
    if synced is not None:
        return synced
    return now[: chance.randrange(len(now) + 1)]
