"""Use by day and by hour of the week, in the study's time zone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.study.context import Context
from sensor.study.facts import Facts, sums
from sensor.study.gather import Hours

_TOP = 15
HOURS_OF_WEEK = 7 * 24


def timeline(context: Context, sites: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Every day with what was used first on it, and flows by hour of the week, Monday first.

    Parameters
    ----------
    context
        The study.
    sites
        The first sites of each day.
    """
    week = (
        hour_of_week(context.gathered.hours, context.gathered.days[0].weekday())
        if context.gathered.days
        else None
    )
    return {
        "daily": _daily(context, sites),
        "hour_of_week": (np.zeros((7, 24)) if week is None else week).astype(int).tolist(),
    }


def hour_of_week(hours: Hours, first_weekday: int) -> NDArray[np.float64]:
    """Flows by weekday and hour, shape (7, 24); the period's first day is that weekday, Monday being 0."""
    slot = (hours.day + first_weekday) % 7 * 24 + hours.hour
    return sums(slot, hours.flows, HOURS_OF_WEEK).reshape(7, 24)


def _daily(context: Context, sites: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    facts = context.facts
    totals = facts.total_by_day(), facts.total_by_day("bytes")
    packets = sums(facts.day, facts.packets, len(facts.days))
    firsts = {dimension: _first(facts, dimension) for dimension in ("service", "country", "category")}
    return [
        {
            "day": day.isoformat(),
            "flows": int(totals[0][number]),
            "bytes": int(totals[1][number]),
            "packets": int(packets[number]),
            "top": firsts["service"][number],
            "sites": sites[number],
            "countries": firsts["country"][number],
            "categories": firsts["category"][number],
        }
        for number, day in enumerate(facts.days)
    ]


def _first(facts: Facts, dimension: str) -> list[list[dict[str, Any]]]:
    """The most frequent words of a dimension on each day."""
    words, counts = facts.words(dimension), facts.by_day(dimension)
    # Words are sorted, so of words with equal flows the first of the alphabet comes first.
    return [
        [
            {dimension: words[column], "flows": int(day[column])}
            for column in np.argsort(-day, kind="stable")[:_TOP]
            if day[column]
        ]
        for day in counts
    ]
