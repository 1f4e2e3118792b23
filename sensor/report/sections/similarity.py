"""Whether the blocks look like each other."""

from __future__ import annotations

from typing import Any

from sensor.report import charts, words
from sensor.report.charts import Axis, Bar
from sensor.report.model import Chart, Found, Kind, Section
from sensor.report.sections.parts import filled, no_data, table

_MEASURES = {
    "jensen_shannon": ("how they spread over services", "Distance (0: alike)"),
    "rank_biased_overlap": ("which services come first", "Overlap (1: alike)"),
    "hour_correlation": ("when they are busy", "Correlation (1: alike)"),
}
_REJECTED = 0.05


def similarity(found: Found) -> Section:
    """The section on likeness."""
    key, title, question = "similarity", "Likeness", "Do the blocks look as if the same people used them?"
    listed = found["similarity"]
    if not listed:
        return no_data(
            key,
            title,
            question,
            f"{words.NOT_ENOUGH} It takes two blocks with enough flows and several weeks.",
        )
    pairs = list(dict.fromkeys((one["a"], one["b"]) for one in listed))
    return Section(
        key, title, question,
        means=tuple(_pair(*pair, [one for one in listed if (one["a"], one["b"]) == pair]) for pair in pairs),
        cannot=(
            "No difference found does not mean alike: with little data a large difference stays unseen.",
            "Alike does not mean the same people: people everywhere open the same few services at the same hours.",
        ),
        charts=tuple(chart for measure in _MEASURES for chart in _chart(listed, measure)),
        tables=filled(
            table("similarity", "Likeness of pairs of blocks",
                  [("block", Kind.TEXT), ("and block", Kind.TEXT), ("measure", Kind.TEXT), ("value", Kind.NUMBER),
                   ("halves of one block, low", Kind.NUMBER), ("halves of one block, high", Kind.NUMBER),
                   ("chance of as much without a difference", Kind.PART)],
                  ((one["a"], one["b"], one["measure"].replace("_", " "), one["value"], one["reference_low"],
                    one["reference_high"], one["p_value"]) for one in listed))
        ),
    )  # fmt: skip


def _pair(first: str, second: str, measured: list[dict[str, Any]]) -> str:
    tested = [one for one in measured if one["p_value"] is not None]
    if not tested:
        return f"{first} and {second}: too few weeks to test for a difference."
    differing = [_MEASURES[one["measure"]][0] for one in tested if one["p_value"] < _REJECTED]
    if not differing:
        return f"{first} and {second}: no difference was found, which does not show that they are alike."
    return f"{first} and {second} differ in {words.listed(differing)}."


def _chart(listed: list[dict[str, Any]], measure: str) -> tuple[Chart, ...]:
    rows = []
    for one in listed:
        if one["measure"] != measure or one["value"] is None:
            continue
        pair = f"{one['a']}, {one['b']}"
        low, high = one["reference_low"], one["reference_high"]
        between = f"{words.decimal(low)} to {words.decimal(high)}"
        hover = f"{pair}: {words.decimal(one['value'])}; halves of one block: {between}"
        rows.append(Bar(f"{one['a']},", one["value"], low, high, hover, second=one["b"]))
    if not rows:
        return ()
    axis = Axis(_MEASURES[measure][1])
    return (
        Chart(f"likeness-{measure.replace('_', '-')}",
              f"{words.capital(_MEASURES[measure][0])} (line: halves of one block, by chance)",
              f"{'; '.join(row.hover for row in rows)}.", lambda width: charts.points(rows, axis, width)),
    )  # fmt: skip
