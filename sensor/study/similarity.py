"""Does one block look like another? On equal numbers of flows, against halves of one block, with a test.

The test is of difference: that it does not reject means that no difference was found, not that there is none.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.study.context import Context
from sensor.study.distance import correlation, jensen_shannon, rank_biased_overlap
from sensor.study.timeline import HOURS_OF_WEEK

Array = NDArray[np.float64]

FEWEST_FLOWS = 50
"""Blocks with fewer flows are not compared."""
_MOST_FLOWS = 20_000
"""More are not drawn for a comparison."""
_FEWEST_WEEKS = 4
_DRAWS = 200
_PERMUTATIONS = 999
_EVENED = 20
"""How often the weeks are brought down to equal numbers for the test."""


@dataclass(frozen=True)
class Measure:
    """A measure of likeness: what it looks at, and which way difference lies."""

    name: str
    compare: Callable[[Array, Array], Array]
    grows_with_difference: bool


MEASURES = (
    Measure("jensen_shannon", jensen_shannon, grows_with_difference=True),
    Measure("rank_biased_overlap", rank_biased_overlap, grows_with_difference=False),
    Measure("hour_correlation", correlation, grows_with_difference=False),
)


def similarity(context: Context) -> list[dict[str, Any]]:
    """Each pair of blocks by each measure, blocks in order of the alphabet."""
    weeks = _weeks(context)
    if weeks is None:
        return []
    words = context.facts.words("block")
    found = []
    for one, other in combinations(range(len(words)), 2):
        for measure in MEASURES:
            profiles = weeks.hours if measure.name == "hour_correlation" else weeks.services
            first, second = profiles[one], profiles[other]
            if min(first.sum(), second.sum()) < FEWEST_FLOWS:
                continue
            key = zlib.crc32(f"{measure.name}:{words[one]}:{words[other]}".encode())
            generator = np.random.default_rng([context.seed, key])
            found.append(
                {
                    "a": words[one],
                    "b": words[other],
                    "measure": measure.name,
                    **compare(first, second, measure, generator),
                }
            )
    return found


def compare(first: Array, second: Array, measure: Measure, generator: np.random.Generator) -> dict[str, Any]:
    """Compare two blocks.

    Parameters
    ----------
    first, second
        Counts by week, shape (weeks, columns).
    measure
        Which.
    generator
        Of the draws.

    Returns
    -------
    dict
        ``value``: the mean over draws of equal size; ``reference_low`` and ``reference_high``: the middle
        95 % of the same between halves of the larger block, split by weeks; ``unrelated_low`` and
        ``unrelated_high``: between the larger block and the other one with its columns shuffled, so that it is
        as concentrated as it was, but on other things; ``p_value``.
    """
    larger = first if first.sum() >= second.sum() else second
    size = int(min(first.sum(), second.sum(), larger.sum() / 2, _MOST_FLOWS))
    drawn = rarefied(first.sum(axis=0), size, generator), rarefied(second.sum(axis=0), size, generator)
    shuffled = generator.permuted(drawn[1], axis=1)
    far = np.quantile(measure.compare(drawn[0], shuffled), (0.025, 0.975))
    low, high = np.quantile(measure.compare(*_halves(larger, size, generator)), (0.025, 0.975))
    return {
        "value": float(measure.compare(*drawn).mean()),
        "reference_low": float(low),
        "reference_high": float(high),
        "unrelated_low": float(far[0]),
        "unrelated_high": float(far[1]),
        "p_value": permutation_test(first, second, measure, generator),
    }


def rarefied(counts: Array, size: int, generator: np.random.Generator) -> Array:
    """Draws of so many flows without putting back, shape (draws, columns)."""
    whole = counts.astype(np.int64)
    size = min(size, int(whole.sum()))
    return generator.multivariate_hypergeometric(whole, size, size=_DRAWS, method="marginals").astype(float)


def _halves(weeks: Array, size: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Random halves of one block's weeks, both brought down to the same number of flows."""
    halves: tuple[list[Array], list[Array]] = ([], [])
    for _ in range(_DRAWS):
        order = generator.permutation(len(weeks))
        parts = weeks[order[: len(order) // 2]].sum(axis=0), weeks[order[len(order) // 2 :]].sum(axis=0)
        even = int(min(size, parts[0].sum(), parts[1].sum()))
        for half, part in zip(halves, parts, strict=True):
            drawn = generator.multivariate_hypergeometric(part.astype(np.int64), even, method="marginals")
            half.append(drawn.astype(float))
    return np.array(halves[0]), np.array(halves[1])


def permutation_test(
    first: Array, second: Array, measure: Measure, generator: np.random.Generator
) -> float | None:
    """P-value of difference: how often weeks dealt out to the blocks at random differ as much.

    Each week's flows are first brought down to the same number in both blocks; then the two are swapped or
    not. What a single draw happens to bring down to moves the p-value a lot where a block is small, so the
    measure is the mean over several, all dealt out alike. A week in which one of them has nothing does not
    count. None with fewer than four weeks.
    """
    weeks = [
        (one, other, even)
        for one, other in zip(first.astype(np.int64), second.astype(np.int64), strict=True)
        if (even := int(min(one.sum(), other.sum(), _MOST_FLOWS)))
    ]
    if len(weeks) < _FEWEST_WEEKS:
        return None
    signs = generator.choice([-1.0, 1.0], size=(_PERMUTATIONS, len(weeks)))
    signs = np.concatenate([np.ones((1, len(weeks))), signs])
    values = np.zeros(len(signs))
    for _ in range(_EVENED):
        paired = np.array(
            [
                [generator.multivariate_hypergeometric(row, even, method="marginals") for row in (one, other)]
                for one, other, even in weeks
            ],
            dtype=float,
        )
        # Not by `@`: the linear algebra library would wake its threads for each of these small products, and
        # waiting for them costs more than the product.
        dealt = np.einsum("pw,wc->pc", signs, paired[:, 0] - paired[:, 1])
        total = paired.sum(axis=(0, 1))
        values += measure.compare((total + dealt) / 2, (total - dealt) / 2) / _EVENED
    if not measure.grows_with_difference:
        values = -values
    # Rounding must not make a permutation that is the data itself look less extreme.
    return float((values[1:] >= values[0] - 1e-12).sum() + 1) / (_PERMUTATIONS + 1)


@dataclass(frozen=True)
class _Weeks:
    """Counts by block, week and column."""

    services: Array
    hours: Array


def _weeks(context: Context) -> _Weeks | None:
    """Profiles of whole weeks from the first day on; what is left over joins the last one."""
    facts, hours = context.facts, context.gathered.hours
    weeks = len(facts.days) // 7
    blocks = facts.words("block")
    if weeks < 2 or len(blocks) < 2:
        return None
    week = np.minimum(np.arange(len(facts.days)) // 7, weeks - 1)
    services = np.zeros((len(blocks), weeks, len(facts.words("service"))))
    by_hour = np.zeros((len(blocks), weeks, HOURS_OF_WEEK))
    for number, block in enumerate(blocks):
        np.add.at(services[number], week, facts.by_day("service", rows=facts.rows_of("block", [block])))
        if block in hours.block.words:
            mine = hours.block.codes == hours.block.words.index(block)
            slot = (hours.day[mine] + facts.days[0].weekday()) % 7 * 24 + hours.hour[mine]
            np.add.at(by_hour[number], (week[hours.day[mine]], slot), hours.flows[mine])
    return _Weeks(services, by_hour)
