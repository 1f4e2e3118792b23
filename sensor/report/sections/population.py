"""How many there are: addresses, devices, and the test against a company's size."""

from __future__ import annotations

from typing import Any

from sensor.report import charts, words
from sensor.report.changes import ADDRESSES, changes
from sensor.report.charts import Axis, Bar
from sensor.report.model import Chart, Found, Kind, Section
from sensor.report.sections.parts import filled, no_data, table

COMPANY = (50, 250)
"""People in a medium-sized company, the 2017 study's comparison."""
_COMPANY_METHOD = f"{COMPANY[0]} to {COMPANY[1]}"
_LABELS = {
    "operating systems": "devices a day, by system",
    "browsers": "devices a day, by browser",
    "JA4": "TLS programs a day",
}


def population(found: Found) -> Section:
    """The section on how many."""
    key, title, question = "population", "How many", "How many addresses, devices and people could that be?"
    people = found["population"]
    daily = people["inside_addresses_per_day"]
    if daily["median"] is None:
        return no_data(key, title, question)
    return Section(
        key, title, question,
        means=tuple(_means(people)),
        cannot=(
            ("An address is not a person: a family, an office or a whole building can share one, and one person may "
            "use several."),
            "Counting kinds of software behind an address counts devices at best, and misses those that are alike.",
            "Foreigners and locals look the same from here.",
        ),
        changes=changes(found, lambda finding: finding.startswith(ADDRESSES)),
        charts=_chart(people),
        tables=filled(
            table("population", "Estimates",
                  [("what", Kind.TEXT), ("method", Kind.TEXT), ("estimate", Kind.INTERVAL), ("bound", Kind.TEXT),
                   ("source", Kind.TEXT)],
                  [
                      ("inside addresses active a day (median)", "counted", _interval(daily["median"], daily), None,
                       "flows"),
                      *((one["what"], one["method"], _interval(one["value"], one), one["bound"], one["source"])
                        for one in people["estimates"]),
                  ])
        ),
    )  # fmt: skip


def _interval(value: float | None, ends: dict[str, Any]) -> dict[str, Any]:
    return {"value": value, "low": ends["low"], "high": ends["high"]}


def _means(people: dict[str, Any]) -> list[str]:
    daily = people["inside_addresses_per_day"]
    ends = words.number_interval(daily)
    said = [
        f"On a middling day {words.count(daily['median'])} addresses{f' ({ends})' if ends else ''} inside were in use."
    ]
    devices = [one for one in people["estimates"] if one["method"] in {"operating systems", "browsers"}]
    known = [one["value"] for one in devices if one["value"] is not None]
    if known:
        low, high = words.count(min(known)), words.count(max(known))
        said.append(
            f"Their software points to {low if low == high else f'{low} to {high}'} devices a day behind them."
        )
    chance = next((one["value"] for one in people["estimates"] if one["method"] == _COMPANY_METHOD), None)
    if chance is not None:
        said.append(_company(chance))
    return said


def _company(chance: float) -> str:
    size = f"a medium-sized company has people ({COMPANY[0]} to {COMPANY[1]})"
    if chance > 0.975:
        return f"That is as many addresses a day as {size}, whichever days are drawn."
    if chance < 0.025:
        return f"That is not as many addresses a day as {size}, whichever days are drawn."
    return f"Whether it is as many addresses a day as {size} is open: the chance is {words.percent(chance)}."


def _chart(people: dict[str, Any]) -> tuple[Chart, ...]:
    daily = people["inside_addresses_per_day"]
    listed = [("addresses a day", {**daily, "value": daily["median"]})]
    listed += [(_LABELS[one["method"]], one) for one in people["estimates"] if one["method"] in _LABELS]
    rows = [
        Bar(label, one["value"], one["low"], one["high"],
            f"{label}: {words.count(one['value'])}"
            + (f" ({words.number_interval(one)})" if words.ends(one) else ""))
        for label, one in listed if one["value"] is not None
    ]  # fmt: skip
    axis = Axis("Count", band=(float(COMPANY[0]), float(COMPANY[1])))
    return (
        Chart("population", f"Counts a day (shaded: {COMPANY[0]} to {COMPANY[1]}, people of a medium-sized company)",
              f"{'; '.join(row.hover for row in rows)}.", lambda width: charts.points(rows, axis, width)),
    )  # fmt: skip
