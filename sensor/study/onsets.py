"""Onsets: services, categories and applications that began, when, and what had happened shortly before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.rules import Event
from sensor.study.change_point import (
    LEVEL,
    benjamini_hochberg,
    find_changes,
    fit_null,
    locate,
    measure_dispersion,
)
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
_ENOUGH_BESIDES = 100
"""Flows a day besides a series from which on they tell how busy the day was."""
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
    distinct = list({one.counts.tobytes(): one for one in reversed(series)}.values())[::-1]
    counts = np.array([one.counts[watched] for one in distinct])
    design = _design(context, watched, counts, context.facts.total_by_day()[watched])
    changes = find_changes([one.key for one in distinct], counts, design, context.seed)
    corrected = benjamini_hochberg([change.p_value for change in changes])
    if min(corrected) > LEVEL:
        return []
    dispersion = fit_null(counts, design).dispersion
    rows = {one.counts.tobytes(): row for row, one in enumerate(distinct)}
    found = []
    for one in series:
        row = rows[one.counts.tobytes()]
        if corrected[row] > LEVEL:
            continue
        day = int(watched[locate(counts[row], float(dispersion[row]), design.of(row))])
        onset = _onset(one, day, corrected[row], context.observed_hours)
        if onset.after_per_day >= LEAST_RISE * onset.before_per_day:
            found.append(onset)
    return found


def place_onset(counts: Array, total: Array, watched: NDArray[np.int64], context: Context) -> Onset | None:
    """Place an onset that was found before, in other counts or on fewer days; None where too few are left.

    Parameters
    ----------
    counts, total
        Of the series and of everything, each day of the period.
    watched
        Positions of the days that count.
    context
        The study.
    """
    seen = counts[watched][None, :]
    if len(watched) < FEWEST_DAYS or not seen.any():
        return None
    design = _design(context, watched, seen, total[watched])
    day = int(watched[locate(seen[0], measure_dispersion(seen, design), design)])
    hours, kept = np.zeros(len(counts)), np.zeros(len(counts))
    hours[watched], kept[watched] = context.observed_hours[watched], counts[watched]
    return _onset(Series("", "", kept), day, 1.0, hours)


def observed_days(context: Context) -> NDArray[np.int64]:
    """Positions of the days of which at least an hour was observed; others are missing, not zero."""
    return np.flatnonzero(context.observed_hours >= 1.0)


def _design(context: Context, watched: NDArray[np.int64], counts: Array, total: Array) -> Design:
    """Counts are taken to go with the hours observed, and with how busy the day was with everything else.

    A day on which everything is busy is no news of any one series. Where there is little else, hours alone.
    """
    hours = context.observed_hours[watched] / 24
    rest = np.maximum(total - counts, 0.0)
    usual = rest.mean(axis=1, keepdims=True)
    enough = (usual >= _ENOUGH_BESIDES) & (rest > 0).all(axis=1, keepdims=True)
    # The rest was seen in the same hours: it is exposure in itself.
    busy = np.where(enough, rest / np.maximum(usual, 1.0), hours)
    return make_design(watched, context.gathered.days[0].weekday(), busy)


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
