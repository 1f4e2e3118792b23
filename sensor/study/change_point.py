"""Did a series of daily counts begin to be larger? A change point, by likelihood ratio and parametric bootstrap."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensor.study.count_model import (
    Design,
    draw_counts,
    estimate_autocorrelation,
    estimate_dispersion,
    fit_means,
)

Array = NDArray[np.float64]

EDGE_DAYS = 5
"""A change nearer than this to either end is not looked for."""
LEVEL = 0.05
_ENOUGH = 10
"""A resampling stops once this many resamples are at least as extreme: its p-value is settled (Besag and
Clifford 1991)."""
_FIRST_ROUND = 99
_MOST_RESAMPLES = 40_000
_SURER = 4
_AT_ONCE = 2_000
_STEPS = 10
"""Iterations of a fit from nothing."""
_DEFAULT_DISPERSION = 0.1
_MEMORIES = (0.0, 0.2, 0.4, 0.6, 0.8)
"""Correlations of neighbouring days that are tried to find the one that looks like the data's."""
_CALIBRATION_DRAWS = 100
_TOLD_FROM_POISSON = 0.2
"""Variance beyond Poisson's, as a part of it, from which on it can be measured."""


@dataclass(frozen=True)
class Change:
    """The likeliest day of a change and how likely so large a one is by chance.

    Attributes
    ----------
    day
        Position among the observed days of the first day of the new level.
    p_value
        Not corrected for the number of series.
    """

    day: int
    p_value: float


@dataclass(frozen=True)
class NullModel:
    """Every series as it would be without any change: means, dispersion, correlation of neighbouring days."""

    means: Array
    dispersion: Array
    autocorrelation: float
    design: Design


def find_changes(names: Sequence[str], counts: Array, design: Design, seed: int) -> list[Change]:
    """Test each series for an upward step.

    Parameters
    ----------
    names
        Of the series: each has random numbers of its own, whatever else is tested.
    counts
        Shape (series, days).
    design
        Of the days.
    seed
        Of the random numbers.
    """
    null = fit_null(counts, design)
    observed, days = step_statistics(counts, null.means, null.dispersion)
    p_values = _bootstrap(names, observed, null, seed)
    return [Change(int(day), float(p)) for day, p in zip(days, p_values, strict=True)]


def fit_null(counts: Array, design: Design) -> NullModel:
    """Fit the model without a change; what varies beyond it is measured with the likeliest step taken out.

    Fitted terms follow the days and take away part of the variation and of its memory. How much is found
    by drawing from the model and measuring the draws in the same way.
    """
    dispersion = _dispersion(counts, design)
    stepped = _stepped(counts, dispersion, design)
    measured = estimate_autocorrelation(counts, stepped, dispersion)
    means = fit_means(counts, dispersion, design, steps=_STEPS)
    correlation, inflation = _unbiased(measured, means, dispersion, design)
    dispersion = dispersion * inflation
    return NullModel(fit_means(counts, dispersion, design, steps=_STEPS), dispersion, correlation, design)


def measure_dispersion(counts: Array, design: Design) -> float:
    """Dispersion of one series with its likeliest step taken out, shape (1, days)."""
    return float(_dispersion(counts, design)[0])


def _dispersion(counts: Array, design: Design) -> Array:
    """Dispersion of each series.

    Where the days before the likeliest step are empty they say nothing about it, so such a series takes the
    larger of its own and the others' median.
    """
    dispersion = np.full(len(counts), _DEFAULT_DISPERSION)
    for _ in range(3):
        means, days = _stepped_with_days(counts, dispersion, design)
        own = estimate_dispersion(counts, means, design.terms.shape[1] + 1)
        empty = np.array([row[:day].sum() == 0 for row, day in zip(counts, days, strict=True)])
        pool = own[~empty]
        pooled = float(np.median(pool)) if len(pool) else _DEFAULT_DISPERSION
        dispersion = np.where(empty, np.maximum(own, pooled), own)
    return dispersion


