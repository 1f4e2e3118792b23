"""Whether a finding rests on one block, on one week, or on counting flows rather than bytes.

Every headline is computed anew without each block, without each week, and by bytes. Whether it *holds* is a
matter of what is left out: a share of the bytes is another quantity than a share of the flows, seldom alike, and
stands beside it for the reader to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.study.context import Context
from sensor.study.facts import Facts, Measure
from sensor.study.onsets import LEAST_RISE, observed_days, place_onset
from sensor.study.population import addresses_per_day
from sensor.study.vpn import obfuscated

Mask = NDArray[np.bool_]

_TOP = 8
_LEAST_SHARE = 0.01
"""Countries with less are no headline."""
_TOLERANCE = 0.2
"""A share holds as long as it stays in its interval or within this part of its value."""


@dataclass(frozen=True)
class Without:
    """One way of leaving something out: rows of the facts and days that stay."""

    label: str
    rows: Mask
    days: Mask
    block: str | None = None


def sensitivity(context: Context, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Every headline finding with its value in each variant, and whether it holds whatever is left out.

    Parameters
    ----------
    context
        The study.
    found
        The report's other sections.
    """
    ways = list(_ways(context))
    listed = [_order_of_services(context, ways)]
    for country in found["countries"]:
        share = country["share_flows"]
        if (share["value"] or 0) >= _LEAST_SHARE:
            rows = context.facts.rows_of("country", [country["country"]])
            listed.append(_share(context, f"share of {country['country']}", rows, (share, ways)))
    listed.append(
        _share(
            context,
            "share of VPN and other obfuscation",
            obfuscated(context),
            (found["vpn"]["share_flows"], ways),
        )
    )
    listed += [_onset(context, onset, ways) for onset in found["onsets"]]
    listed.append(_population(context, found["population"]["inside_addresses_per_day"], ways))
    return listed


def _ways(context: Context) -> Iterator[Without]:
    facts = context.facts
    everything = np.ones(len(facts.days), bool)
    blocks = facts.words("block")
    if len(blocks) > 1:
        for block in blocks:
            yield Without(block, ~facts.rows_of("block", [block]), everything, block)
    if len(facts.days) < 14:
        return
    number = np.arange(len(facts.days))
    for first in range(0, len(facts.days), 7):
        days = (number < first) | (number >= first + 7)
        yield Without(f"week of {facts.days[first].isoformat()}", days[facts.day], days)


def _finding(
    finding: str, everything: Any, without: dict[str, Any], by_bytes: Any, holds: Callable[[Any], bool]
) -> dict[str, Any]:
    return {
        "finding": finding,
        "all": everything,
        "without": without,
        "by_bytes": by_bytes,
        "holds": all(holds(value) for value in without.values() if value is not None),
    }


def _order_of_services(context: Context, ways: list[Without]) -> dict[str, Any]:
    facts = context.facts
    everything = _first_services(facts, None)
    return _finding(
        f"the {_TOP} most used services and their order",
        everything,
        {way.label: _first_services(facts, way.rows) for way in ways},
        _first_services(facts, None, "bytes"),
        lambda value: bool(value == everything),
    )


def _first_services(facts: Facts, rows: Mask | None, measure: Measure = "flows") -> list[str]:
    sums = facts.by_day("service", measure, rows).sum(axis=0)
    first = np.argsort(-sums, kind="stable")[:_TOP]
    return [facts.words("service")[column] for column in first if sums[column]]


def _share(context: Context, finding: str, rows: Mask, given: tuple[Any, list[Without]]) -> dict[str, Any]:
    interval, ways = given
    facts = context.facts
    value = interval["value"]

    def holds(other: float) -> bool:
        inside = interval["low"] is not None and interval["low"] <= other <= interval["high"]
        return bool(inside or abs(other - value) <= _TOLERANCE * value)

    return _finding(
        finding,
        value,
        {way.label: _part(facts.flows, rows, way.rows) for way in ways},
        _part(facts.bytes, rows, np.ones(len(facts.flows), bool)),
        holds,
    )


def _part(measure: NDArray[np.float64], rows: Mask, kept: Mask) -> float | None:
    total = float(measure[kept].sum())
    return float(measure[rows & kept].sum()) / total if total else None


def _onset(context: Context, onset: dict[str, Any], ways: list[Without]) -> dict[str, Any]:
    """The day, placed anew; None where too little is left of the series or it no longer doubles.

    It holds where the day stays, or where that day is left out, moves to the first one after it. A variant
    in which nothing begins any more contradicts it, unless nothing of the series is left in that variant.
    """
    facts = context.facts
    rows = facts.rows_of(onset["kind"], [onset["series"]])
    watched = observed_days(context)

    def placed(way: Without, measure: Measure = "flows") -> str | None:
        counts, total = (facts.total_by_day(measure, kept) for kept in (rows & way.rows, way.rows))
        place = place_onset(counts, total, watched[way.days[watched]], context)
        if place is None or place.after_per_day < LEAST_RISE * place.before_per_day:
            return None
        return facts.days[place.day].isoformat()

    def agrees(way: Without, value: str | None) -> bool:
        if value is None:
            return not facts.flows[rows & way.rows].any()
        later = [facts.days[day].isoformat() for day in watched[way.days[watched]]]
        return value == next((day for day in later if day >= onset["onset_day"]), None)

    everything = Without("", np.ones(len(facts.flows), bool), np.ones(len(facts.days), bool))
    without = {way.label: placed(way) for way in ways}
    by_bytes = placed(everything, "bytes")
    return {
        "finding": f"onset of {onset['series']}",
        "all": onset["onset_day"],
        "without": without,
        "by_bytes": by_bytes,
        "holds": all(agrees(way, without[way.label]) for way in ways),
    }


def _population(context: Context, interval: dict[str, Any], ways: list[Without]) -> dict[str, Any]:
    value = interval["median"]

    def median(way: Without) -> float | None:
        daily = addresses_per_day(context, way.block)[way.days]
        return float(np.nanmedian(daily)) if np.isfinite(daily).any() else None

    def holds(other: float) -> bool:
        inside = interval["low"] is not None and interval["low"] <= other <= interval["high"]
        return bool(inside or abs(other - value) <= _TOLERANCE * value)

    return _finding(
        "inside addresses a day (median)", value, {way.label: median(way) for way in ways}, None, holds
    )
