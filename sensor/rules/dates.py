"""Dates of rules as nanoseconds since 1970 UTC, the time packets carry."""

from datetime import UTC, date, datetime, timedelta

from sensor.rules.mistake import TextError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_DAY = date(1678, 1, 1)
LAST_DAY = date(2261, 12, 31)
"""Days outside cannot be told in 64 bits of nanoseconds."""


def parse_day(value: object) -> date:
    """Return a day or, of a time with an offset, the time (a ``datetime`` is a ``date``).

    Raises
    ------
    TextError
        The value is neither, or lies outside what nanoseconds can tell.
    """
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, date):
        raise TextError("not a date", "write a day such as 2017-04-01")
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise TextError("a time without an offset", "write it in UTC, such as 2017-04-01T12:00:00Z")
    if not FIRST_DAY <= date(moment.year, moment.month, moment.day) <= LAST_DAY:
        raise TextError("a date out of range", f"use dates from {FIRST_DAY} to {LAST_DAY}")
    return moment


def first_ns(day: date) -> int:
    """Return the first nanosecond of a day, or the nanosecond of a time."""
    return _nanoseconds(
        day if isinstance(day, datetime) else datetime(day.year, day.month, day.day, tzinfo=UTC)
    )


def end_ns(day: date) -> int:
    """Return the first nanosecond behind a day, or the nanosecond of a time."""
    return first_ns(day if isinstance(day, datetime) else day + timedelta(days=1))


def day_of(nanoseconds: int) -> str:
    """Return the UTC day or time of a nanosecond, ISO 8601."""
    moment = _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    text = moment.isoformat().replace("+00:00", "Z")
    return text.removesuffix("T00:00:00Z")


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
