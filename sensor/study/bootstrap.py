"""Intervals for shares and medians from days that hang together.

Days of a network are neither independent nor alike: weekends, runs of busy days. A circular block bootstrap
(Politis and Romano 1992) draws whole weeks instead of days. Studentised (Götze and Künsch 1996) on the scale
of log odds, its intervals keep closer to their level with a hundred days than percentiles do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BLOCK_DAYS = 7
FEWEST_DAYS = 8
"""With fewer days than this no interval is given."""
_LEVELS = (0.025, 0.975)
_NORMAL = 1.959963984540054
_CELLS = 4_000_000
"""Resamples times columns handled at once: bounds the memory."""


class Interval(TypedDict):
    """A number and its 95 % interval; the ends are None where there is too little to tell."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Bootstrap:
    """Resamples of the days of a study, drawn once and used for every number.

    Attributes
    ----------
    days
        Number of days in the period.
    resamples
        How many times they are drawn.
    seed
        Of the draws.
    """

    days: int
    resamples: int = 2000
    seed: int = 0

    @property
    def block_days(self) -> int:
        """Length of a block: a week, or a quarter of a short study."""
        return min(BLOCK_DAYS, max(1, self.days // 4))

    @property
    def blocks(self) -> int:
        """How many blocks make a resample."""
        return -(-self.days // self.block_days)

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """First day of each block of each resample."""
        generator = np.random.default_rng([self.seed, self.days])
        return generator.integers(0, self.days, size=(self.resamples, self.blocks))

    @cached_property
    def draws(self) -> Array:
        """How often each day begins a block, a row a resample; shape (resamples, days)."""
        flat = (np.arange(self.resamples)[:, None] * self.days + self._starts).ravel()
        counted = np.bincount(flat, minlength=self.resamples * self.days)
        return counted.reshape(self.resamples, self.days).astype(np.float64)

    def block_sums(self, by_day: Array) -> Array:
        """Sum of the block that begins on each day, around the end of the period; rows are days."""
        wrapped = np.concatenate([by_day, by_day[: self.block_days - 1]])
        sums = np.cumsum(np.concatenate([np.zeros_like(by_day[:1]), wrapped]), axis=0)
        return np.asarray(sums[self.block_days :] - sums[: -self.block_days])

    def shares(self, parts: Array, whole: Array) -> list[Interval]:
        """Intervals of the shares of each column in the whole.

        Parameters
        ----------
        parts
            Counts, shape (days, columns).
        whole
            What they are parts of, shape (days,) or (days, columns).

        Returns
        -------
        list of Interval
            One a column. Without anything in the whole, all of it None.
        """
        width = max(1, _CELLS // self.resamples)
        found: list[Interval] = []
        for begin in range(0, parts.shape[1], width):
            columns = slice(begin, begin + width)
            of = whole if whole.ndim == 1 else whole[:, columns]
            found += self._shares(parts[:, columns], of)
        return found

    def share(self, part: Array, whole: Array) -> Interval:
        """Interval of one share; see `shares`."""
        return self.shares(part[:, None], whole)[0]

    def ratios(self, upper: tuple[Array, Array], lower: tuple[Array, Array]) -> list[Interval]:
        """Intervals of one share over another, both of the same days; each is (parts, whole).

        Percentiles of the logarithm's resamples, moved outward as in `median`.
        """
        value = _log_share(np.ones((1, self.days)), *upper) - _log_share(np.ones((1, self.days)), *lower)
        value = np.exp(value[0])
        if self.days < FEWEST_DAYS:
            return [_interval(float(one), None) for one in value]
        sums = [tuple(map(self.block_sums, pair)) for pair in (upper, lower)]
        drawn = _log_share(self.draws, *sums[0]) - _log_share(self.draws, *sums[1])
        low, high = np.exp(np.quantile(drawn, self._widened_levels, axis=0))
        return [
            _interval(float(one), (float(least), float(most)))
            for one, least, most in zip(value, low, high, strict=True)
        ]

    def _shares(self, parts: Array, whole: Array) -> list[Interval]:
        whole = np.broadcast_to(whole[:, None], parts.shape) if whole.ndim == 1 else whole
        part, total = parts.sum(axis=0), whole.sum(axis=0)
        value = np.divide(part, total, out=np.zeros_like(part), where=total > 0)
        ends = None
        if self.days >= FEWEST_DAYS and self.resamples:
            ends = self._ends(parts, whole)
        return [
            _interval(
                float(value[column]) if total[column] > 0 else None,
                None if ends is None or total[column] <= 0 else (ends[0][column], ends[1][column]),
            )
            for column in range(parts.shape[1])
        ]

    def _ends(self, parts: Array, whole: Array) -> tuple[Array, Array]:
        """Low and high end of each column, by the bootstrap-t on the scale of log odds."""
        part_sums, whole_sums = self.block_sums(parts), self.block_sums(whole)
        # Every block that begins on any day, weighed so that together they count each day once.
        everywhere = np.full((1, self.days), self.blocks / self.days)
        here = _log_odds(everywhere, part_sums, whole_sums, self.blocks)
        there = _log_odds(self.draws, part_sums, whole_sums, self.blocks)
        standard = (there.value - here.value) / there.error
        low, high = np.quantile(standard, _LEVELS, axis=0)
        # Where the noise of counting is larger than what the days show, resamples of days are too alike.
        low, high = np.minimum(low, -_NORMAL), np.maximum(high, _NORMAL)
        value, error = here.value[0], here.error[0]
        return _share_of(value - high * error), _share_of(value - low * error)

    def median(self, by_day: Array) -> Interval:
        """Interval of the median day, by widened percentiles; NaN are days that were not observed."""
        seen = by_day[~np.isnan(by_day)]
        if not len(seen):
            return {"value": None, "low": None, "high": None}
        value = float(np.median(seen))
        if self.days < FEWEST_DAYS:
            return _interval(value, None)
        low, high = np.nanquantile(self.medians(by_day), self._widened_levels)
        return _interval(value, (float(low), float(high)))

    @cached_property
    def _widened_levels(self) -> tuple[float, float]:
        """Percentiles moved outward as far as Student's t lies outside the normal distribution.

        With as many degrees of freedom as there are blocks, less one (Hesterberg 2015).
        """
        from scipy.special import ndtr, stdtrit  # scipy.stats takes seconds to import

        freedom = max(self.blocks - 1, 1)
        tail = float(ndtr(np.sqrt(self.blocks / freedom) * stdtrit(freedom, _LEVELS[0])))
        return tail, 1 - tail

    def medians(self, by_day: Array) -> Array:
        """Median of each resample; NaN days are left out, a resample of them alone is NaN."""
        days = (self._starts[:, :, None] + np.arange(self.block_days)) % self.days
        drawn = by_day[days.reshape(self.resamples, -1)]
        empty = np.isnan(drawn).all(axis=1)
        drawn[empty] = np.nanmedian(by_day)
        return np.asarray(np.nanmedian(drawn, axis=1))


@dataclass(frozen=True)
class _LogOdds:
    value: Array
    error: Array


def _log_odds(draws: Array, part_sums: Array, whole_sums: Array, blocks: int) -> _LogOdds:
    """Log odds of the shares in each resample with their standard error, by Taylor linearisation.

    Half a flow is added to the part and to the rest, so that a resample without either has odds. The
    variance between blocks is not believed when it is smaller than that of independent flows.
    """
    part, whole = draws @ part_sums, draws @ whole_sums
    squares = draws @ part_sums**2, draws @ (part_sums * whole_sums), draws @ whole_sums**2
    whole = np.maximum(whole, 1e-9)
    share = np.clip(part / whole, 0.0, 1.0)
    between = squares[0] - 2 * share * squares[1] + share**2 * squares[2]
    variance = np.maximum(between, 0.0) * blocks / max(blocks - 1, 1) / whole**2
    scale = np.minimum(part + 0.5, whole + 0.5)
    rest = np.maximum(whole - part, 0.0) + 0.5
    smooth = scale / (scale + rest)
    variance = np.maximum(variance, smooth * (1 - smooth) / (scale + rest))
    return _LogOdds(np.log(scale / rest), np.sqrt(variance) / (smooth * (1 - smooth)))


def _log_share(draws: Array, parts: Array, whole: Array) -> Array:
    """Logarithm of the shares in each resample; half a flow keeps empty ones finite."""
    return np.asarray(np.log(draws @ parts + 0.5) - np.log(draws @ whole + 1.0)[:, None])


def _share_of(log_odds: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -700, 700))))


def _interval(value: float | None, ends: tuple[float, float] | None) -> Interval:
    if value is None or ends is None:
        return {"value": value, "low": None, "high": None}
    return {"value": value, "low": min(float(ends[0]), value), "high": max(float(ends[1]), value)}
