"""k holds in every cell, whatever is taken off whatever."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sensor.dataset.detail import COLUMNS, MARKS
from tests.dataset.records_of import Key, Record, cells_of, hosts, use_of
from tests.dataset.stores import LONE_BLOCK, LONE_NAME, OWN_NAME, K

ALL = ("day", *COLUMNS)


def rows_of(dataset: Path, table: str) -> list[dict[str, Any]]:
    return list(pq.read_table(dataset / f"data/{table}.parquet").to_pylist())


@pytest.fixture(scope="module")
def cells(store: Path, exported: Path) -> dict[Key, list[Record]]:
    return cells_of(use_of(store, frozenset([OWN_NAME])), exported)


def test_the_cells_are_of_the_records_found_for_them(exported: Path, cells: dict[Key, list[Record]]) -> None:
    rows = rows_of(exported, "use")
    assert ("withheld",) not in cells
    assert len(rows) == len(cells) > 100
    for row in rows:
        behind = cells[tuple(row[column] for column in ALL)]
        assert row["flows"] == sum(one.begins for one in behind)


def test_every_cell_has_k_hosts(cells: dict[Key, list[Record]]) -> None:
    assert min(len(hosts(records)) for records in cells.values()) >= K


def margins(cells: dict[Key, list[Record]], columns: tuple[int, ...]) -> dict[Key, set[Key]]:
    found: defaultdict[Key, set[Key]] = defaultdict(set)
    for key in cells:
        found[tuple(key[column] for column in columns)].add(key)
    return dict(found)


def nested() -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Every pair of a margin and one that divides it by one column more."""
    for size in range(len(ALL)):
        for coarse in combinations(range(len(ALL)), size):
            for more in set(range(len(ALL))) - set(coarse):
                yield coarse, tuple(sorted({*coarse, more}))


def test_no_total_less_its_told_parts_leaves_fewer_than_k(cells: dict[Key, list[Record]]) -> None:
    """Each margin, less what a finer one tells by name, and less what it tells at all."""
    who = {key: hosts(records) for key, records in cells.items()}
    attacks = 0
    for coarse, fine in nested():
        parts = margins(cells, fine)
        by_coarse: defaultdict[Key, list[set[Key]]] = defaultdict(list)
        for value, members in parts.items():
            named = not any(word in MARKS for word in value)
            place = tuple(word for column, word in zip(fine, value, strict=True) if column in coarse)
            if named:
                by_coarse[place].append(members)
        for value, members in margins(cells, coarse).items():
            for taken in (by_coarse[value], *([one] for one in by_coarse[value])):
                rest = members.difference(*taken)
                attacks += 1
                assert not rest or len(set().union(*(who[key] for key in rest))) >= K
    assert attacks > 10_000


def test_hours_divide_the_same_flows(exported: Path, cells: dict[Key, list[Record]]) -> None:
    """Tables that share a margin agree on every value of it, so that nothing is left between them."""
    use, hours = rows_of(exported, "use"), rows_of(exported, "hours")
    for margin in (("day", "block"), ("day",), ("block",), ()):
        sums: list[Counter[Key]] = [Counter(), Counter()]
        for rows, found in zip((use, hours), sums, strict=True):
            for row in rows:
                found[tuple(row[column] for column in margin)] += row["flows"]
        assert sums[0] == sums[1]
    told: dict[Key, list[Record]] = defaultdict(list)
    there = {(row["day"], row["block"], row["hour"]) for row in hours}
    for key, records in cells.items():
        for one in records:
            place = (key[0], key[1], one.hour)
            told[place if place in there else (key[0], key[1], None)].append(one)
    for row in hours:
        behind = told[row["day"], row["block"], row["hour"]]
        if row["hour"] is not None:
            assert row["flows"] == sum(one.begins for one in behind)
        assert len(hosts(behind)) >= K


def test_the_kinds_of_flows_hold_no_more_use_than_is_told(exported: Path) -> None:
    apart = rows_of(exported, "apart")
    totals = {row["what"]: row["value"] for row in rows_of(exported, "totals")}
    use = next(
        row["flows"] for row in apart
        if (row["scope"], row["tunnelled"], row["initiator"], row["answered"]) == ("external", False, "inside", True)
    )  # fmt: skip
    assert use == sum(row["flows"] for row in rows_of(exported, "use")) + totals["dns_flows"]


def test_numbers_of_addresses_differ_by_nothing_or_by_k(exported: Path) -> None:
    numbers = [row["inside_addresses"] for table in ("reach", "blocks") for row in rows_of(exported, table)]
    assert all(abs(one - other) == 0 or abs(one - other) >= K for one in numbers for other in numbers)
    assert min(row["inside_addresses"] for row in rows_of(exported, "hosts")) >= K
    assert min(row["inside_addresses"] for row in rows_of(exported, "reach")) >= K


def test_small_blocks_and_lone_names_are_told_nowhere(exported: Path) -> None:
    """Not even that there are such."""
    for path in exported.rglob("*"):
        if path.suffix == ".parquet":
            text = str(pq.read_table(path).to_pylist())
        elif path.is_file():
            text = path.read_text()
        else:
            continue
        for word in (LONE_BLOCK, LONE_NAME, "Threema", "threema", OWN_NAME):
            assert word not in text, f"{path.name} tells {word}"
