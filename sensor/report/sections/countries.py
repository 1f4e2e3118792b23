"""Which countries stand at the other end, and whether more than expected."""

from __future__ import annotations

from typing import Any

from sensor.report import charts, words
from sensor.report.changes import OBFUSCATION, SHARE, changes
from sensor.report.charts import Axis, Bar
from sensor.report.model import Chart, Found, Kind, Section
from sensor.report.sections.parts import MOST_BARS, filled, no_data, share_bar, share_chart, some, table

_COLUMNS = (
    ("country", Kind.TEXT), ("code", Kind.TEXT), ("flows", Kind.COUNT), ("bytes", Kind.BYTES),
    ("share of flows", Kind.SHARE), ("expected share", Kind.PART), ("times the expected", Kind.INTERVAL),
)  # fmt: skip
_LEAST_FLOWS = 50
"""Countries with fewer flows are in the table, but are not called more than expected."""


def countries(found: Found) -> Section:
    """The section on countries."""
    key, title, question = (
        "countries",
        "Countries",
        "Which countries are at the other end, and is it surprising?",
    )
    listed = found["countries"]
    if not listed:
        return no_data(key, title, question)
    source = next((one["expected_source"] for one in listed if one["expected_source"]), None)
    return Section(
        key, title, question,
        means=tuple(_means(listed, source)),
        cannot=(
                ("A country is where the server's address is registered. A site of one country may be served from "
                "another, and large services answer from near the reader."),
                ("Traffic to a country does not show who sent it: a student, an embassy, or a page that fetches a "
                "picture from there."),
                *([f"Expected are {source}: a yardstick, not a forecast."] if source else []),
            ),
        changes=changes(found, lambda finding: finding.startswith(SHARE) and finding != OBFUSCATION),
        charts=(
            *share_chart("countries", "Share of flows by country"
                         + (" (tick: expected share)" if source else ""),
                         some(share_bar(words.country(one["country"]), one["share_flows"], one["expected"])
                              for one in listed)),
            *_quotients(listed),
        ),
        tables=filled(
            table("countries", "Countries", _COLUMNS,
                  ((words.country(one["country"]), one["country"], one["flows"], one["bytes"], one["share_flows"],
                    one["expected"], one["quotient"]) for one in listed))
        ),
    )  # fmt: skip


def _means(listed: list[dict[str, Any]], source: str | None) -> list[str]:
    told = [
        f"{words.country(one['country'])} {words.percent(one['share_flows']['value'])}"
        f"{words.surely(one['share_flows'])}"
        for one in listed[:3]
    ]
    said = [f"The largest shares of all flows: {'; '.join(told)}."]
    if source is None:
        return [*said, "What would be usual is not known here, so nothing is called surprising."]
    above = [one for one in _by_quotient(listed) if one["quotient"]["low"] > 1]
    if above:
        names = [
            f"{words.country(one['country'])} ({words.decimal(one['quotient']['value'], 2)} times)"
            for one in above[:8]
        ]
        said.append(f"More than expected, and surely so: {words.listed(names)}.")
    else:
        said.append("No country with enough flows stands surely above what was expected.")
    return said


def _by_quotient(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = [
        one
        for one in listed
        if one["flows"] >= _LEAST_FLOWS and one["quotient"] and words.ends(one["quotient"])
    ]
    return sorted(known, key=lambda one: -one["quotient"]["value"])


def _quotients(listed: list[dict[str, Any]]) -> tuple[Chart, ...]:
    rows = [
        Bar(
            words.country(one["country"]), one["quotient"]["value"], one["quotient"]["low"], one["quotient"]["high"],
            f"{words.country(one['country'])}: {words.decimal(one['quotient']['value'])} times the expected share "
            f"({words.number_interval(one['quotient'])})",
        )
        for one in _by_quotient(listed)
        if one["quotient"]["low"] > 0
    ][:MOST_BARS]  # fmt: skip
    if not rows:
        return ()
    axis = Axis("Times the expected share (by powers of ten)", format="~r", log=True, line_at=1)
    return (
        Chart("quotients", "How far each share exceeds the expected one (line: as expected)",
              f"{'; '.join(row.hover for row in rows)}.", lambda width: charts.points(rows, axis, width)),
    )  # fmt: skip
