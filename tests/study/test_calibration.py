"""Ten seeds of the calibration, with thresholds that ten can hold; `make calibrate` runs a hundred."""

from __future__ import annotations

import pytest

from tests.study.calibration import Tally, calibrate, markdown

SEEDS = range(1, 11)
FLOWS = 40_000


@pytest.fixture(scope="module")
def model() -> Tally:
    return calibrate("model-2017", FLOWS, SEEDS, processes=2)


@pytest.fixture(scope="module")
def null() -> Tally:
    return calibrate("null", FLOWS, SEEDS, processes=2)


def test_intervals_hold_what_was_planted(model: Tally) -> None:
    assert model.mean >= 93
    # Of so many numbers at 95 %, hardly one is held by fewer than six of ten.
    assert min(model.held[name] for name in model.truth) >= 6


def test_the_onset_is_found_on_its_day(model: Tally) -> None:
    assert model.exact == {"bitcoin": 10}


def test_where_nothing_begins_hardly_anything_is_found(null: Tally) -> None:
    # At a chance of 0.11 a seed, more than four of ten come once in two hundred times.
    assert len(null.false_onsets) <= 4


def test_the_tables_name_every_number(model: Tally, null: Tally) -> None:
    text = markdown(model, null, (FLOWS, FLOWS))
    assert all(f"| {name} |" in text for name in model.truth)
