"""Expectations of countries, and events beside onsets."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sensor.errors import ConfigError
from sensor.rules import Event, load_events
from sensor.study import StudyOptions
from sensor.study.expectation import load_expectation, read_shares
from sensor.study.onsets import nearest_event
from tests.study.rows import flow

Report = Callable[..., dict[str, Any]]
DAYS = [date(2017, 4, 1).fromordinal(date(2017, 4, 1).toordinal() + number) for number in range(97)]


def test_the_shipped_shares_are_one_whole() -> None:
    shipped = load_expectation(None)
    assert sum(shipped.shares.values()) == pytest.approx(1, abs=1e-4)
    assert "allocated" in shipped.source


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no columns"),
        ("a,b\nIN,0.1\n", "no columns"),
        ("country,share\nIN,x\n", ":2:"),
        ("country,share\nIND,0.1\n", ":2:"),
        ("country,share\nIN,0.9\nUS,0.9\n", "add up"),
        ("country,share\nIN\n", ":2:"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "shares.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        read_shares(path)


def test_the_quotient_is_share_over_expectation(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("# remark\ncountry,share\nIN,0.1\n")
    flows = [flow(day, country=country) for day in range(20) for country in ("IN", "US", "US", "US")]
    found = report(StudyOptions(expectation=str(path), resamples=200), flows=flows)
    countries = {one["country"]: one for one in found["countries"]}
    assert countries["IN"]["quotient"]["value"] == pytest.approx(2.5)
    assert countries["IN"]["expected_source"] == "mine.csv"
    assert countries["US"]["quotient"] is None
    assert countries["US"]["expected"] is None


def test_a_block_can_be_the_expectation(report: Report) -> None:
    flows = [
        flow(day, block=block, country=country)
        for day in range(20)
        for block, countries in (("star-jv", ("IN", "IN", "US", "US")), ("satnet", ("IN", "US", "US", "US")))
        for country in countries
    ]
    found = report(StudyOptions(expectation="block:satnet", resamples=200), flows=flows)
    quotient = next(one for one in found["countries"] if one["country"] == "IN")["quotient"]
    assert quotient["value"] == pytest.approx(2.0, rel=0.03)


def test_the_event_is_the_nearest_before_that_is_about_the_series() -> None:
    events = load_events()
    found = nearest_event(date(2017, 5, 17), {"bitcoin", "cryptocurrency"}, events, DAYS)
    assert found == {"name": "WannaCry", "date": "2017-05-12", "lag_days": 5, "chance": 6 / 97}
    other = nearest_event(date(2017, 5, 17), {"Facebook"}, events, DAYS)
    assert other is not None
    assert other["name"] == "Hwasong-12 flight test"


def test_an_event_afterwards_is_no_reason() -> None:
    later = (Event("later", date(2017, 5, 18), "test"),)
    assert nearest_event(date(2017, 5, 17), {"x"}, later, DAYS) is None
