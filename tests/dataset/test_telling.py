"""Whatever rows there are, each is in one cell of at least k hosts, or its whole base group is withheld."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.dataset.telling import WITHHELD, group, tell

ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(-1, 3), st.integers(-1, 2), st.integers(0, 7), st.booleans()),
    min_size=1,
    max_size=60,
)


@given(ROWS, st.integers(2, 5))
def test_every_cell_has_k_hosts(rows: list[tuple[int, int, int, int, bool]], k: int) -> None:
    day, first, second, host, counts = (np.array(column) for column in zip(*rows, strict=True))
    levels = [group([day, first, second]), group([day, first]), group([day])]
    told = tell(levels, host, counts.astype(bool), k)
    for cell in set(told.cell.tolist()) - {WITHHELD}:
        rows_of_cell = told.cell == cell
        assert len(set(host[rows_of_cell & counts].tolist())) >= k
        level = levels[told.level[cell]]
        assert len(set(level[rows_of_cell].tolist())) == 1, "a cell is told on its level"
    for base in set(day.tolist()):
        mine = day == base
        enough = len(set(host[mine & counts].tolist())) >= k
        withheld = told.cell[mine] == WITHHELD
        assert withheld.all() if not enough else not withheld.any()
    # Rows that no level tells apart are told alike.
    alike = {}
    for place, cell in zip(levels[0].tolist(), told.cell.tolist(), strict=True):
        assert alike.setdefault(place, cell) == cell


def test_what_is_left_over_takes_the_smallest_cells_in() -> None:
    # A: hosts 0-4, B: hosts 0-2 (three of k = 3), C: host 7 alone.
    first = np.array([0] * 5 + [1] * 3 + [2])
    host = np.array([0, 1, 2, 3, 4, 0, 1, 2, 7])
    told = tell([group([first]), np.zeros(9, np.int64)], host, np.ones(9, bool), 3)
    assert told.cell.tolist() == [0] * 5 + [1] * 4
    assert told.level.tolist() == [0, 1]


def test_numbers_of_groups_follow_the_codes() -> None:
    assert group([np.array([1, 0, 1]), np.array([-1, 5, 2])]).tolist() == [1, 0, 2]


@pytest.mark.parametrize("k", [2, 9])
def test_nothing_is_told_of_nobody(k: int) -> None:
    told = tell([np.zeros(0, np.int64)], np.zeros(0, np.int64), np.zeros(0, bool), k)
    assert told.cell.tolist() == []
