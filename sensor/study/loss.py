"""What the capture missed: packets dropped, stretches without any, and how long each day was observed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.study.calendar import local_day_bounds
from sensor.study.facts import numbers
from sensor.study.gather import Gathered

GAP = timedelta(hours=1)
"""A longer stretch without a packet is told as a gap; a shorter one if a live sensor was started at its end."""

Spell = tuple[datetime, datetime]


@dataclass(frozen=True)
class Observation:
    """When the sensor was watching.

    Attributes
    ----------
    spells
        Stretches of time with packets, UTC, in order.
    gaps
        Stretches of the period of over an hour without one, and all that a live sensor's start ended.
    hours
        Hours of each local day that were observed, shape (days,).
    """

    spells: list[Spell]
    gaps: list[Spell]
    hours: NDArray[np.float64]


def observe(gathered: Gathered, zone: tzinfo) -> Observation:
    """Find out when the sensor was watching: by its accounting, else by the days on which there was use."""
    days = gathered.days
    spells = _spells(gathered, zone)
    found = find_gaps(spells, days, zone)
    return Observation(spells, found, hours_within(spells, found, days, zone))


def loss(gathered: Gathered, observation: Observation) -> dict[str, Any]:
    """Packets seen and dropped, and the gaps."""
    counts = gathered.accounting
    unseen = counts["packets_dropped_kernel"] + counts["packets_dropped_interface"]
    dropped = unseen + counts["packets_dropped_store"]
    # What the kernel or the interface dropped was never seen; what the store lost was.
    offered = counts["packets_seen"] + unseen
    return {
        "packets_seen": counts["packets_seen"],
        "packets_dropped": dropped,
        "ratio": dropped / offered if offered else 0.0,
        "gaps": [{"start": _text(start), "end": _text(end)} for start, end in observation.gaps],
    }


def find_gaps(spells: list[Spell], days: tuple[date, ...], zone: tzinfo) -> list[Spell]:
    """Stretches between the spells that are gaps; the whole period where there is no spell at all.

    Where the first or the last day was observed in part, the study just began or ended within it.
    """
    if not days:
        return []
    if not spells:
        return [(local_day_bounds(zone, days[0])[0], local_day_bounds(zone, days[-1])[1])]
    return [(before[1], after[0]) for before, after in pairwise(spells) if _is_gap(before[1], after[0])]


def _is_gap(start: datetime, end: datetime) -> bool:
    """Whether it is long; or a sensor began at its end, which then was not watching before, however short."""
    return end - start > GAP or end.second > 0 or end.microsecond > 0


def hours_within(
    spells: list[Spell], gone: list[Spell], days: tuple[date, ...], zone: tzinfo
) -> NDArray[np.float64]:
    """Hours of each day from the first spell to the last, without the gaps."""
    hours = np.zeros(len(days))
    if not spells:
        return hours
    whole = spells[0][0], spells[-1][1]
    for number, day in enumerate(days):
        bounds = local_day_bounds(zone, day)
        lost = sum((_overlap(bounds, gap) for gap in gone), timedelta())
        hours[number] = max((_overlap(bounds, whole) - lost) / timedelta(hours=1), 0.0)
    return hours


def _spells(gathered: Gathered, zone: tzinfo) -> list[Spell]:
    starts, lengths = gathered.intervals["time_ns"], gathered.intervals["interval_s"]
    if not len(starts):
        seen = gathered.hosts.days_seen()
        return _joined([local_day_bounds(zone, gathered.days[number]) for number in seen])
    begin = starts.to_numpy().astype(np.int64) // 1000
    end = begin + (numbers(lengths) * 1e6).astype(np.int64)
    # Rows come in order of time: a spell ends where the next row begins after all that came before it.
    reached = np.maximum.accumulate(end)
    cuts = np.flatnonzero(begin[1:] > reached[:-1]) + 1
    firsts, lasts = begin[np.r_[0, cuts]], reached[np.r_[cuts - 1, len(end) - 1]]
    return [(_moment(first), _moment(last)) for first, last in zip(firsts, lasts, strict=True)]


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(microseconds))


def _joined(spells: list[Spell]) -> list[Spell]:
    joined: list[Spell] = []
    for start, end in sorted(spells):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def _overlap(one: Spell, other: Spell) -> timedelta:
    return max(min(one[1], other[1]) - max(one[0], other[0]), timedelta())


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
