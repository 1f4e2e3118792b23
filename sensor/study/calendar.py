"""Days and hours in the study's time zone.

The store lies in UTC days. A zone is turned into the moments at which its offset changes, so that an engine
can shift times by arithmetic alone and needs no time zone data of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from sensor.store.engine.rollup import Rollups

NANOSECONDS = 1_000_000_000
_STEP = timedelta(days=7)
"""Zones keep an offset for longer than this, so looking once a step misses no change."""


@dataclass(frozen=True)
class Shift:
    """The zone's offset from a moment on."""

    since: datetime
    offset_s: int


def shifts(zone: tzinfo, first: date, last: date) -> list[Shift]:
    """Offsets of a zone between two UTC days, earliest first.

    Parameters
    ----------
    zone
        The zone.
    first, last
        UTC days, both included.
    """
    moment = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=1)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=2)
    found = [Shift(moment, _offset_s(zone, moment))]
    while moment < end:
        following = min(moment + _STEP, end)
        if _offset_s(zone, following) != found[-1].offset_s:
            change = _change_between(zone, moment, following)
            found.append(Shift(change, _offset_s(zone, change)))
        moment = following
    return found


def local_hour(engine: Rollups, column: str, zone_shifts: list[Shift]) -> str:
    """SQL for the hour of a UTC time column, counted in local time from the beginning of 1970."""
    return engine.whole(_local_ns(column, zone_shifts), 3600 * NANOSECONDS)


def local_day(engine: Rollups, column: str, zone_shifts: list[Shift]) -> str:
    """SQL for the local day of a UTC time column, as DATE or as days since 1970.

    In UTC it is the folder's, which costs nothing.
    """
    if len(zone_shifts) == 1 and zone_shifts[0].offset_s == 0:
        return "day"
    return engine.whole(_local_ns(column, zone_shifts), 86400 * NANOSECONDS)


def _local_ns(column: str, zone_shifts: list[Shift]) -> str:
    if len(zone_shifts) == 1:
        return f"({column}_ns + {zone_shifts[0].offset_s * NANOSECONDS})"
    cases = " ".join(
        f"WHEN {column}_ns >= {nanoseconds(shift.since)} THEN {shift.offset_s * NANOSECONDS}"
        for shift in reversed(zone_shifts[1:])
    )
    return f"({column}_ns + CASE {cases} ELSE {zone_shifts[0].offset_s * NANOSECONDS} END)"


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970 of a whole second."""
    return round(moment.timestamp()) * NANOSECONDS


def days_between(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def local_day_bounds(zone: tzinfo, day: date) -> tuple[datetime, datetime]:
    """First moment of a local day and of the next one, in UTC."""
    following = day + timedelta(days=1)
    begin = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    return begin, datetime(following.year, following.month, following.day, tzinfo=zone).astimezone(UTC)


def _offset_s(zone: tzinfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _change_between(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The moment, to the second, at which the offset became what it is afterwards."""
    target = _offset_s(zone, after)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if _offset_s(zone, middle) == target:
            after = middle
        else:
            before = middle
    return after
