"""Onsets: what is found, where, and that nothing is found where nothing happens."""

import numpy as np
import pytest

from sensor.study.change_point import benjamini_hochberg, find_changes, fit_null, locate
from sensor.study.count_model import (
    Design,
    draw_counts,
    estimate_dispersion,
    fit_means,
    make_design,
)

DAYS = 97


def design(hours: np.ndarray | None = None) -> Design:
    return make_design(np.arange(DAYS), 5, (np.full(DAYS, 24.0) if hours is None else hours)[None, :] / 24)


def quiet(generator: np.random.Generator, series: int, mean: float) -> np.ndarray:
    """A weekly cycle, a trend that doubles, days that take after the day before; no change."""
    day = np.arange(DAYS)
    shape = mean * np.exp(0.7 * day / DAYS) * (1 + 0.25 * np.cos(2 * np.pi * day / 7))
    common = np.zeros(DAYS)
    for one in day[1:]:
        common[one] = 0.6 * common[one - 1] + 0.8 * generator.standard_normal()
    means = shape * np.exp(0.2 * common)
    return generator.poisson(means * generator.gamma(50, 1 / 50, (series, DAYS))).astype(float)


def test_a_service_that_begins_is_found_on_its_day() -> None:
    generator = np.random.default_rng(1)
    counts = np.vstack([quiet(generator, 30, 40.0), np.zeros((1, DAYS))])
    counts[30, 46:] = generator.poisson(25, DAYS - 46)
    changes = find_changes([f"s{number}" for number in range(31)], counts, design(), seed=1)
    corrected = benjamini_hochberg([change.p_value for change in changes])
    assert [number for number, p in enumerate(corrected) if p <= 0.05] == [30]
    dispersion = fit_null(counts, design()).dispersion[30]
    assert locate(counts[30], float(dispersion), design()) == 46


def test_a_rise_is_placed_within_a_day() -> None:
    generator = np.random.default_rng(2)
    placed = []
    for _ in range(20):
        counts = generator.poisson(10, DAYS).astype(float)
        counts[60:] = generator.poisson(40, DAYS - 60)
        placed.append(locate(counts, 0.02, design()))
    assert np.mean(np.abs(np.array(placed) - 60) <= 1) >= 0.95


def test_nothing_is_found_where_nothing_begins() -> None:
    generator = np.random.default_rng(3)
    false_alarms = 0
    for seed in range(20):
        counts = quiet(generator, 15, 30.0)
        changes = find_changes([f"s{number}" for number in range(15)], counts, design(), seed)
        false_alarms += min(benjamini_hochberg([change.p_value for change in changes])) <= 0.05
    assert false_alarms <= 2


def test_hours_not_observed_are_no_fall() -> None:
    generator = np.random.default_rng(4)
    hours = np.full(DAYS, 24.0)
    hours[:40] = 6.0  # the sensor slept three quarters of each day
    counts = generator.poisson(40 * hours / 24, (10, DAYS)).astype(float)
    changes = find_changes([f"s{number}" for number in range(10)], counts, design(hours), seed=1)
    assert min(benjamini_hochberg([change.p_value for change in changes])) > 0.05


def test_a_series_does_not_depend_on_the_others_random_numbers() -> None:
    generator = np.random.default_rng(5)
    counts = quiet(generator, 3, 30.0)
    names = ["a", "b", "c"]
    assert find_changes(names, counts, design(), 1) == find_changes(names, counts, design(), 1)


def test_benjamini_hochberg_by_hand() -> None:
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert benjamini_hochberg([]) == []


def test_means_follow_the_days_of_the_week() -> None:
    week = np.array([10.0, 20, 30, 40, 50, 60, 70])
    weekday = (np.arange(DAYS) + 5) % 7
    counts = week[weekday][None, :]
    fitted = fit_means(counts, np.array([0.0]), design(), steps=30)
    assert fitted == pytest.approx(counts, rel=0.02)


def test_dispersion_is_recovered() -> None:
    generator = np.random.default_rng(6)
    means = np.full((200, DAYS), 50.0)
    counts = np.array([draw_counts(row, 0.1, 0.0, 1, generator)[0] for row in means])
    assert estimate_dispersion(counts, means, 0).mean() == pytest.approx(0.1, rel=0.1)


def test_draws_remember_the_day_before() -> None:
    draws = draw_counts(np.full(DAYS, 1000.0), 0.1, 0.6, 400, np.random.default_rng(7))
    assert draws.mean() == pytest.approx(1000, rel=0.02)
    assert draws.var() == pytest.approx(1000 + 0.1 * 1000**2, rel=0.1)
    neighbours = np.mean([np.corrcoef(row[1:], row[:-1])[0, 1] for row in draws])
    assert neighbours == pytest.approx(0.6, abs=0.06)
