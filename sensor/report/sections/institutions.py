"""Universities, research bodies, governments and news outlets that were reached."""

from __future__ import annotations

from typing import Any

from sensor.report import charts, words
from sensor.report.charts import Axis, Bar
from sensor.report.model import Chart, Found, Kind, Section
from sensor.report.sections.parts import MOST_BARS, filled, no_data, table

_NOUNS = {
    "education": ("university or school", "universities or schools"),
    "research": ("research body", "research bodies"),
    "government": ("government site", "government sites"),
    "military": ("military site", "military sites"),
    "news": ("news outlet", "news outlets"),
}
_LOCAL = "local site"


def institutions(found: Found) -> Section:
    """The section on institutions."""
    key, title = "institutions", "Institutions"
    question = "Which universities, governments and newspapers were reached?"
    listed = found["institutions"]
    if not listed:
        return no_data(key, title, question, "No institution that the rules know was reached.")
    return Section(
        key, title, question,
        means=tuple(_means(listed)),
        cannot=(
            ("Reaching a university does not make anybody its student: its pages are open to the world, and a search "
            "engine leads there."),
            ("Local sites carry the country's own domain and stand there. People with a tie to the country are "
            "likelier to open them than others, but anybody can."),
        ),
        charts=_chart(listed),
        tables=filled(
            table("institutions", "Institutions by country and kind",
                  [("country", Kind.TEXT), ("kind", Kind.TEXT), ("distinct", Kind.COUNT), ("flows", Kind.COUNT),
                   ("institutions", Kind.TEXT)],
                  ((words.country(one["country"]), one["category"], len(one["institutions"]), one["flows"],
                    ", ".join(one["institutions"])) for one in listed))
        ),
    )  # fmt: skip


def _means(listed: list[dict[str, Any]]) -> list[str]:
    known = [one for one in listed if one["category"] in _NOUNS]
    most = sorted(known, key=lambda one: (-len(one["institutions"]), -one["flows"]))[:4]
    said = [
        (f"{words.capital(words.listed([_group(one) for one in most]))}. Each was counted once, however often it was "
        "reached; there may be more that were not seen or that the rules do not know.")
    ] if most else []  # fmt: skip
    local = sorted((one for one in listed if one["category"] == _LOCAL), key=lambda one: -one["flows"])
    if local:
        told = [f"{words.country(one['country'])} ({len(one['institutions'])})" for one in local[:6]]
        said.append(f"Local sites, which mostly people with a tie to a country open: {words.listed(told)}.")
    return said


def _group(one: dict[str, Any]) -> str:
    number = len(one["institutions"])
    noun = _NOUNS[one["category"]][number != 1]
    return f"{words.spelled(number)} {noun} in {words.country(one['country'])}"


def _chart(listed: list[dict[str, Any]]) -> tuple[Chart, ...]:
    counts: dict[str, int] = {}
    for one in listed:
        if one["category"] != _LOCAL:
            counts[one["country"]] = counts.get(one["country"], 0) + len(one["institutions"])
    rows = [
        Bar(
            words.country(code),
            number,
            None,
            None,
            f"{words.country(code)}: {words.many(number, 'institution')}",
        )
        for code, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ][:MOST_BARS]
    if not rows:
        return ()
    axis = Axis("Distinct institutions", format="d")
    return (
        Chart("institutions", "Distinct institutions reached, by country", f"{'; '.join(row.hover for row in rows)}.",
              lambda width: charts.bars(rows, axis, width)),
    )  # fmt: skip
