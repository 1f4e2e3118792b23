"""Measures of likeness by hand, and the test of difference."""

import numpy as np
import pytest

from sensor.study.distance import PERSISTENCE, correlation, jensen_shannon, rank_biased_overlap
from sensor.study.similarity import MEASURES, compare, permutation_test, rarefied

BY_NAME = {measure.name: measure for measure in MEASURES}


def test_jensen_shannon_of_the_same_and_of_strangers() -> None:
    one = np.array([[1.0, 1, 0, 0], [1, 1, 0, 0]])
    other = np.array([[2.0, 2, 0, 0], [0, 0, 5, 1]])
    assert jensen_shannon(one, other) == pytest.approx([0.0, 1.0])


def test_jensen_shannon_by_hand() -> None:
    # P = (1, 0), Q = (1/2, 1/2), M = (3/4, 1/4).
    expected = (np.log2(4 / 3) + 0.5 * np.log2(2 / 3) + 0.5 * np.log2(2)) / 2
    assert jensen_shannon(np.array([[1.0, 0]]), np.array([[1.0, 1]])) == pytest.approx([expected])


def test_rank_biased_overlap_of_equal_orders_is_one() -> None:
    counts = np.array([[9.0, 5, 3, 0]])
    assert rank_biased_overlap(counts, counts * 2) == pytest.approx([1.0])
    assert rank_biased_overlap(np.array([[1.0, 0]]), np.array([[0.0, 1]])) == pytest.approx([0.0])


def test_rank_biased_overlap_by_hand() -> None:
    # Orders a b and b a: nothing in common at depth 1, everything at depth 2.
    found = rank_biased_overlap(np.array([[2.0, 1]]), np.array([[1.0, 2]]))
    assert found == pytest.approx([(1 - PERSISTENCE) * PERSISTENCE + PERSISTENCE**2])


def test_correlation_of_a_flat_profile_is_none() -> None:
    found = correlation(np.array([[1.0, 2, 3], [5, 5, 5]]), np.array([[2.0, 4, 6], [1, 2, 3]]))
    assert found == pytest.approx([1.0, 0.0])


def test_rarefying_keeps_the_number_and_the_shares() -> None:
    drawn = rarefied(np.array([900.0, 100]), 100, np.random.default_rng(1))
    assert set(drawn.sum(axis=1)) == {100.0}
    assert drawn.mean(axis=0) == pytest.approx([90, 10], abs=1)


def blocks(generator: np.random.Generator, shares: np.ndarray, size: int) -> np.ndarray:
    return generator.multinomial(size, shares, size=14).astype(float)


def test_a_tiny_block_of_the_same_habits_is_not_called_different() -> None:
    generator = np.random.default_rng(2)
    shares = 1 / np.arange(1, 40)
    shares /= shares.sum()
    rejected = 0
    for _ in range(20):
        first, second = blocks(generator, shares, 3000), blocks(generator, shares, 40)
        rejected += permutation_test(first, second, BY_NAME["jensen_shannon"], generator) <= 0.05
    assert rejected <= 3


def test_other_habits_are_found_and_lie_outside_the_reference() -> None:
    generator = np.random.default_rng(3)
    shares = 1 / np.arange(1, 40)
    shares /= shares.sum()
    first, second = blocks(generator, shares, 3000), blocks(generator, shares[::-1], 300)
    for name in ("jensen_shannon", "rank_biased_overlap"):
        found = compare(first, second, BY_NAME[name], generator)
        assert found["p_value"] <= 0.01
        outside = found["value"] > found["reference_high"] or found["value"] < found["reference_low"]
        assert outside


def test_too_few_weeks_are_not_tested() -> None:
    assert permutation_test(np.ones((3, 5)), np.ones((3, 5)), MEASURES[0], np.random.default_rng(1)) is None
