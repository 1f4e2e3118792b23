"""Numbers as people read them."""

from typing import Any

import pytest

from sensor.report import words


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, words.NOTHING), (0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (123_456, "123 kB"),
        (8_193_499_507, "8.19 GB"),
        (999_999, "1 MB"), (5e21, "5,000 EB"),
    ],
)  # fmt: skip
def test_amounts(number: float | None, text: str) -> None:
    assert words.amount(number) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (None, words.NOTHING),
        (0, "0 %"),
        (0.00001, "under 0.01 %"),
        (0.0052, "0.52 %"),
        (0.1236, "12.4 %"),
        (1, "100.0 %"),
    ],
)
def test_percents(part: float | None, text: str) -> None:
    assert words.percent(part) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (None, None, ""), (0.1, 0.2, "10.0 to 20.0 %"), (0.0, 0.000001, "0 to under 0.01 %"),
        (0.0106, 0.0114, "1.06 to 1.14 %"), (0.5, 0.5, "about 50.0 %"),
    ],
)  # fmt: skip
def test_intervals(low: float | None, high: float | None, text: str) -> None:
    assert words.percent_interval({"value": low, "low": low, "high": high}) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, words.NOTHING), (0, "0"), (0.023135, "0.0231"), (17.51, "17.5"), (94.0, "94"), (1234.5, "1,234"),
        (2.0, "2"),
        (-0.5, "-0.5"), (0.8023, "0.802"),
    ],
)  # fmt: skip
def test_decimals(number: float | None, text: str) -> None:
    assert words.decimal(number) == text


@pytest.mark.parametrize(
    ("code", "name"),
    [("IN", "India"), ("KP", "North Korea"), ("XX", "XX"), (None, "unknown"), ("GB", "United Kingdom")],
)
def test_countries(code: str | None, name: str) -> None:
    assert words.country(code) == name


@pytest.mark.parametrize(
    ("listed", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists(listed: list[str], text: str) -> None:
    assert words.listed(listed) == text


def test_periods() -> None:
    span: dict[str, Any] = {"start": "2017-04-01", "end": "2017-07-06", "timezone": "Asia/Pyongyang"}
    assert words.period({"period": span}) == "1 April 2017 to 6 July 2017 (days in Asia/Pyongyang)"
    assert words.period({"period": {**span, "end": "2017-04-01"}}) == "1 April 2017 (days in Asia/Pyongyang)"
    assert words.period({"period": {**span, "start": None}}) == "no days with data"
