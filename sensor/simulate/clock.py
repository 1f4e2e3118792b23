"""When things happen: the window in slots of five minutes, their local time, and what was observed of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from sensor.simulate.scenario import Moment, Scenario, Traffic

SLOT_S = 300
SLOT_NS = SLOT_S * 1_000_000_000

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Clock:
    """The window of a scenario, from midnight to midnight of its time zone.

    Attributes
    ----------
    start_s : int
        Seconds since 1970 UTC of the first slot.
    day : array of int, one a slot
        Day of the scenario, from 0.
    rate : array of float, one a slot
        Relative expected number of flows by hour, weekday and growth, loss and gaps taken off.
    kept : array of float, one a slot
        Part of the packets that was kept; 0 in a gap.
    """

    start_s: int
    day: Integers
    rate: Numbers
    kept: Numbers

    def slots_of(self, day: int) -> slice:
        """The slots of a day."""
        first, stop = np.searchsorted(self.day, [day, day + 1])
        return slice(int(first), int(stop))

    def slot(self, moment_s: float) -> int:
        """The slot that begins at or after a moment; before the window it is the first."""
        return max(0, -int((self.start_s - moment_s) // SLOT_S))


def make_clock(scenario: Scenario) -> Clock:
    """Lay out the slots of a scenario."""
    zone = ZoneInfo(scenario.timezone)
    start_s = seconds(scenario.start, zone)
    end_s = seconds(scenario.start + timedelta(days=scenario.days), zone)
    times = [datetime.fromtimestamp(at, zone) for at in range(start_s, end_s, SLOT_S)]
    day = np.array([(time.date() - scenario.start).days for time in times])
    hours, weekdays = np.array(scenario.rhythm.hours), np.array(scenario.rhythm.weekdays)
    rate = (
        hours[[time.hour for time in times]] / hours.sum()
        * weekdays[[time.weekday() for time in times]] / weekdays.sum()
        * np.exp(scenario.rhythm.growth_per_day * day)
    )  # fmt: skip
    clock = Clock(start_s, day, rate, np.ones(len(day)))
    for loss in scenario.loss:
        clock.kept[_span(clock, loss.start, loss.end, zone)] *= 1.0 - loss.ratio
    for gap in scenario.gap:
        clock.kept[_span(clock, gap.start, gap.end, zone)] = 0.0
    return Clock(start_s, day, rate * clock.kept, clock.kept)


def seconds(moment: Moment, zone: ZoneInfo) -> int:
    """Seconds since 1970 UTC; a day is its midnight in the zone."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=zone)
    return int(moment.astimezone(UTC).timestamp())


def activity(scenario: Scenario, traffic: Traffic, clock: Clock) -> Numbers:
    """What of a kind's full rate there is in each slot: ``before`` until it starts, then 1."""
    found = np.ones(len(clock.day))
    if traffic.starts is not None:
        found[: clock.slot(seconds(traffic.starts, ZoneInfo(scenario.timezone)))] = traffic.before
    return found


def day_of_start(scenario: Scenario, moment: Moment) -> date:
    """The scenario's day on which a moment lies."""
    zone = ZoneInfo(scenario.timezone)
    return datetime.fromtimestamp(seconds(moment, zone), zone).date()


def _span(clock: Clock, start: Moment, end: Moment, zone: ZoneInfo) -> slice:
    return slice(clock.slot(seconds(start, zone)), clock.slot(seconds(end, zone)))
