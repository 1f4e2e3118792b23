"""What began in the course of the study."""

from __future__ import annotations

from typing import Any

from sensor.report import charts, words
from sensor.report.changes import ONSET, changes
from sensor.report.model import Chart, Found, Kind, Section
from sensor.report.sections.parts import filled, no_data, table

_FEWEST_DAYS = 28
"""With fewer days nothing is tested; the study's caveats say so."""


def onsets(found: Found) -> Section:
    """The section on onsets."""
    key, title, question = (
        "onsets",
        "Beginnings",
        "Did anything begin during the study, and near which event?",
    )
    listed = found["onsets"]
    if not listed:
        few = found["period"]["days"] < _FEWEST_DAYS
        return no_data(
            key, title, question,
            "There are too few days to test whether anything began."
            if few
            else "Nothing was found to begin: no service, kind or protocol rose by more than chance and habit explain.",
        )  # fmt: skip
    return Section(
        key, title, question,
        means=tuple(_means(one) for one in listed),
        cannot=(
            ("After is not because of. Something that begins after an event may have begun for any other reason; the "
            "chance says how often a day drawn at random lies as near."),
            "First seen is not first done: before, it may have run elsewhere, or been hidden.",
        ),
        changes=changes(found, lambda finding: finding.startswith(ONSET)),
        charts=_chart(found, listed),
        tables=filled(
            table("onsets", "What began",
                  [("what", Kind.TEXT), ("kind", Kind.TEXT), ("the same flows as", Kind.TEXT),
                   ("first seen", Kind.TEXT), ("began", Kind.TEXT), ("flows a day before", Kind.NUMBER),
                   ("flows a day after", Kind.NUMBER), ("chance without a beginning", Kind.PART),
                   ("event before", Kind.TEXT), ("event's day", Kind.TEXT), ("days after it", Kind.COUNT),
                   ("chance of a random day", Kind.PART)],
                  (_row(one) for one in listed))
        ),
    )  # fmt: skip


def _means(one: dict[str, Any]) -> str:
    said = (
        f"{words.capital(one['series'])} began on {words.long_day(one['onset_day'])}: from "
        f"{words.decimal(one['before_per_day'], 2)} to {words.decimal(one['after_per_day'], 2)} flows a day."
    )
    event = one["event"]
    if event is None:
        return said
    lag = words.many(event["lag_days"], "day")
    verdict = "no surprise" if event["chance"] > 0.05 else "seldom, but no proof of a tie"
    return (
        f"{said} That is {lag} after {event['name']}. Of days drawn at random from this study, "
        f"{words.percent(event['chance'])} lie as near after it: {verdict}."
    )


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    event = one["event"] or dict.fromkeys(("name", "date", "lag_days", "chance"))
    return (
        one["series"], one["kind"], ", ".join(one["same_as"]) or None, one["first_day"], one["onset_day"],
        one["before_per_day"], one["after_per_day"], one["p_value"],
        event["name"], event["date"], event["lag_days"], event["chance"],
    )  # fmt: skip


def _chart(found: Found, listed: list[dict[str, Any]]) -> tuple[Chart, ...]:
    span = found["period"]["start"], found["period"]["end"]
    rows = [
        {
            "label": one["series"], "from": f"{one['onset_day']}T00:00:00Z", "to": f"{span[1]}T23:59:59Z",
            "mark": f"{one['event']['date']}T00:00:00Z"
            if one["event"] and span[0] <= one["event"]["date"] <= span[1] else None,
            "hover": _hover(one),
        }
        for one in listed
    ]  # fmt: skip
    told = "; ".join(row["hover"] or "" for row in rows)
    return (
        Chart("onsets", "From when on (diamond: the event before it)", f"{told}.",
              lambda width: charts.moments(rows, span, width)),
    )  # fmt: skip


def _hover(one: dict[str, Any]) -> str:
    said = f"{one['series']}: from {words.long_day(one['onset_day'])}"
    return f"{said}; {one['event']['name']}: {words.long_day(one['event']['date'])}" if one["event"] else said
