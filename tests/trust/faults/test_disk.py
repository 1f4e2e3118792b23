"""Disks that are full, slow, broken or not ours to write: the command says so, and what is in the store stays."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sensor.store import read_runs
from tests.trust.faults.stores import ROOT, Commands, Rows, check, commands, count_of, replay_words, rows_of
from tests.trust.faults.trace import need_strace

SEED = 9
PAGE_BYTES = 4096
NOBODY = "65534"

INJECTED = (
    "write:ENOSPC", "write:EIO", "fsync:EIO", "fsync:ENOSPC", "rename:EIO", "rename:ENOSPC", "mkdir:ENOSPC",
    "openat:ENOSPC", "openat:EMFILE", "openat:EACCES", "ftruncate:EIO", "unlink:EIO",
)  # fmt: skip
"""What fails, and how."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as running:
        yield running


@pytest.fixture(scope="module")
def whole(program: Commands, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    store = tmp_path_factory.mktemp("whole") / "store"
    assert program.run(*replay_words(store)).status == 0
    return store, rows_of(store)


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own, with bounds."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"NOT TESTED: no file system can be mounted: {made.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill_disks(program: Commands, expected: Rows, folder: Path, bounds: list[str]) -> None:
    """Replay onto disks that are too small, each until there is no room; then with room."""
    full = 0
    for number, bound in enumerate(bounds):
        with small_disk(folder / str(number), bound) as disk:
            store = disk / "store"
            ended = program.run(*replay_words(store))
            assert "Traceback" not in ended.said, ended.said
            if ended.status:
                full += 1
                assert ended.status == 1
                assert "No space left on device" in ended.said
                assert str(store) in ended.said, "it says where"
            if ended.acknowledged:
                check(store, is_finished=False)
                found = rows_of(store)
                assert all(found[table] <= expected[table] for table in found)
                kept = count_of(found)
                assert all(kept[table] >= rows for table, rows in ended.acknowledged.items())
            subprocess.run(["mount", "-o", "remount,size=64m,nr_inodes=10000", disk], check=True)
            again = program.run(*replay_words(store, "--replace"))
            assert again.status == 0, again.said
            assert rows_of(store) == expected
            check(store)
    print(f"\n{full} of {len(bounds)} disks were too small")
    assert full > len(bounds) / 3


def bounds_of(store: Path, count: int) -> list[str]:
    """Sizes and numbers of files from nothing to a little more than a store takes while it is written."""
    chance = random.Random(SEED)
    files = sum(len(names) + len(folders) for _, folders, names in os.walk(store))
    pages = sum(-(-path.stat().st_size // PAGE_BYTES) for path in store.rglob("*") if path.is_file())
    sizes = [f"size={chance.randrange(2, 2 * pages) * PAGE_BYTES}" for _ in range(count - count // 3)]
    return [*sizes, *(f"size=64m,nr_inodes={chance.randrange(2, 2 * files)}" for _ in range(count // 3))]


def test_a_full_disk(program: Commands, whole: tuple[Path, Rows], tmp_path: Path) -> None:
    fill_disks(program, whole[1], tmp_path, bounds_of(whole[0], 6))


@pytest.mark.long
def test_a_disk_full_anywhere(program: Commands, whole: tuple[Path, Rows], tmp_path: Path) -> None:
    fill_disks(program, whole[1], tmp_path, bounds_of(whole[0], 150))


def inject(
    words: list[str], what: str, when: int, log: Path
) -> tuple[subprocess.CompletedProcess[str], bool]:
    """Run a command of which one call fails; whether there was such a call."""
    call, error = what.split(":")
    done = subprocess.run(
        [
            "strace", "--follow-forks", "--seccomp-bpf", "-y", "-o", log, "-e", f"trace={call}",
            "-e", f"inject={call}:error={error}:when={when}", sys.executable, "-m", "sensor", *words,
        ],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, "(INJECTED)" in log.read_text()


def calls_on(store: Path, words: list[str], call: str, log: Path) -> list[int]:
    """The numbers of the calls that a command makes on a store."""
    inject(words, f"{call}:EIO", 60_000, log)
    lines = [line for line in log.read_text().splitlines() if re.match(rf"\d+ +{call}\(", line)]
    return [number for number, line in enumerate(lines, 1) if str(store) in line]


def fail_calls(program: Commands, expected: Rows, folder: Path, most: int) -> None:
    """Let calls of a replay fail, one in each run."""
    need_strace()
    chance = random.Random(SEED)
    failed = 0
    for what in INJECTED:
        call = what.partition(":")[0]
        log, store = folder / "log", folder / what
        numbers = calls_on(store, replay_words(store), call, log)
        for when in chance.sample(numbers, min(most, len(numbers))):
            store = folder / f"{what}-{when}"
            # Paths are longer or shorter than when the calls were counted, and nothing else.
            done, was_injected = inject(replay_words(store), what, when, log)
            failed += was_injected and done.returncode != 0
            assert done.returncode in {0, 1}, f"{what} at {when}: {done.stderr}"
            assert "Traceback" not in done.stderr, f"{what} at {when}: {done.stderr}"
            if (store / "store.toml").exists():
                check(store, is_finished=False)
                found = rows_of(store)
                assert all(found[table] <= expected[table] for table in found)
                assert done.returncode or found == expected, f"{what} at {when}: rows are lost without a word"
            again = program.run(*replay_words(store, "--replace"), segment_rows=None)
            assert again.status == 0, again.said
            assert rows_of(store) == expected
            assert len(read_runs(store)) == 1
    print(f"\n{failed} replays failed at a call")
    assert failed


@pytest.mark.long
def test_calls_that_fail(program: Commands, whole: tuple[Path, Rows], tmp_path: Path) -> None:
    fail_calls(program, whole[1], tmp_path, most=8)


def test_a_few_calls_that_fail(program: Commands, whole: tuple[Path, Rows], tmp_path: Path) -> None:
    need_strace()
    for what, when in (("fsync:EIO", 5), ("rename:ENOSPC", 3), ("write:EIO", 60)):
        store = tmp_path / what
        done, was_injected = inject(replay_words(store), what, when, tmp_path / "log")
        assert was_injected
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        check(store, is_finished=False)
        assert program.run(*replay_words(store, "--replace")).status == 0
        assert rows_of(store) == whole[1]


def test_a_slow_disk_changes_nothing(whole: tuple[Path, Rows], tmp_path: Path) -> None:
    need_strace()
    store = tmp_path / "store"
    done = subprocess.run(
        [
            "strace", "--follow-forks", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync",
            "-e", "inject=fsync:delay_enter=100ms", sys.executable, "-m", "sensor", *replay_words(store),
        ],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert rows_of(store) == whole[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can become somebody else")
def test_a_store_of_somebody_else(program: Commands) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        store = place / "store"
        assert program.run(*replay_words(store)).status == 0
        before = rows_of(store)
        for words in (replay_words(store), ["query", "--store", str(store), "SELECT 1 FROM flows"],
                      ["store", "check", "--store", str(store)], replay_words(place / "new")):  # fmt: skip
            done = subprocess.run(
                ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                 sys.executable, "-m", "sensor", *words],
                cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": folder},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode in {1, 2}, done.stderr
            assert "Permission denied" in done.stderr or "is not readable" in done.stderr
            assert "Traceback" not in done.stderr
        assert rows_of(store) == before
        check(store)


def test_a_store_that_goes_away_beneath_a_replay(program: Commands, tmp_path: Path) -> None:
    """Not put there again: what is at its place may be the wrong disk."""
    from sensor.errors import StoreError
    from sensor.store import StoreWriter
    from sensor.store.engine.duckdb import connect

    store, away = tmp_path / "store", tmp_path / "away"
    assert program.run(*replay_words(store)).status == 0
    with connect(store) as connection:
        rows = connection.sql("SELECT * FROM flows").to_arrow_table()
    writer = StoreWriter(store, "live")
    store.rename(away)
    # The engine's columns are without zones and with the day.
    from sensor.schema import arrow_schema

    batch = rows.select(arrow_schema("flows").names).cast(arrow_schema("flows")).to_batches()[0]
    writer.write("flows", batch)
    with pytest.raises(StoreError, match="No such file"):
        writer.flush()
    assert not store.exists()
    assert writer.waiting_rows == batch.num_rows
    away.rename(store)
    writer.close()
    with connect(store) as connection:
        [(total,)] = connection.sql("SELECT count(*) FROM flows").fetchall()
    assert total == rows.num_rows + batch.num_rows
