"""Onsets: services, categories and applications that began, when, and what had happened shortly before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.rules import Event
from sensor.study.change_point import LEVEL, benjamini_hochberg, find_changes, fit_null, locate
from sensor.study.context import Context
from sensor.study.count_model import Design, make_design
from sensor.study.facts import Facts

Array = NDArray[np.float64]

KINDS = ("service", "application", "category")
FEWEST_DAYS = 28
"""Observed days below which nothing is tested."""
FEWEST_FLOWS = 20
LEAST_RISE = 2.0
"""An onset at least doubles a series."""
_SAME = 0.9
"""Series of which the smaller holds this much of the larger are one onset."""


@dataclass(frozen=True)
class Series:
    """One series of daily flows."""

    kind: str
    name: str
    counts: Array

    @property
    def key(self) -> str:
        """What tells it from every other one."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True)
class Onset:
    """A series that began or rose, by positions in the period's days."""

    series: Series
    day: int
    before_per_day: float
    after_per_day: float
    p_value: float


def onsets(context: Context) -> list[dict[str, Any]]:
    """The onsets, earliest first."""
    found = find_onsets(series_of(context.facts), context)
    days = context.gathered.days
    return [
        {
            "series": group[0].series.name,
            "kind": group[0].series.kind,
            "same_as": [one.series.name for one in group[1:]],
            "first_day": days[int(np.flatnonzero(group[0].series.counts)[0])].isoformat(),
            "onset_day": days[group[0].day].isoformat(),
            "before_per_day": group[0].before_per_day,
            "after_per_day": group[0].after_per_day,
            "p_value": group[0].p_value,
            "event": nearest_event(days[group[0].day], _words(group), context.events, days),
        }
        for group in _merged(found, context.facts)
    ]


def series_of(facts: Facts, rows: NDArray[np.bool_] | None = None) -> list[Series]:
    """Every service, application and category with enough flows."""
    found = []
    for kind in KINDS:
        counts = facts.by_day(kind, rows=rows)
        for column, name in enumerate(facts.words(kind)):
            if counts[:, column].sum() >= FEWEST_FLOWS:
                found.append(Series(kind, name, counts[:, column]))
    return found


def find_onsets(series: Sequence[Series], context: Context) -> list[Onset]:
    """Test the series, correct for their number, and place what is left.

    Series with the same counts every day are tested once.
    """
    watched = observed_days(context)
    if len(watched) < FEWEST_DAYS or not series:
        return []
    design = _design(context, watched)
    distinct = list({one.counts.tobytes(): one for one in reversed(series)}.values())[::-1]
    counts = np.array([one.counts[watched] for one in distinct])
    changes = find_changes([one.key for one in distinct], counts, design, context.seed)
    corrected = benjamini_hochberg([change.p_value for change in changes])
    verdicts = {one.counts.tobytes(): p for one, p in zip(distinct, corrected, strict=True)}
    if min(corrected) > LEVEL:
        return []
    spread = fit_null(counts, design).dispersion
    spreads = {one.counts.tobytes(): float(value) for one, value in zip(distinct, spread, strict=True)}
    found = []
    for one in series:
        p_value = verdicts[one.counts.tobytes()]
        if p_value > LEVEL:
            continue
        day = locate(one.counts[watched], spreads[one.counts.tobytes()], design)
        onset = _onset(one, int(watched[min(day, len(watched) - 1)]), p_value, context.observed_hours)
        if onset.after_per_day >= LEAST_RISE * onset.before_per_day:
            found.append(onset)
    return found


def place_onset(counts: Array, watched: NDArray[np.int64], context: Context) -> Onset | None:
    """Place an onset that was found before, in other counts or on fewer days; None where too few are left.

    Parameters
    ----------
    counts
        Of each day of the period.
    watched
        Positions of the days that count.
    context
        The study.
    """
    if len(watched) < FEWEST_DAYS or not counts[watched].any():
        return None
    design = _design(context, watched)
    seen = counts[watched]
    dispersion = fit_null(seen[None, :], design).dispersion[0]
    hours = np.zeros(len(counts))
    hours[watched] = context.observed_hours[watched]
    day = int(watched[min(locate(seen, float(dispersion), design), len(watched) - 1)])
    kept = np.where(hours > 0, counts, 0.0)
    return _onset(Series("", "", kept), day, 1.0, hours)


def observed_days(context: Context) -> NDArray[np.int64]:
    """Positions of the days of which at least an hour was observed; others are missing, not zero."""
    return np.flatnonzero(context.observed_hours >= 1.0)


def _design(context: Context, watched: NDArray[np.int64]) -> Design:
    return make_design(watched, context.gathered.days[0].weekday(), context.observed_hours[watched])


def _onset(series: Series, day: int, p_value: float, hours: Array) -> Onset:
    before, after = (
        float(series.counts[part].sum() / max(hours[part].sum() / 24, 1e-9))
        for part in (slice(0, day), slice(day, None))
    )
    return Onset(series, day, before, after, p_value)


def _merged(found: Sequence[Onset], facts: Facts) -> list[list[Onset]]:
    """Join onsets of the same flows; the first of each group names it. Earliest first."""
    groups: list[list[Onset]] = []
    for onset in found:
        for group in groups:
            if group[0].day == onset.day and _same_flows(group[0].series, onset.series, facts):
                group.append(onset)
                break
        else:
            groups.append([onset])
    return sorted(groups, key=lambda group: (group[0].day, group[0].series.key))


def _same_flows(one: Series, other: Series, facts: Facts) -> bool:
    both = facts.rows_of(one.kind, [one.name]) & facts.rows_of(other.kind, [other.name])
    shared = float(facts.flows[both].sum())
    return bool(shared >= _SAME * max(one.counts.sum(), other.counts.sum()))


def _words(group: Sequence[Onset]) -> set[str]:
    return {one.series.name for one in group}


def nearest_event(
    day: date, words: set[str], events: Sequence[Event], days: Sequence[date]
) -> dict[str, Any] | None:
    """The nearest event on or before a day, and how often a random day lies as near after it.

    An event that says what it is about comes into question for series of that name alone, and where there
    are such events, only they do. What an event is about is written down before any traffic is looked at.
    """
    earlier = [event for event in events if event.date <= day]
    about = [event for event in earlier if words & set(event.about)]
    candidates = about or [event for event in earlier if not event.about]
    if not candidates:
        return None
    event = max(candidates, key=lambda one: (one.date, one.name))
    lag = (day - event.date).days
    near = sum(0 <= (other - event.date).days <= lag for other in days)
    return {
        "name": event.name,
        "date": event.date.isoformat(),
        "lag_days": lag,
        "chance": near / len(days),
    }
