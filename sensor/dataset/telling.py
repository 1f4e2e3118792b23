"""How precisely each record is told: as finely as at least k inside hosts share it.

Records are put into cells, level after level, each level less precise than the one before. On each of them the
records that no finer level took are grouped; a group with at least k hosts is a cell, and the rest goes on. What is
left of a base group after the last level takes the smallest cells of its base group in, until it has k hosts.
A base group that has fewer altogether is withheld.

Every record is thus in one cell or in none, and no number is ever told but sums of whole cells. Whatever is added
to or subtracted from whatever else is therefore about whole cells again, each with at least k hosts: differencing
has nothing to find.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

WITHHELD = -1
"""Cell of a record that is not told."""


@dataclass(frozen=True)
class Told:
    """Where each row went.

    Attributes
    ----------
    cell
        Number of each row's cell, from 0 on; -1 where it is withheld.
    level
        Of each cell: on which level it was found, or the last one where cells were joined.
    """

    cell: Integers
    level: Integers


def group(columns: Sequence[Integers]) -> Integers:
    """Number the combinations of columns of codes, in order; codes are -1 or above."""
    found = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        width = int(column.max(initial=-1)) + 2
        _, found = np.unique(found * width + column + 1, return_inverse=True)
    return found.astype(np.int64)


def tell(levels: Sequence[Integers], host: Integers, counts: NDArray[np.bool_], k: int) -> Told:
    """Put rows into cells of at least k hosts.

    Parameters
    ----------
    levels
        Of each level the group of each row, the most precise first; the last one are the base groups. Each
        group of a level lies within one base group.
    host
        Whose row it is.
    counts
        Whether the row's host counts. One that only carries on what began elsewhere does not.
    k
        Fewest hosts of a cell.
    """
    cell = np.full(len(host), WITHHELD, np.int64)
    level_of: list[int] = []
    rows = np.arange(len(host))
    for level, groups in enumerate(levels):
        large = hosts_of_groups(groups[rows], host[rows], counts[rows]) >= k
        taken = large[groups[rows]] if len(rows) else np.zeros(0, bool)
        numbers, place = np.unique(groups[rows[taken]], return_inverse=True)
        cell[rows[taken]] = len(level_of) + place
        level_of += [level] * len(numbers)
        rows = rows[~taken]
    told = Told(cell, np.array(level_of, np.int64))
    for base in np.unique(levels[-1][rows]):
        _take_in(told, np.flatnonzero(levels[-1] == base), (host, counts), k)
    return _numbered_anew(told, len(levels) - 1)


def hosts_of_groups(groups: Integers, host: Integers, counts: NDArray[np.bool_]) -> Integers:
    """How many distinct hosts that count each group has."""
    width = int(host.max(initial=0)) + 1
    pairs = np.unique(groups[counts] * width + host[counts])
    return np.bincount(pairs // width, minlength=int(groups.max(initial=-1)) + 1)


def _take_in(told: Told, rows: Integers, who: tuple[Integers, NDArray[np.bool_]], k: int) -> None:
    """Join a base group's left-over rows with its smallest cells until there are k hosts; withhold it otherwise."""
    host, counts = who
    hosts: set[int] = set()
    joined = rows[told.cell[rows] == WITHHELD]
    hosts.update(host[joined[counts[joined]]].tolist())
    for number in _smallest_first(told.cell[rows], host[rows], counts[rows]):
        if len(hosts) >= k:
            break
        more = rows[told.cell[rows] == number]
        hosts.update(host[more[counts[more]]].tolist())
        joined = np.concatenate([joined, more])
    # The number is free: it is none that the levels gave.
    told.cell[joined] = len(told.level) + int(rows[0]) if len(hosts) >= k else WITHHELD


def _smallest_first(cell: Integers, host: Integers, counts: NDArray[np.bool_]) -> Iterable[int]:
    numbers, place = np.unique(cell, return_inverse=True)
    sizes = hosts_of_groups(place.astype(np.int64), host, counts)
    order = np.lexsort((numbers, sizes))
    return [int(numbers[one]) for one in order if numbers[one] != WITHHELD]


def _numbered_anew(told: Told, last: int) -> Told:
    """Close the gaps that joined cells left."""
    kept = told.cell != WITHHELD
    numbers, place = np.unique(told.cell[kept], return_inverse=True)
    cell = np.full(len(told.cell), WITHHELD, np.int64)
    cell[kept] = place
    found = np.full(len(numbers), last, np.int64)
    by_level = numbers < len(told.level)
    found[by_level] = told.level[numbers[by_level]]
    return Told(cell, found)
