"""Segments that a disk damaged: named, put aside, and the rest served; by every way of reading."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import sensor
import sensor.store.parquet
from sensor.export import stored_flows
from sensor.store import Compaction, compact
from sensor.store.check import check_store
from sensor.store.engine.duckdb import look_by_query
from sensor.store.integrity import look_at_everything
from sensor.store.isolated import looked_at
from sensor.store.layout import Segment, parse_segment
from sensor.store.place import place_of
from sensor.store.quarantine import broken_segments
from tests.trust.faults.stores import Commands, Rows, check, commands, replay_words, rows_of

SEED = 9
MANY = 400
Damage = Callable[[bytes], bytes]


def cut_in_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def emptied(_: bytes) -> bytes:
    return b""


def zeroed(content: bytes) -> bytes:
    return bytes(len(content))


def footer_of_noise(content: bytes) -> bytes:
    return content[:-200] + random.Random(SEED).randbytes(192) + content[-8:]


def page_of_noise(content: bytes) -> bytes:
    return content[:100] + random.Random(SEED).randbytes(2000) + content[2100:]


SEEN_AT_ONCE: tuple[Damage, ...] = (cut_in_half, emptied, zeroed, footer_of_noise)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as running:
        yield running


@pytest.fixture(scope="module")
def whole(program: Commands, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    store = tmp_path_factory.mktemp("whole") / "store"
    assert program.run(*replay_words(store), segment_rows=None).status == 0
    return store, rows_of(store)


@pytest.fixture
def store(whole: tuple[Path, Rows], tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole[0], tmp_path / "store"))


def segment_of(store: Path, table: str, number: int = 0) -> Path:
    return sorted(store.glob(f"{table}/*/*.parquet"))[number]


def damage(path: Path, how: Damage) -> str:
    path.write_bytes(how(path.read_bytes()))
    return str(path.relative_to(path.parents[2]))


@contextmanager
def read_only(store: Path) -> Iterator[None]:
    """Let a store be read only, for root too."""
    made = subprocess.run(["mount", "--bind", store, store], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"NOT TESTED: no file system can be mounted: {made.stderr}")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", store], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", store], check=True)


@pytest.mark.parametrize(("how", "number"), [(how, number % 2) for number, how in enumerate(SEEN_AT_ONCE)])
def test_a_query_serves_the_rest(program: Commands, store: Path, how: Damage, number: int) -> None:
    path = segment_of(store, "flows", number)
    rest = sensor.store.parquet.read_footer(segment_of(store, "flows", 1 - number))[0]
    name = damage(path, how)
    sql = "SELECT count(*) AS flows, max(name) AS name, max(start_time) AS last FROM flows"
    words = ("query", "--store", store, "--format", "json", sql)
    ended = program.run(*words)
    assert ended.status == 0, ended.said
    warning, _, answer = ended.said.partition("\n[")
    assert json.loads(f"[{answer}")[0]["flows"] == rest
    assert name in warning
    assert "moved to quarantine/" in warning
    assert not path.exists()
    assert (store / "quarantine" / name).exists()
    again = program.run(*words)
    assert again.said.startswith("["), "once is enough"
    assert [fault.segment.relative_path for fault in broken_segments(store)] == [name]


def test_a_damaged_page_that_is_read_is_found(program: Commands, store: Path) -> None:
    name = damage(segment_of(store, "flows"), page_of_noise)
    sql = "SELECT DISTINCT sensor, block, scope FROM flows"
    ended = program.run("query", "--store", store, "--format", "csv", sql)
    assert ended.status == 0, ended.said
    assert name in ended.said


def test_the_note_says_what_is_missing(program: Commands, store: Path) -> None:
    path = segment_of(store, "flows")
    rows = sensor.store.parquet.read_footer(path)[0]
    name = damage(path, page_of_noise)
    ended = program.run("store", "check", "--store", store)
    assert ended.status == 1
    assert name in ended.said
    assert f"{rows:,} rows, 2017-05-17T" in ended.said
    assert path.exists(), "a check changes nothing"
    assert program.run("store", "check", "--store", store, "--quarantine").status == 1
    assert not path.exists()
    (fault,) = broken_segments(store)
    assert fault.rows == rows
    assert fault.first is not None
    assert fault.first.date() == fault.segment.day


@pytest.mark.parametrize("table", ["flows", "accounting"])
def test_a_report_names_what_is_missing(program: Commands, store: Path, table: str) -> None:
    name = damage(segment_of(store, table), cut_in_half)
    for _ in range(2):
        ended = program.run("report", "--store", store, "--json", "-")
        assert ended.status == 0, ended.said
        found = json.loads(
            ended.said[ended.said.index("\n{") :] if not ended.said.startswith("{") else ended.said
        )
        assert name in found["caveats"][0]
        assert "is broken and left out" in found["caveats"][0]
        days = {"start": "2017-05-17T00:00:00Z", "end": "2017-05-18T00:00:00Z"}
        assert (days in found["loss"]["gaps"]) == (table == "flows")
    assert "quarantine" not in ended.said.partition("{")[0], "told once"


def test_other_days_are_not_blamed(program: Commands, store: Path) -> None:
    damage(segment_of(store, "flows"), cut_in_half)
    ended = program.run("report", "--store", store, "--json", "-", "--day", "2017-05-18")
    assert "broken" not in ended.said[ended.said.index("{") :]


def test_an_export_sends_the_rest(store: Path) -> None:
    expected = sensor.store.parquet.read_footer(segment_of(store, "flows", 1))[0]
    name = damage(segment_of(store, "flows"), page_of_noise)
    told: list[str] = []
    assert sum(batch.num_rows for batch in stored_flows(store, tell=told.append)) == expected
    assert name in told[0]


def test_a_program_is_warned(store: Path) -> None:
    name = damage(segment_of(store, "flows"), emptied)
    with pytest.warns(RuntimeWarning, match="broken segment"), sensor.open_store(store) as opened:  # noqa: PT031
        assert opened.days
        page = damage(segment_of(store, "dns"), page_of_noise)
        missing = opened.set_broken_aside()
        assert [text.partition(":")[0] for text in missing] == sorted([page, name])
        assert opened.dns.to_arrow_table().num_rows > 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sensor.Study(store)["caveats"][0].startswith("2 segments of the store are broken")


def test_a_store_that_may_only_be_read(program: Commands, store: Path) -> None:
    name = damage(segment_of(store, "flows"), cut_in_half)
    with read_only(store):
        ended = program.run(
            "query", "--store", store, "--format", "csv", "SELECT count(*) AS flows FROM flows"
        )
        assert ended.status == 0, ended.said
        assert name in ended.said
        assert "not moved: Read-only file system" in ended.said
        ended = program.run("report", "--store", store, "--json", "-")
        assert ended.status == 0, ended.said
        assert name in ended.said
        ended = program.run(*replay_words(store))
        assert ended.status == 1
        assert "Read-only file system" in ended.said
        assert "Traceback" not in ended.said
    assert segment_of(store, "flows").exists()


def test_a_mistake_in_a_query_is_no_damage(program: Commands, store: Path) -> None:
    for words in (
        "SELECT nothing FROM flows",
        "SELEC",
        "SELECT * FROM nowhere",
        "SELECT 'a'::INT FROM flows",
    ):
        ended = program.run("query", "--store", store, words)
        assert ended.status == 1
        assert "broken" not in ended.said
    check(store)


def test_compaction_leaves_broken_ones_alone(program: Commands, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert program.run(*replay_words(store)).status == 0
    more = program.run(
        "replay", replay_words(store)[1], "--store", store, "--workers", "1", "--sensor", "other"
    )
    assert more.status == 0
    for path in sorted(store.glob("flows/*/replay-*.parquet"))[:1]:
        shutil.copy(path, path.with_name("replay-000000009000.parquet"))
        shutil.copy(path, path.with_name("replay-000000009001.parquet"))
    short, wrong = store.glob("flows/*/replay-00000000900?.parquet")
    damage(short, cut_in_half)
    damage(wrong, page_of_noise)
    result = compact(store, Compaction())
    assert {fault.segment.sequence for fault in result.broken} == {9000, 9001}
    assert short.exists()
    assert wrong.exists()
    ended = program.run("store", "compact", "--store", store)
    assert ended.status == 0, ended.said
    assert ended.said.count("moved to quarantine/") == 2
    assert not check_store(store).broken


def test_a_broken_segment_does_not_hold_a_replacement_up(
    program: Commands, store: Path, whole: tuple[Path, Rows]
) -> None:
    name = damage(segment_of(store, "flows"), cut_in_half)
    ended = program.run(*replay_words(store, "--replace"), segment_rows=None)
    assert ended.status == 0, ended.said
    checked = check_store(store)
    assert [fault.segment.relative_path for fault in checked.broken] == [name]
    assert program.run("store", "check", "--store", store, "--quarantine").status == 1
    assert rows_of(store) == whole[1]


def flip_bits(store: Path, whole: Rows, count: int) -> None:
    """Flip a bit anywhere in a segment; a check finds it, or no row is changed by it."""
    chance = random.Random(SEED)
    paths = sorted(store.glob("*/*/*.parquet"))
    flipped: list[tuple[Path, bytes, int]] = []

    def flipping() -> Iterator[Segment]:
        """Each segment is flipped just before it is looked at."""
        for _ in range(count):
            path = chance.choice(paths)
            content = bytearray(path.read_bytes())
            flipped.append((path, bytes(content), chance.randrange(len(content))))
            content[flipped[-1][2]] ^= 1 << chance.randrange(8)
            path.write_bytes(content)
            segment = parse_segment(path.relative_to(store).as_posix())
            assert segment is not None
            yield segment

    found = 0
    for fault in looked_at(place_of(store), flipping(), (look_at_everything, look_by_query)):
        path, content, place = flipped[-1]
        found += fault is not None
        if fault is None:
            assert rows_of(store) == whole, f"{path}: a flip at {place} is not found and changes rows"
        path.write_bytes(content)
    print(f"\n{found} of {count} flipped bits found; no other changed a row")


def test_a_flipped_bit_is_found(store: Path, whole: tuple[Path, Rows]) -> None:
    flip_bits(store, whole[1], 25)


@pytest.mark.long
def test_many_flipped_bits_are_found(store: Path, whole: tuple[Path, Rows]) -> None:
    flip_bits(store, whole[1], MANY)
