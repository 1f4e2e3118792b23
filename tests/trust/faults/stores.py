"""Commands that can be killed, and what the stores that they leave come to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensor.store import read_runs
from sensor.store.engine.duckdb import connect
from sensor.store.integrity import look_at_everything
from sensor.store.place import place_of
from sensor.store.swap import visible_segments

ROOT = Path(__file__).resolve().parents[3]
CAPTURE = ROOT / "tests/golden/captures/demo.pcap"
WORKERS = ("--workers", "1")
"""With several, which of them counts a frame that no block holds is chance: rows of the accounting would differ."""
SMALL = 25
"""Rows of a segment, so that a short replay writes many and compacts them."""
TABLES = ("flows", "dns", "hosts", "accounting")

Rows = dict[str, Counter[tuple[Any, ...]]]


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, negative where it was killed, how long it took, what it said."""

    status: int
    seconds: float
    said: str
    acknowledged: dict[str, int]


class Commands:
    """Runs commands of the program one after another, each a process that can be killed."""

    def __init__(self, folder: Path) -> None:
        self._output = folder / "output"
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.trust.faults.zygote"],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(
        self, *words: str | Path, kill_after_s: float | None = None, segment_rows: int | None = SMALL
    ) -> Ended:
        """Run a command to its end, or until it is killed so many seconds after it began."""
        assert self._zygote.stdin is not None
        acknowledged = Path(f"{self._output}.acknowledged")
        acknowledged.unlink(missing_ok=True)
        told = {
            "words": [str(word) for word in words], "output": str(self._output),
            "segment_rows": segment_rows, "kill_after_s": kill_after_s,
        }  # fmt: skip
        began = time.monotonic()
        self._zygote.stdin.write(json.dumps(told) + "\n")
        self._zygote.stdin.flush()
        status = self._answer()
        seconds = time.monotonic() - began
        return Ended(status, seconds, self._output.read_text(), _acknowledged(acknowledged))

    def close(self) -> None:
        """Let go of the process that forks."""
        assert self._zygote.stdin is not None
        self._zygote.stdin.close()
        self._zygote.wait(30)

    def _answer(self) -> int:
        assert self._zygote.stdout is not None
        return int(self._zygote.stdout.readline())


@contextmanager
def commands(folder: Path) -> Iterator[Commands]:
    """Commands to run, ended at the end."""
    running = Commands(folder)
    try:
        yield running
    finally:
        running.close()


def replay_words(store: Path, *more: str) -> list[str]:
    """The words of a replay of the demo capture."""
    return ["replay", str(CAPTURE), "--store", str(store), *WORKERS, *more]


def rows_of(store: Path) -> Rows:
    """All rows of a store, as often as they are there."""
    with connect(store) as connection:
        return {table: Counter(_plain(connection.sql(_select(table)).fetchall())) for table in TABLES}


def count_of(rows: Rows) -> dict[str, int]:
    """How many rows of each table."""
    return {table: found.total() for table, found in rows.items()}


def check(store: Path, *, is_finished: bool = True) -> None:
    """Assert that every segment is whole; and, of a finished store, that nothing is under way in it."""
    place = place_of(store)
    segments = visible_segments(place, TABLES)
    faults = [fault for segment in segments if (fault := look_at_everything(place, segment)) is not None]
    assert not faults
    runs = read_runs(store)
    if is_finished:
        assert all(run.complete for run in runs)
        assert not [segment for segment in place.segments(TABLES) if segment.state]


def _select(table: str) -> str:
    # Integers of nanoseconds: Python's own times end at microseconds.
    return f"SELECT COLUMNS(*)::VARCHAR FROM {table}"


def _plain(rows: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield from rows


def _acknowledged(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    lines = (line.split() for line in path.read_text().splitlines())
    return {table: int(rows) for table, rows in lines}
