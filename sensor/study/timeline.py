"""Use by day and by hour of the week, in the study's time zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.study.context import Context
from sensor.study.facts import sums
from sensor.study.gather import Hours
from sensor.study.site_days import SiteDays
from sensor.study.sites import shown_name

_TOP = 15
HOURS_OF_WEEK = 7 * 24
_DETAIL = ("service", "country", "category")


def timeline(context: Context, site_days: SiteDays) -> dict[str, Any]:
    """Every day with what was first on it, and flows by hour of the week, Monday first.

    Parameters
    ----------
    context
        The study.
    site_days
        The first sites of each day.
    """
    week = (
        hour_of_week(context.gathered.hours, context.gathered.days[0].weekday())
        if context.gathered.days
        else None
    )
    return {
        "daily": _daily(context, site_days),
        "hour_of_week": (np.zeros((7, 24)) if week is None else week).astype(int).tolist(),
    }


def hour_of_week(hours: Hours, first_weekday: int) -> NDArray[np.float64]:
    """Flows by weekday and hour, shape (7, 24); the period's first day is that weekday, Monday being 0."""
    slot = (hours.day + first_weekday) % 7 * 24 + hours.hour
    return sums(slot, hours.flows, HOURS_OF_WEEK).reshape(7, 24)


def _daily(context: Context, site_days: SiteDays) -> list[dict[str, Any]]:
    facts = context.facts
    totals = facts.total_by_day(), facts.total_by_day("bytes")
    packets = sums(facts.day, facts.packets, len(facts.days))
    detail = {key: (facts.by_day(key), facts.words(key)) for key in _DETAIL}
    found = []
    for number, day in enumerate(facts.days):
        first = {key: _first(key, flows[number], words) for key, (flows, words) in detail.items()}
        found.append(
            {
                "day": day.isoformat(),
                "flows": int(totals[0][number]),
                "bytes": int(totals[1][number]),
                "packets": int(packets[number]),
                "top": first["service"],
                "sites": [
                    {"site": shown_name(site), "flows": flows} for site, flows in site_days.get(day, [])
                ],
                "countries": first["country"],
                "categories": first["category"],
            }
        )
    return found


def _first(key: str, flows: NDArray[np.float64], words: Sequence[str]) -> list[dict[str, Any]]:
    """The first of one day; words are sorted, so of those with equal flows the first of the alphabet."""
    order = np.argsort(-flows, kind="stable")[:_TOP]
    return [{key: words[column], "flows": int(flows[column])} for column in order if flows[column]]
