"""A power cut at any moment: what was acknowledged is there, and what is there is whole.

The calls of a real replay are carried out on a disk that loses what was not synced, up to a moment; the store that is
left is opened.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sensor.errors import StoreError
from sensor.store.layout import parse_segment
from sensor.store.parquet import read_footer
from tests.trust.faults.power import Disk
from tests.trust.faults.stores import SMALL, Commands, Rows, check, commands, count_of, replay_words, rows_of
from tests.trust.faults.trace import Step, need_strace, traced

SEED = 9
FEW = 12
KEPT = (0.0, 0.5, 0.9)


@dataclass
class Recorded:
    """A replay and, from where on, one that replaced it: their steps, the rows of each, and how it was done."""

    steps: list[Step]
    replaced_from: int
    rows: Rows
    folder: Path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    need_strace()
    folder = tmp_path_factory.mktemp("recorded")
    disk = folder / "disk"
    disk.mkdir()
    first = traced(disk, replay_words(disk / "store"), folder / "first.log", SMALL)
    second = traced(disk, replay_words(disk / "store", "--replace"), folder / "second.log", SMALL)
    return Recorded([*first, *second], len(first), rows_of(disk / "store"), disk)


def test_the_disk_is_the_real_one_where_nothing_is_lost(recorded: Recorded, tmp_path: Path) -> None:
    disk = Disk()
    for step in recorded.steps:
        disk.do(step)
    disk.cut(tmp_path, random.Random(SEED), keep=1)
    assert _contents(tmp_path) == _contents(recorded.folder)


def test_power_cuts(recorded: Recorded, tmp_path: Path) -> None:
    moments = random.Random(SEED).sample(_moments(recorded.steps), FEW)
    cut_power(recorded, tmp_path, sorted(moments))


@pytest.mark.long
def test_power_cuts_after_each_step(recorded: Recorded, tmp_path: Path) -> None:
    cut_power(recorded, tmp_path, _moments(recorded.steps), KEPT)


def cut_power(
    recorded: Recorded, folder: Path, moments: list[int], kept: tuple[float, ...] = (0.0, 0.5)
) -> None:
    chance = random.Random(SEED)
    disk, done, opened = Disk(), 0, 0
    with commands(folder) as program:
        for moment in moments:
            for step in recorded.steps[done:moment]:
                disk.do(step)
            done = moment
            for keep in kept:
                left = folder / "left"
                disk.cut(left, chance, keep)
                opened += _check(left / "store", recorded, moment)
                if chance.random() < 0.1:
                    _repeat(program, left / "store", recorded)
                shutil.rmtree(left)
    print(f"\n{len(moments) * len(kept)} power cuts, {opened} left a store")
    assert opened > len(moments) * len(kept) / 2


def _check(store: Path, recorded: Recorded, moment: int) -> bool:
    """Whether there is a store; then it must have what was acknowledged, and nothing strange."""
    acknowledged = _acknowledged(recorded.steps[:moment])
    try:
        found = rows_of(store)
    except StoreError as error:
        if acknowledged:
            pytest.fail(f"the store is gone at {moment}: {error}")
        return False
    check(store, is_finished=False)
    assert all(found[table] <= recorded.rows[table] for table in found), f"strange rows at {moment}"
    if moment >= recorded.replaced_from:
        assert found == recorded.rows, f"rows are missing at {moment}"
    kept = count_of(found)
    assert all(kept[table] >= rows for table, rows in acknowledged.items()), f"lost rows at {moment}"
    return True


def _repeat(program: Commands, store: Path, recorded: Recorded) -> None:
    again = program.run(*replay_words(store, "--replace"))
    assert again.status == 0, again.said
    assert rows_of(store) == recorded.rows
    check(store)


def _moments(steps: list[Step]) -> list[int]:
    """After each step but those in the middle of writing a file."""
    return [number + 1 for number, step in enumerate(steps) if step.call != "write"]


def _acknowledged(steps: list[Step]) -> Counter[str]:
    """Segments of the first replay that have their name, with the folder synced after that, and the rows in them."""
    named: dict[str, int] = {}
    rows: Counter[str] = Counter()
    content: dict[str, bytes] = {}
    for step in steps:
        segment = parse_segment(step.target.removeprefix("store/"))
        if step.call == "create":
            content[step.path] = b""
        elif step.call == "write" and step.path in content:
            content[step.path] += step.content
        elif step.call == "rename" and segment is not None and ".writing" in step.path and not segment.state:
            named[step.target] = _rows_in(content[step.path])
        elif step.call == "sync":
            for path in [path for path in named if path.rpartition("/")[0] == step.path]:
                rows[path.split("/")[1]] += named.pop(path)
    return rows


def _rows_in(content: bytes) -> int:
    import pyarrow as pa

    return read_footer(pa.BufferReader(content))[0]  # type: ignore[arg-type]


def _contents(folder: Path) -> dict[str, bytes]:
    return dict(_walk(folder))


def _walk(folder: Path) -> Iterator[tuple[str, bytes]]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            yield str(path.relative_to(folder)), path.read_bytes()


def test_the_order_of_syncs(recorded: Recorded) -> None:
    """Data before its name, a run's record before its rows, a replacement before what it replaces goes."""
    written: set[str] = set()
    unsynced_folders: set[str] = set()
    record_at = segment_at = None
    for number, step in enumerate(recorded.steps):
        folder = step.path.rpartition("/")[0]
        if step.call in {"write", "create"}:
            written.add(step.path)
        elif step.call == "sync":
            written.discard(step.path)
            unsynced_folders.discard(step.path)
        elif step.call == "rename":
            assert step.path not in written, f"renamed before it was synced: {step.path}"
            record_at = number if record_at is None and step.target.startswith("store/runs/") else record_at
            if segment_at is None and step.target.endswith(".parquet"):
                segment_at = number
            unsynced_folders.add(folder)
        elif step.call == "remove" and not folder.endswith((".locks", ".journal", "runs")):
            # What goes has been replaced, and by what is on the disk.
            assert "store/.journal" not in unsynced_folders, (
                f"removed before its swap was synced: {step.path}"
            )
            unsynced_folders.add(folder)
        elif step.call == "remove" and folder.endswith(".journal") and not step.path.endswith(".tmp"):
            assert not unsynced_folders - {"store/.journal"}, f"the journal goes before {unsynced_folders}"
    assert record_at is not None
    assert segment_at is not None
    assert record_at < segment_at
