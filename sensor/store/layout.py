"""Where everything lies inside a store's folder, and what its files are called.

::

    store.toml                        schema version, created
    flows/day=YYYY-MM-DD/             <sensor>-<sequence>.parquet
    dns/ hosts/ accounting/           the same
    runs/<run>.json                   what was replayed
    .journal/<swap>.json              swaps of segments that are decided but not done
    .locks/                           writers, readers, maintenance, sequence numbers
    quarantine/                       broken segments at the same paths, each with a note

A file that is not finished, or not visible yet, has a hidden name that does not end in
``.parquet``, so that no engine's glob finds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sensor.errors import StoreError
from sensor.schema import TABLES

FOLDERS = (*TABLES, ".journal", ".locks", "runs")
"""What is in every store's folder besides its manifest."""
QUARANTINE = "quarantine"
"""Folder of segments that were found broken, made when there is one."""
SUFFIX = ".parquet"
WRITING = ".writing"  # by a writer, not complete
STAGED = ".staged"  # by a replacing writer, complete, visible only by its swap
MERGING = ".merging"  # by compaction, visible only by its swap

_SENSOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FINAL = re.compile(r"(?P<sensor>[A-Za-z0-9][A-Za-z0-9._-]{0,63})-(?P<sequence>\d{12})\.parquet")
_HIDDEN = re.compile(r"\.(?P<final>.+\.parquet)(?P<state>\.writing|\.staged|\.merging)")
_DAY = re.compile(r"day=(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True, order=True)
class Segment:
    """The place of one Parquet file; its name is visible unless ``state`` says otherwise."""

    table: str
    day: date
    sensor: str
    sequence: int
    state: str = ""

    @property
    def relative_path(self) -> str:
        """Path inside the store."""
        final = f"{self.sensor}-{self.sequence:012d}{SUFFIX}"
        name = f".{final}{self.state}" if self.state else final
        return f"{self.table}/day={self.day.isoformat()}/{name}"

    def visible(self) -> Segment:
        """The same segment under its visible name."""
        return Segment(self.table, self.day, self.sensor, self.sequence)


def check_sensor_name(sensor: str) -> str:
    """Return the name, or raise `ValueError` where it cannot be part of a file name."""
    if not _SENSOR.fullmatch(sensor):
        raise ValueError(
            f"sensor name {sensor!r}: use 1 to 64 letters, digits, dots, dashes or underscores, a letter or digit first"
        )
    return sensor


def parse_segment(relative_path: str) -> Segment | None:
    """Read a segment's place from its path; None for any other file."""
    parts = relative_path.split("/")
    if len(parts) != 3 or parts[0] not in TABLES:
        return None
    folder, name = _DAY.fullmatch(parts[1]), parts[2]
    state = ""
    hidden = _HIDDEN.fullmatch(name)
    if hidden:
        name, state = hidden["final"], hidden["state"]
    final = _FINAL.fullmatch(name)
    if folder is None or final is None:
        return None
    try:
        day = date.fromisoformat(folder[1])
    except ValueError:
        return None
    return Segment(parts[0], day, final["sensor"], int(final["sequence"]), state)


def list_segments(root: Path, tables: tuple[str, ...] = tuple(TABLES)) -> Iterator[Segment]:
    """Every segment of a store, hidden ones included, in no order."""
    for table in tables:
        for folder in _folders(root / table):
            for path in _files(folder):
                segment = parse_segment(f"{table}/{folder.name}/{path.name}")
                if segment is not None:
                    yield segment


def _folders(path: Path) -> list[Path]:
    try:
        return [entry for entry in path.iterdir() if entry.name.startswith("day=")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"cannot list {path}: {error.strerror}") from error


def _files(folder: Path) -> list[Path]:
    # A folder emptied and removed by retention since it was listed holds nothing.
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def journal_folder(root: Path) -> Path:
    """Folder of the decided swaps."""
    return root / ".journal"


def lock_folder(root: Path) -> Path:
    """Folder of the locks."""
    return root / ".locks"


def run_folder(root: Path) -> Path:
    """Folder of the runs."""
    return root / "runs"
