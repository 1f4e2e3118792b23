"""What the capture missed: packets dropped, stretches without any, and how long each day was observed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.study.calendar import local_day_bounds
from sensor.study.context import Context
from sensor.study.gather import moments_of

GAP = timedelta(hours=1)
"""A longer stretch without a packet is told as a gap."""

Spell = tuple[datetime, datetime]


def loss(context: Context) -> dict[str, Any]:
    """Packets seen and dropped, and the gaps."""
    counts = context.gathered.accounting
    dropped = sum(
        counts[key] for key in ("packets_dropped_kernel", "packets_dropped_interface", "packets_dropped_store")
    )
    # Packets that the kernel or the interface dropped were never seen; those that the store lost were.
    offered = counts["packets_seen"] + dropped - counts["packets_dropped_store"]
    return {
        "packets_seen": counts["packets_seen"],
        "packets_dropped": dropped,
        "ratio": dropped / offered if offered else 0.0,
        "gaps": [
            {"start": _text(start), "end": _text(end)} for start, end in gaps(context)
        ],
    }


def gaps(context: Context) -> list[Spell]:
    """Stretches of the period of over an hour in which no packet was seen, UTC."""
    days = context.gathered.days
    if not days:
        return []
    period = local_day_bounds(context.zone, days[0])[0], local_day_bounds(context.zone, days[-1])[1]
    spells = _observed(context)
    found = []
    # Where the first or the last day was observed in part, the study just began or ended within it.
    moment = spells[0][0] if spells else period[0]
    for start, end in spells:
        if start - moment > GAP:
            found.append((moment, start))
        moment = max(moment, end)
    if not spells:
        found.append(period)
    return found


def observed_hours(context: Context) -> NDArray[np.float64]:
    """Hours of each local day that were observed; by the days with use where nothing was accounted.

    Returns
    -------
    ndarray
        Shape (days,), 0 to 24 (or 23, 25 where clocks change).
    """
    days = context.gathered.days
    spells = _observed(context)
    return hours_within(spells, gaps(context), days, context.zone)


def hours_within(
    spells: list[Spell], gone: list[Spell], days: tuple[date, ...], zone: tzinfo
) -> NDArray[np.float64]:
    """Hours of each day from the first spell to the last, without the gaps."""
    hours = np.zeros(len(days))
    if not spells:
        return hours
    begin, end = spells[0][0], max(spell[1] for spell in spells)
    for number, day in enumerate(days):
        first, last = local_day_bounds(zone, day)
        length = _overlap((first, last), (begin, end))
        lost = sum((_overlap((first, last), gap) for gap in gone), timedelta())
        hours[number] = max((length - lost) / timedelta(hours=1), 0.0)
    return hours


def _observed(context: Context) -> list[Spell]:
    """Accounted intervals, joined where they touch; without accounting the days on which there was use."""
    rows = moments_of(context.gathered.intervals)
    if rows:
        spells = [
            (start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + timedelta(seconds=length))
            for start, length in rows
        ]
    else:
        seen = sorted(set(context.gathered.hosts.day.tolist()))
        days = context.gathered.days
        spells = [local_day_bounds(context.zone, days[number]) for number in seen]
    return _joined(spells)


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
