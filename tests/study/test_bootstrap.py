"""Intervals: their values by hand, their level by simulation with a fixed seed."""

import numpy as np
import pytest

from sensor.study.bootstrap import Bootstrap


def test_the_value_is_the_ratio_of_sums() -> None:
    parts = np.array([[1.0, 0.0], [3.0, 2.0]] * 10)
    found = Bootstrap(20, 200).shares(parts, np.array([10.0, 10.0] * 10))
    assert [one["value"] for one in found] == [0.2, 0.1]
    assert all(one["low"] < one["value"] < one["high"] for one in found)


def test_block_sums_go_round_the_end() -> None:
    days = np.arange(1.0, 9.0)  # blocks of two days
    sums = Bootstrap(8, 200).block_sums(days[:, None])[:, 0]
    assert sums.tolist() == [3, 5, 7, 9, 11, 13, 15, 9]


def test_a_constant_share_has_nothing_but_the_noise_of_counting() -> None:
    whole = np.full(97, 1000.0)
    found = Bootstrap(97, 500, seed=3).share(whole * 0.2, whole)
    binomial = 1.96 * (0.2 * 0.8 / whole.sum()) ** 0.5
    assert found["high"] - found["low"] == pytest.approx(2 * binomial, rel=0.2)


def test_few_days_have_no_interval_and_nothing_no_value() -> None:
    assert Bootstrap(7, 200).share(np.ones(7), np.full(7, 2.0)) == {"value": 0.5, "low": None, "high": None}
    assert Bootstrap(20, 200).share(np.zeros(20), np.zeros(20))["value"] is None


def test_a_part_never_seen_has_an_upper_end() -> None:
    found = Bootstrap(97, 200).share(np.zeros(97), np.full(97, 10.0))
    assert found["value"] == 0
    assert found["low"] == 0
    assert 0 < found["high"] < 0.02


def test_resamples_depend_on_the_seed_alone() -> None:
    parts, whole = np.arange(30.0), np.full(30, 40.0)
    assert Bootstrap(30, 200, seed=1).share(parts, whole) == Bootstrap(30, 200, seed=1).share(parts, whole)
    assert Bootstrap(30, 200, seed=1).share(parts, whole) != Bootstrap(30, 200, seed=2).share(parts, whole)


def test_columns_do_not_depend_on_each_other() -> None:
    generator = np.random.default_rng(5)
    parts, whole = generator.poisson(20, (60, 3)).astype(float), np.full(60, 100.0)
    together = Bootstrap(60, 200).shares(parts, whole)
    for column, one in enumerate(together):
        assert Bootstrap(60, 200).share(parts[:, column], whole) == pytest.approx(one)


@pytest.mark.parametrize(("share", "spread"), [(0.2, 0.1), (0.01, 0.3)])
def test_the_level_is_kept_on_days_that_hang_together(share: float, spread: float) -> None:
    generator = np.random.default_rng(20)
    runs, days = 300, 97
    noise = np.zeros((days, runs))
    for day in range(days):
        fresh = generator.standard_normal(runs)
        noise[day] = 0.4 * noise[day - 1] + (1 - 0.4**2) ** 0.5 * fresh if day else fresh
    week = 1 + 0.3 * np.cos(2 * np.pi * np.arange(days) / 7)[:, None]
    total = 1500 * week * np.exp(0.2 * noise)
    parts = generator.poisson(total * share * generator.gamma(1 / spread, spread, total.shape)).astype(float)
    rest = generator.poisson(total * (1 - share)).astype(float)
    found = Bootstrap(days, 500, seed=1).shares(parts, parts + rest)
    covered = np.mean([one["low"] <= share <= one["high"] for one in found])
    assert 0.92 <= covered <= 0.98


def test_the_medians_level_is_kept() -> None:
    generator = np.random.default_rng(6)
    truth, covered = 90.0, 0
    for _ in range(200):
        days = generator.normal(truth, 5, 97).round()
        found = Bootstrap(97, 300, seed=1).median(days)
        covered += found["low"] <= truth <= found["high"]
    assert covered >= 184


def test_missing_days_are_no_days_of_nothing() -> None:
    days = np.full(30, 80.0)
    days[[3, 4, 5]] = np.nan
    assert Bootstrap(30, 200).median(days) == {"value": 80.0, "low": 80.0, "high": 80.0}


def test_a_ratio_of_shares() -> None:
    upper = np.full((30, 1), 20.0), np.full(30, 100.0)
    lower = np.full((30, 1), 10.0), np.full(30, 100.0)
    found = Bootstrap(30, 200).ratios(upper, lower)[0]
    assert found["value"] == pytest.approx(2.0, rel=0.01)
    assert found["low"] <= found["value"] <= found["high"]