def _stepped(counts: Array, dispersion: Array, design: Design) -> Array:
    return _stepped_with_days(counts, dispersion, design)[0]


def _stepped_with_days(counts: Array, dispersion: Array, design: Design) -> tuple[Array, NDArray[np.int64]]:
    """Means with the likeliest step of each series, and its day."""
    # Without a trend, which would bend itself to the step that is to be found.
    flat = fit_means(counts, dispersion, design.without_trend(), steps=_STEPS)
    _, days = step_statistics(counts, flat, dispersion)
    return fit_means(counts, dispersion, design.with_steps(days), steps=_STEPS), days


def _unbiased(measured: float, means: Array, dispersion: Array, design: Design) -> tuple[float, float]:
    """Memory that would be measured as it was, and by how much the dispersion is then measured too small."""
    varied = np.flatnonzero(dispersion * means.mean(axis=1) > _TOLD_FROM_POISSON)
    if not len(varied):
        return 0.0, 1.0
    # One series stands for all: the one of median dispersion among those whose noise is not Poisson's alone.
    typical = int(varied[np.argsort(dispersion[varied], kind="stable")[len(varied) // 2]])
    own, one = float(dispersion[typical]), design.of(typical)
    seen, sizes = [], []
    for true in _MEMORIES:
        drawn = draw_counts(means[typical], own, true, _CALIBRATION_DRAWS, np.random.default_rng(0))
        spread = np.full(len(drawn), own)
        fitted = _stepped(drawn, spread, one)
        spread = estimate_dispersion(drawn, fitted, design.terms.shape[1] + 1)
        seen.append(estimate_autocorrelation(drawn, fitted, np.maximum(spread, 1e-6)))
        sizes.append(float(np.mean(spread)) / own)
    memory = float(np.interp(measured, np.maximum.accumulate(seen), _MEMORIES))
    return memory, 1 / max(float(np.interp(memory, _MEMORIES, sizes)), 0.2)


def step_statistics(counts: Array, means: Array, dispersion: Array) -> tuple[Array, NDArray[np.int64]]:
    """Largest likelihood ratio of an upward step on given means, and its day.

    Counts and means are both weighed by one over variance to mean, and then the ratio is that of two Poisson
    levels, which has a closed form.

    Returns
    -------
    ratio : ndarray
        Shape (series,); 0 where no step upward fits better than none.
    day : ndarray
        Position of the first day of the new level.
    """
    weights = 1 / (1 + dispersion[:, None] * means)
    seen, expected = np.cumsum(counts * weights, axis=1), np.cumsum(means * weights, axis=1)
    edge = min(EDGE_DAYS, counts.shape[1] // 3)
    places = slice(edge - 1, counts.shape[1] - edge)
    before, mean_before = seen[:, places], expected[:, places]
    after, mean_after = seen[:, -1:] - before, expected[:, -1:] - mean_before
    ratio = _deviance(before, mean_before) + _deviance(after, mean_after)
    # In products, so that nothing is divided by a level of zero.
    ratio = np.where(after * mean_before > before * mean_after, ratio, 0.0)
    best = np.argmax(ratio, axis=1)
    return ratio[np.arange(len(ratio)), best], best + edge


def _deviance(seen: Array, expected: Array) -> Array:
    expected = np.maximum(expected, 1e-9)
    logs = np.log(np.maximum(seen, 1e-12) / expected)
    return 2 * np.where(seen > 0, seen * logs - (seen - expected), expected)


def _bootstrap(names: Sequence[str], observed: Array, null: NullModel, seed: int) -> Array:
    """P-values by resampling; each series as long as it takes.

    After a first round only those go on that the correction for their number may still tell from chance.
    """
    size = len(names)
    drawn, extreme = np.zeros(size, int), np.zeros(size, int)
    generators = [np.random.default_rng([seed, zlib.crc32(name.encode())]) for name in names]
    extreme[observed <= 0], drawn[observed <= 0] = _ENOUGH, _ENOUGH
    wanted = np.where(drawn > 0, 0, _FIRST_ROUND)
    while (open_ones := np.flatnonzero((extreme < _ENOUGH) & (drawn < wanted))).size:
        for row in open_ones.tolist():
            number = min(int(wanted[row] - drawn[row]), _AT_ONCE)
            extreme[row] += _count_extreme(row, number, observed[row], null, generators[row])
            drawn[row] += number
        if not ((extreme < _ENOUGH) & (drawn < wanted)).any():
            wanted = _more_wanted(extreme, drawn)
    return _p_values(extreme, drawn)


def _p_values(extreme: NDArray[np.int64], drawn: NDArray[np.int64]) -> Array:
    return np.where(extreme >= _ENOUGH, extreme / np.maximum(drawn, 1), (extreme + 1) / (drawn + 1))


def _more_wanted(extreme: NDArray[np.int64], drawn: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many resamples each series should have: more, where its rank's threshold is still within reach."""
    p_values, size = _p_values(extreme, drawn), len(extreme)
    order = np.argsort(p_values, kind="stable")
    thresholds = LEVEL * np.arange(1, size + 1) / size
    passed = np.flatnonzero(p_values[order] <= thresholds)
    # The correction steps up: whoever ranks before one that passes has passed as well.
    decided = int(passed[-1]) + 1 if len(passed) else 0
    wanted = np.zeros(size, int)
    if decided:
        # What has passed is resampled on, so that its p-value does not lie just below the level by design.
        wanted[order[:decided]] = math.ceil(_SURER / thresholds[decided - 1])
    for rank in range(decided, size):
        row = order[rank]
        if extreme[row] < _ENOUGH and extreme[row] <= thresholds[rank] * drawn[row]:
            needed = math.ceil(2 * (extreme[row] + 1) / thresholds[rank])
            wanted[row] = min(max(needed, 2 * drawn[row]), _MOST_RESAMPLES)
    return wanted


def _count_extreme(
    row: int, draws: int, observed: float, null: NullModel, generator: np.random.Generator
) -> int:
    means, dispersion = null.means[row], float(null.dispersion[row])
    counts = draw_counts(means, dispersion, null.autocorrelation, draws, generator)
    spread = np.full(draws, dispersion)
    start = np.broadcast_to(means, counts.shape)
    fitted = fit_means(counts, spread, null.design.of(row), steps=2, start=start)
    ratios, _ = step_statistics(counts, fitted, spread)
    return int((ratios >= observed).sum())


def locate(counts: Array, dispersion: float, design: Design) -> int:
    """The day at which a step, fitted together with trend and days of the week, is likeliest.

    Parameters
    ----------
    counts
        Of one series, shape (days,).
    dispersion
        Of that series.
    design
        Of that series.
    """
    edge = min(EDGE_DAYS, design.days // 3)
    candidates = np.arange(edge, design.days - edge + 1)  # the first day of the new level
    repeated = np.broadcast_to(counts, (len(candidates), len(counts)))
    spread = np.full(len(candidates), dispersion)
    means = fit_means(repeated, spread, design.with_steps(candidates), steps=25)
    return int(candidates[np.argmax(_log_likelihood(repeated, means, dispersion))])


def _log_likelihood(counts: Array, means: Array, dispersion: float) -> Array:
    """Negative-binomial log likelihood of each row, without the part that does not depend on the means."""
    shape = 1 / max(dispersion, 1e-6)
    return np.asarray((counts * np.log(means) - (counts + shape) * np.log1p(means / shape)).sum(axis=1))


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, so that of those below a level at most that part is false."""
    order = sorted(range(len(p_values)), key=lambda number: p_values[number])
    corrected = [1.0] * len(p_values)
    smallest = 1.0
    for rank in range(len(order), 0, -1):
        number = order[rank - 1]
        smallest = min(smallest, p_values[number] * len(p_values) / rank)
        corrected[number] = smallest
    return corrected
