"""Use by day and by hour of the week, in the study's time zone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.study.context import Context
from sensor.study.facts import sums
from sensor.study.gather import Hours

_TOP = 5
HOURS_OF_WEEK = 7 * 24


def timeline(context: Context) -> dict[str, Any]:
    """Every day with its first services, and flows by hour of the week, Monday first."""
    week = (
        hour_of_week(context.gathered.hours, context.gathered.days[0].weekday())
        if context.gathered.days
        else None
    )
    return {
        "daily": _daily(context),
        "hour_of_week": (np.zeros((7, 24)) if week is None else week).astype(int).tolist(),
    }


def hour_of_week(hours: Hours, first_weekday: int) -> NDArray[np.float64]:
    """Flows by weekday and hour, shape (7, 24); the period's first day is that weekday, Monday being 0."""
    slot = (hours.day + first_weekday) % 7 * 24 + hours.hour
    return sums(slot, hours.flows, HOURS_OF_WEEK).reshape(7, 24)


def _daily(context: Context) -> list[dict[str, Any]]:
    facts = context.facts
    services = facts.by_day("service")
    words = facts.words("service")
    totals = facts.total_by_day(), facts.total_by_day("bytes")
    packets = sums(facts.day, facts.packets, len(facts.days))
    found = []
    for number, day in enumerate(facts.days):
        # Words are sorted, so of services with equal flows the first of the alphabet comes first.
        first = np.argsort(-services[number], kind="stable")[:_TOP]
        found.append(
            {
                "day": day.isoformat(),
                "flows": int(totals[0][number]),
                "bytes": int(totals[1][number]),
                "packets": int(packets[number]),
                "top": [
                    {"service": words[column], "flows": int(services[number, column])}
                    for column in first
                    if services[number, column]
                ],
            }
        )
    return found
