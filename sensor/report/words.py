"""Numbers as people read them. Nothing here depends on the machine's language or time zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

NOTHING = "\N{EN DASH}"
"""Stands where there is no number."""
NOT_ENOUGH = "Not enough data to answer this."

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

Interval = dict[str, Any]


def count(number: float | None) -> str:
    """A whole number with commas."""
    return NOTHING if number is None else f"{number:,.0f}"


def many(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun, such as "97 days"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def spelled(number: int) -> str:
    """A small whole number as a word, as it stands within a sentence."""
    return _SMALL_NUMBERS[number] if number < len(_SMALL_NUMBERS) else f"{number:,}"


def amount(number: float | None) -> str:
    """Bytes in the unit that keeps the number short, by powers of 1,000."""
    if number is None:
        return NOTHING
    unit, value = 0, float(number)
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return f"{value:,.0f} {_UNITS[unit]}" if unit == 0 or value >= 99.95 else f"{value:.3g} {_UNITS[unit]}"


def decimal(number: float | None, digits: int = 3) -> str:
    """A number with so many significant digits, and never with an exponent."""
    if number is None:
        return NOTHING
    if number == 0 or not abs(number) < 10**15:
        return "0" if number == 0 else f"{number:.3g}"
    if abs(number) >= 10 ** (digits - 1):
        return f"{number:,.0f}"
    places = digits - 1
    size = abs(number)
    while size < 1 and places < 9:
        size *= 10
        places += 1
    while size >= 10 and places > 0:
        size /= 10
        places -= 1
    text = f"{number:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(part: float | None) -> str:
    """A fraction in percent, with as many places as its size asks for."""
    if part is None:
        return NOTHING
    if part == 0:
        return "0 %"
    if 0 < part < 0.0001:
        return "under 0.01 %"
    places = 1 if part >= 0.01 else 2
    return f"{100 * part:.{places}f} %"


def ends(interval: Interval | None) -> tuple[float, float] | None:
    """The two ends of an interval, or None where they are not known."""
    if interval is None or interval["low"] is None or interval["high"] is None:
        return None
    return interval["low"], interval["high"]


def percent_interval(interval: Interval | None) -> str:
    """The two ends of a fraction's interval, or nothing; with one more place where they would look the same."""
    both = ends(interval)
    if both is None:
        return ""
    low, high = percent(both[0]), percent(both[1])
    if low == high and both[0] != both[1]:
        low, high = (f"{100 * end:.{2 if end >= 0.01 else 3}f} %" for end in both)
    return _between(low, high)


def number_interval(interval: Interval | None) -> str:
    """The two ends of a number's interval, or nothing."""
    both = ends(interval)
    return _between(decimal(both[0]), decimal(both[1])) if both else ""


def _between(low: str, high: str) -> str:
    if low == high:
        return f"about {low}"
    shorter = low.removesuffix(" %") if high.endswith(" %") and not low.startswith("under") else low
    return f"{shorter} to {high}"


def surely(interval: Interval | None) -> str:
    """An interval for the middle of a sentence, in brackets and with a space before it."""
    words = percent_interval(interval)
    return f" ({words})" if words else ""


def long_day(text: str | None) -> str:
    """A day in words, such as "1 April 2017"."""
    if text is None:
        return NOTHING
    day = date.fromisoformat(text)
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def day_of(text: str, found: dict[str, Any]) -> str:
    """A day in words, without its year where the whole study lies in one."""
    start, end = found["period"]["start"], found["period"]["end"]
    return long_day(text).rpartition(" ")[0] if start[:4] == end[:4] == text[:4] else long_day(text)


def weekday(text: str) -> str:
    """The name of a day's day of the week."""
    return WEEKDAYS[date.fromisoformat(text).weekday()]


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def listed(words: Sequence[str]) -> str:
    """Words in a row, with "and" before the last."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def capital(text: str) -> str:
    """The text with a capital first letter and the rest as it is."""
    return text[:1].upper() + text[1:]


def country(code: str | None) -> str:
    """A country's name in English by its ISO code; the code itself where no name is known."""
    if code is None:
        return "unknown"
    return _countries().get(code, code)


@cache
def _countries() -> dict[str, str]:
    """The names that the time zone database lists, which are in the public domain."""
    try:
        text = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    except (ModuleNotFoundError, OSError):
        return {}
    pairs = (line.split("\t", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {pair[0]: _usual.get(pair[0], pair[1].strip()) for pair in pairs if len(pair) == 2}


_usual = {"GB": "United Kingdom", "KP": "North Korea", "KR": "South Korea", "MM": "Myanmar"}
"""Names that the database writes in a way that would stand out in a sentence."""


def period(found: dict[str, Any]) -> str:
    """The days of a study, in words."""
    span = found["period"]
    if span["start"] is None:
        return "no days with data"
    zone = span["timezone"]
    if span["start"] == span["end"]:
        return f"{long_day(span['start'])} (days in {zone})"
    return f"{long_day(span['start'])} to {long_day(span['end'])} (days in {zone})"
