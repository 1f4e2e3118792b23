"""Negative-binomial daily counts: log-linear fits of many series at once, and draws from them.

Counts vary more than Poisson ones: variance = mean + dispersion * mean^2. The mean has a level, a trend, the
days of the week, and observed hours as exposure. What varies beyond that may hang together from day to day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_RIDGE = 0.05
"""Weak pull of every term but the level toward nothing, so that empty days of the week have an end."""
_TREND = 1
"""Place of the trend among the terms."""
_LARGEST_STEP = 3.0
_SMALLEST_MEAN = 1e-4
_LATENT_GRID = np.linspace(-6.0, 6.0, 601)


@dataclass(frozen=True)
class Design:
    """The observed days of a study as a regression sees them.

    Attributes
    ----------
    terms
        Level, trend and days of the week, shape (days, terms).
    log_exposure
        Logarithm of what a count is proportional to, shape (series, days), or (1, days) for all alike.
    steps
        Of each series the days from its step on, shape (series, days); None without steps.
    """

    terms: Array
    log_exposure: Array
    steps: Array | None = None

    @property
    def days(self) -> int:
        """Number of observed days."""
        return len(self.terms)

    def of(self, row: int) -> Design:
        """The design of one series alone."""
        alike = len(self.log_exposure) == 1
        return self if alike else Design(self.terms, self.log_exposure[row : row + 1])

    def without_trend(self) -> Design:
        """The same without the trend."""
        return Design(np.delete(self.terms, _TREND, axis=1), self.log_exposure)

    def with_steps(self, days: NDArray[np.int64]) -> Design:
        """The same with a step of each series on a day of its own."""
        return Design(self.terms, self.log_exposure, (np.arange(self.days) >= days[:, None]).astype(float))


def make_design(positions: NDArray[np.int64], first_weekday: int, exposure: Array) -> Design:
    """Build the terms.

    Parameters
    ----------
    positions
        Observed days, counted from the first of the period.
    first_weekday
        Of the first day of the period, Monday being 0.
    exposure
        What counts are proportional to, above 0, shape (series, days) or (1, days) for all alike.
    """
    weekday = (positions + first_weekday) % 7
    # Each day of the week against the mean of all: none of them is the special one.
    weekdays = (weekday[:, None] == np.arange(6)).astype(float) - (weekday == 6)[:, None]
    span = max(float(positions[-1] - positions[0]), 1.0)
    trend = (positions - positions.mean()) / span
    terms = np.column_stack([np.ones(len(positions)), trend, weekdays])
    return Design(terms, np.log(exposure))


def fit_means(
    counts: Array, dispersion: Array, design: Design, *, steps: int, start: Array | None = None
) -> Array:
    """Fit means by iteratively reweighted least squares.

    Parameters
    ----------
    counts
        Shape (series, days).
    dispersion
        Of each series, shape (series,).
    design
        Of the days.
    steps
        Iterations; two are enough from a start that is nearly right.
    start
        Means to begin at.

    Returns
    -------
    ndarray
        Means, shape (series, days).
    """
    normal_equations = _normal_equations(design)
    exposure = np.exp(design.log_exposure)
    means = start
    if means is None:
        level = (counts.sum(axis=1) + 0.5) / exposure.sum(axis=1)
        means = level[:, None] * exposure
    logs = np.log(means) - design.log_exposure
    for _ in range(steps):
        weights = means / (1 + dispersion[:, None] * means)
        working = logs + np.clip((counts - means) / means, -_LARGEST_STEP, _LARGEST_STEP)
        logs = np.clip(normal_equations(weights, working), -20.0, 20.0)
        means = np.maximum(np.exp(logs + design.log_exposure), _SMALLEST_MEAN)
    return means


def _normal_equations(design: Design) -> Callable[[Array, Array], Array]:
    """A function of weights and working responses that solves one step for every series at once."""
    terms = design.terms
    common = terms.shape[1]
    width = common + (design.steps is not None)
    products = (terms[:, :, None] * terms[:, None, :]).reshape(len(terms), -1)
    # A hint of weight on the level keeps a series of nothing but zeros solvable.
    ridge = np.diag([1e-6] + [_RIDGE] * (width - 1))

    # Products by `einsum`, not by `@`: the linear algebra library would wake its threads for each of thousands of
    # small products, and waiting for them costs three times what the products do.
    def solve(weights: Array, working: Array) -> Array:
        normal = np.empty((len(weights), width, width))
        right = np.empty((len(weights), width, 1))
        weighted = weights * working
        normal[:, :common, :common] = np.einsum("sd,dp->sp", weights, products).reshape(-1, common, common)
        right[:, :common, 0] = np.einsum("sd,dt->st", weighted, terms)
        if design.steps is not None:
            stepped = weights * design.steps
            normal[:, common, :common] = normal[:, :common, common] = np.einsum("sd,dt->st", stepped, terms)
            normal[:, common, common] = stepped.sum(axis=1)
            right[:, common, 0] = (weighted * design.steps).sum(axis=1)
        solution = np.linalg.solve(normal + ridge, right)[:, :, 0]
        logs: Array = np.einsum("st,dt->sd", solution[:, :common], terms)
        return logs if design.steps is None else logs + solution[:, common:] * design.steps

    return solve


def estimate_dispersion(counts: Array, means: Array, terms: int) -> Array:
    """Dispersion at which Pearson's statistic equals its degrees of freedom, by bisection; never below 0."""
    freedom = max(counts.shape[1] - terms, 1)
    squares = (counts - means) ** 2
    low, high = np.zeros(len(counts)), np.full(len(counts), 100.0)
    for _ in range(40):
        middle = (low + high) / 2
        too_low = (squares / (means + middle[:, None] * means**2)).sum(axis=1) > freedom
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return np.asarray((low + high) / 2)


def estimate_autocorrelation(counts: Array, means: Array, dispersion: Array) -> float:
    """Correlation of what varies beyond Poisson noise with the day before, pooled over series; 0 to 0.9.

    Poisson noise is independent, so the covariance of neighbours is that of the latent factor alone. Too low
    by as much as the fitted means follow the days.
    """
    weights = 1.0 / (1.0 / np.maximum(means, 1.0) + dispersion[:, None])
    relative = (counts / means - 1.0) * np.sqrt(weights)
    neighbours = float((relative[:, 1:] * relative[:, :-1]).sum())
    latent = dispersion[:, None] * np.sqrt(weights[:, 1:] * weights[:, :-1])
    expected = float(latent.sum())
    if expected <= 0:
        return 0.0
    return float(np.clip(neighbours / expected, 0.0, 0.9))


def draw_counts(
    means: Array, dispersion: float, autocorrelation: float, draws: int, generator: np.random.Generator
) -> Array:
    """Draw series with given means, shape (draws, days).

    The gamma factor of each day is made of a Gaussian one that remembers the day before.
    """
    days = len(means)
    if dispersion < 1e-6:
        return generator.poisson(means, size=(draws, days)).astype(float)
    latent = generator.standard_normal((draws, days))
    fresh = np.sqrt(1 - autocorrelation**2)
    for day in range(1, days):
        latent[:, day] = autocorrelation * latent[:, day - 1] + fresh * latent[:, day]
    factor = np.interp(latent, _LATENT_GRID, _gamma_quantiles(dispersion))
    return generator.poisson(factor * means).astype(float)


def _gamma_quantiles(dispersion: float) -> Array:
    from scipy.special import gammaincinv, ndtr

    return np.asarray(gammaincinv(1 / dispersion, ndtr(_LATENT_GRID)) * dispersion)
