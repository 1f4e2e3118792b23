"""The main rollup in memory: counts by day and what a flow was, and matrices of it by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Measure = Literal["flows", "bytes"]
DIMENSIONS = ("block", "service", "organisation", "category", "application", "country")
UNNAMED = -1
"""Code of NULL in a dimension."""


@dataclass(frozen=True)
class Dimension:
    """One column of the facts as codes into its sorted words; -1 is NULL."""

    codes: NDArray[np.int64]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Use by day, block, service, organisation, category, application and country.

    Attributes
    ----------
    days
        Every day of the period, whether anything was seen on it or not.
    day
        Position of each row's day in `days`.
    dimensions
        Codes of the other columns.
    flows, bytes, packets
        The counts; DNS flows are not among them.
    """

    days: tuple[date, ...]
    day: NDArray[np.int64]
    dimensions: dict[str, Dimension]
    flows: NDArray[np.float64]
    bytes: NDArray[np.float64]
    packets: NDArray[np.float64]

    def measure(self, name: Measure) -> NDArray[np.float64]:
        """Return the counts of a row by flows or by bytes."""
        return self.flows if name == "flows" else self.bytes

    def words(self, dimension: str) -> tuple[str, ...]:
        """Return the sorted values of a dimension."""
        return self.dimensions[dimension].words

    def by_day(
        self, dimension: str, measure: Measure = "flows", rows: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Return a matrix of days and the words of a dimension; NULL is left out.

        Parameters
        ----------
        dimension
            Name of the dimension.
        measure
            ``flows`` or ``bytes``.
        rows
            Which rows count; all of them if not given.
        """
        which = self.dimensions[dimension]
        chosen = which.codes != UNNAMED if rows is None else (which.codes != UNNAMED) & rows
        width = len(which.words)
        flat = sums(
            self.day[chosen] * width + which.codes[chosen],
            self.measure(measure)[chosen],
            len(self.days) * width,
        )
        return flat.reshape(len(self.days), width)

    def total_by_day(
        self, measure: Measure = "flows", rows: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Return the sum of each day."""
        chosen = slice(None) if rows is None else rows
        return sums(self.day[chosen], self.measure(measure)[chosen], len(self.days))

    def crossed(self, first: str, second: str, measure: Measure = "flows") -> NDArray[np.float64]:
        """Return a matrix of the words of two dimensions; NULL in either is left out."""
        one, other = self.dimensions[first], self.dimensions[second]
        chosen = (one.codes != UNNAMED) & (other.codes != UNNAMED)
        width = len(other.words)
        flat = sums(
            one.codes[chosen] * width + other.codes[chosen],
            self.measure(measure)[chosen],
            len(one.words) * width,
        )
        return flat.reshape(len(one.words), width)

    def rows_of(self, dimension: str, words: Sequence[str]) -> NDArray[np.bool_]:
        """Return which rows have one of the words in a dimension."""
        which = self.dimensions[dimension]
        wanted = [number for number, word in enumerate(which.words) if word in set(words)]
        return np.isin(which.codes, wanted)

    def only(self, rows: NDArray[np.bool_]) -> Facts:
        """Return the same facts with some rows alone; days and words stay."""
        return Facts(
            self.days,
            self.day[rows],
            {name: Dimension(which.codes[rows], which.words) for name, which in self.dimensions.items()},
            self.flows[rows],
            self.bytes[rows],
            self.packets[rows],
        )


def sums(places: NDArray[np.int64], weights: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the sum of the weights at each place."""
    # Without any weight numpy counts instead of adding, in whole numbers.
    return np.bincount(places, weights=weights, minlength=size).astype(np.float64)


def make_facts(table: pa.Table, days: Sequence[date]) -> Facts:
    """Read the rollup's rows; those of other days are left out.

    Parameters
    ----------
    table
        Columns local_day, the dimensions, flows, bytes, packets.
    days
        Days of the period, in order.
    """
    position, inside = positions(day_numbers(table["local_day"]), days)
    table = table.filter(pa.array(inside))
    return Facts(
        tuple(days),
        position[inside],
        {name: encode(table[name]) for name in DIMENSIONS},
        numbers(table["flows"]),
        numbers(table["bytes"]),
        numbers(table["packets"]),
    )


def day_numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return days since 1970 of a column of dates or of such numbers."""
    values = column.to_numpy()
    if values.dtype.kind in "MO":
        values = values.astype("datetime64[D]")
    return np.asarray(values.astype(np.int64))


def positions(
    numbers_of_days: NDArray[np.int64], days: Sequence[date]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each day's position in the period, and whether it lies in it."""
    first = (days[0] - date(1970, 1, 1)).days if days else 0
    found = numbers_of_days - first
    return found, (found >= 0) & (found < len(days))


def encode(column: pa.ChunkedArray) -> Dimension:
    """Return a text column as codes into its sorted distinct words."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    words = encoded.dictionary.to_pylist()
    order = sorted(range(len(words)), key=lambda number: words[number])
    rank = np.zeros(len(words) + 1, np.int64)
    rank[order] = np.arange(len(words))
    rank[len(words)] = UNNAMED
    codes = pc.fill_null(encoded.indices, len(words)).to_numpy(zero_copy_only=False).astype(np.int64)
    return Dimension(rank[codes], tuple(words[number] for number in order))


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column of numbers as floating-point numbers, NULL as 0; exact up to 2 to the power of 53."""
    return np.asarray(pc.fill_null(pc.cast(column, pa.float64(), safe=False), 0.0).to_numpy())
