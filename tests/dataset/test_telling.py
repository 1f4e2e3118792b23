"""Whatever rows there are, each is in one cell of at least k hosts, or there are fewer altogether."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.dataset.telling import WITHHELD, Grouping, group, tell

ROWS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(-1, 3), st.integers(-1, 2), st.integers(0, 7), st.integers(0, 3)
    ),
    min_size=1,
    max_size=60,
)


@given(ROWS, st.integers(2, 5))
def test_every_cell_has_k_hosts(rows: list[tuple[int, int, int, int, int]], k: int) -> None:
    day, first, second, host, flows = (np.array(column) for column in zip(*rows, strict=True))
    everything = np.zeros(len(rows), np.int64)
    levels = [
        Grouping(group([day, first, second])),
        Grouping(group([day, first])),
        Grouping(group([first]), takes_in=True),
        Grouping(group([day])),
        Grouping(everything, takes_in=True),
    ]
    told = tell(levels, host, flows, k)
    enough = len(set(host[flows > 0].tolist())) >= k
    assert (told.cell != WITHHELD).all() if enough else (told.cell == WITHHELD).all()
    for cell in set(told.cell.tolist()) - {WITHHELD}:
        rows_of_cell = told.cell == cell
        assert len(set(host[rows_of_cell & (flows > 0)].tolist())) >= k
        level = levels[told.level[cell]].groups
        assert len(set(level[rows_of_cell].tolist())) == 1, "a cell is told on its level"
    # Rows that no level tells apart are told alike.
    alike: dict[int, int] = {}
    for place, cell in zip(levels[0].groups.tolist(), told.cell.tolist(), strict=True):
        assert alike.setdefault(place, cell) == cell


def joined(flows: list[int]) -> list[int]:
    """Cells of A (hosts 0 to 4), B (hosts 0 to 2) and C (host 7 alone), with k = 3."""
    first = np.array([0] * 5 + [1] * 3 + [2])
    host = np.array([0, 1, 2, 3, 4, 0, 1, 2, 7])
    levels = [Grouping(group([first])), Grouping(np.zeros(9, np.int64), takes_in=True)]
    return tell(levels, host, np.array(flows), 3).cell.tolist()


def test_what_is_left_over_takes_the_smallest_cells_in() -> None:
    assert joined([1] * 9) == [0] * 5 + [1] * 4


def test_half_of_the_flows_are_those_of_the_cells_taken_in() -> None:
    assert joined([1] * 8 + [4]) == [0] * 9


def test_numbers_of_groups_follow_the_codes() -> None:
    assert group([np.array([1, 0, 1]), np.array([-1, 5, 2])]).tolist() == [1, 0, 2]


@pytest.mark.parametrize("k", [2, 9])
def test_nothing_is_told_of_nobody(k: int) -> None:
    nothing = np.zeros(0, np.int64)
    assert tell([Grouping(nothing, takes_in=True)], nothing, nothing, k).cell.tolist() == []
