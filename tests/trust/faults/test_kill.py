"""kill -9 at any moment of a replay: the store opens, every segment is whole, and nothing acknowledged is lost.

A row is acknowledged when the write that made its segment has returned: the segment has its name, and that name is
on the disk.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.store import read_runs
from tests.trust.faults.stores import Commands, Rows, check, commands, count_of, replay_words, rows_of

SEED = 9
FEW, MANY = 12, 200


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(program: Commands, tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, float]:
    """The rows of a replay that nobody disturbs, and how long it takes."""
    times = []
    for number in range(2):
        store = tmp_path_factory.mktemp("undisturbed") / f"store{number}"
        ended = program.run(*replay_words(store))
        assert ended.status == 0, ended.said
        times.append(ended.seconds)
    check(store)
    rows = rows_of(store)
    assert count_of(rows)["flows"] > 300
    assert {name: count for name, count in count_of(rows).items() if count} == ended.acknowledged
    return rows, min(times)


def moments(count: int, longest_s: float) -> Iterator[tuple[int, float]]:
    """So many moments between the beginning and a little past the end."""
    chance = random.Random(SEED)
    yield from ((number, chance.uniform(0, 1.15 * longest_s)) for number in range(count))


def kill_replays(program: Commands, undisturbed: tuple[Rows, float], folder: Path, count: int) -> None:
    expected, longest_s = undisturbed
    killed = opened = lost_rows = 0
    for number, moment in moments(count, longest_s):
        store = folder / f"store{number}"
        ended = program.run(*replay_words(store), kill_after_s=moment)
        killed += ended.status == -9
        if (store / "store.toml").exists():
            opened += 1
            check(store, is_finished=False)
            found = rows_of(store)
            assert all(found[table] <= expected[table] for table in expected), f"strange rows, {moment} s"
            kept = count_of(found)
            assert all(kept[table] >= rows for table, rows in ended.acknowledged.items()), f"{moment} s"
            lost_rows += sum(count_of(expected).values()) - sum(kept.values())
        else:
            assert not ended.acknowledged
        again = program.run(*replay_words(store, "--replace"))
        assert again.status == 0, again.said
        assert rows_of(store) == expected, f"killed after {moment} s, not mended by a repetition"
        check(store)
        assert len(read_runs(store)) == 1
    print(
        f"\n{killed} of {count} replays killed, {opened} had a store, {lost_rows} rows in all were not yet in it"
    )
    assert killed > count / 2


def kill_replacements(program: Commands, undisturbed: tuple[Rows, float], folder: Path, count: int) -> None:
    expected, longest_s = undisturbed
    store = folder / "store"
    assert program.run(*replay_words(store)).status == 0
    killed = 0
    for _, moment in moments(count, longest_s):
        ended = program.run(*replay_words(store, "--replace"), kill_after_s=moment)
        killed += ended.status == -9
        check(store, is_finished=False)
        # The old rows or the new ones, which are the same: never both, never a part.
        assert rows_of(store) == expected, f"{moment} s"
    assert program.run(*replay_words(store, "--replace")).status == 0
    assert rows_of(store) == expected
    check(store)
    assert len(read_runs(store)) == 1
    print(f"\n{killed} of {count} replacing replays killed")


def test_a_killed_replay_is_mended_by_a_repetition(
    program: Commands, undisturbed: tuple[Rows, float], tmp_path: Path
) -> None:
    kill_replays(program, undisturbed, tmp_path, FEW)


def test_a_killed_replacement_changes_nothing_or_all(
    program: Commands, undisturbed: tuple[Rows, float], tmp_path: Path
) -> None:
    kill_replacements(program, undisturbed, tmp_path, FEW)


@pytest.mark.long
def test_replays_killed_at_200_moments(
    program: Commands, undisturbed: tuple[Rows, float], tmp_path: Path
) -> None:
    kill_replays(program, undisturbed, tmp_path, MANY)
    kill_replacements(program, undisturbed, tmp_path / "replacing", MANY)
