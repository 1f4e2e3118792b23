"""How precisely each record is told: as finely as at least k inside hosts share it.

Records are put into cells, level after level, each level less precise than the one before. On each of them the
records that no finer level took are grouped; a group with at least k hosts is a cell, and the rest goes on. On some
levels a group that is too small takes in the smallest cells that lie within it, until it has k hosts. On the last
level, where everything is one group, it always does; with fewer hosts than k altogether nothing is told.

Every record is thus in one cell, and no number is ever told but sums of whole cells. Whatever is added to or
subtracted from whatever else is therefore about whole cells again, each with at least k hosts: differencing has
nothing to find.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        Of each cell: on which it was found or joined.
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


@dataclass(frozen=True)
class Grouping:
    """One level: the group of each row, and whether a group that is too small takes cells in.

    Where it does, each group of every level before lies within one of its groups.
    """

    groups: Integers
    takes_in: bool = False


def tell(levels: Sequence[Grouping], host: Integers, counts: NDArray[np.bool_], k: int) -> Told:
    """Put rows into cells of at least k hosts.

    Parameters
    ----------
    levels
        The most precise first.
    host
        Whose row it is.
    counts
        Whether the row's host counts. One that only carries on what began elsewhere does not.
    k
        Fewest hosts of a cell.
    """
    cell = np.full(len(host), WITHHELD, np.int64)
    level_of: list[int] = []
    who = Who(host, counts)
    for level, grouping in enumerate(levels):
        rows = np.flatnonzero(cell == WITHHELD)
        groups = grouping.groups
        taken = rows[(hosts_of_groups(groups[rows], host[rows], counts[rows]) >= k)[groups[rows]]]
        numbers, place = np.unique(groups[taken], return_inverse=True)
        cell[taken] = len(level_of) + place
        level_of += [level] * len(numbers)
        if grouping.takes_in:
            for joined in _joined(cell, groups, who, k):
                cell[joined] = len(level_of)
                level_of.append(level)
    return _numbered_anew(cell, np.array(level_of, np.int64))


@dataclass(frozen=True)
class Who:
    """Host of each row, and whether it counts."""

    host: Integers
    counts: NDArray[np.bool_]

    def among(self, rows: Integers) -> set[int]:
        """Hosts that count in some rows."""
        return set(self.host[rows[self.counts[rows]]].tolist())


def hosts_of_groups(groups: Integers, host: Integers, counts: NDArray[np.bool_]) -> Integers:
    """How many distinct hosts that count each group has."""
    width = int(host.max(initial=0)) + 1
    pairs = np.unique(groups[counts] * width + host[counts])
    return np.bincount(pairs // width, minlength=int(groups.max(initial=-1)) + 1)


def _joined(cell: Integers, groups: Integers, who: Who, k: int) -> Iterator[Integers]:
    """Rows of each new cell: what is left over of a group with the smallest cells within it."""
    left = np.unique(groups[cell == WITHHELD])
    order = np.argsort(groups, kind="stable")
    starts, ends = (np.searchsorted(groups[order], left, side) for side in ("left", "right"))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        rows = order[start:end]
        parts = [rows[cell[rows] == WITHHELD]]
        hosts = who.among(parts[0])
        for number in _smallest_first(cell[rows], who.host[rows], who.counts[rows]):
            if len(hosts) >= k:
                break
            parts.append(rows[cell[rows] == number])
            hosts |= who.among(parts[-1])
        if len(hosts) >= k:
            yield np.concatenate(parts)


def _smallest_first(cell: Integers, host: Integers, counts: NDArray[np.bool_]) -> list[int]:
    numbers, place = np.unique(cell, return_inverse=True)
    sizes = hosts_of_groups(place.astype(np.int64), host, counts)
    order = np.lexsort((numbers, sizes))
    return [int(numbers[one]) for one in order if numbers[one] != WITHHELD]


def _numbered_anew(cell: Integers, level: Integers) -> Told:
    """Close the gaps that cells left which were taken in."""
    kept = cell != WITHHELD
    numbers, place = np.unique(cell[kept], return_inverse=True)
    found = np.full(len(cell), WITHHELD, np.int64)
    found[kept] = place
    return Told(found, level[numbers])
