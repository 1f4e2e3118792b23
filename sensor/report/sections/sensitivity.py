"""What the findings rest on: each computed anew without a block, without a week, and in bytes."""

from __future__ import annotations

from typing import Any

from sensor.report import charts, words
from sensor.report.changes import alike_in_bytes, in_words, is_share, subject, ways
from sensor.report.charts import Axis, Bar
from sensor.report.model import Chart, Found, Kind, Section
from sensor.report.sections.parts import MOST_BARS, filled, no_data, table


def sensitivity(found: Found) -> Section:
    """The section on what the findings rest on."""
    key, title, question = (
        "sensitivity",
        "What it rests on",
        "Would the findings stand without a block or a week?",
    )
    listed = [one for one in found["sensitivity"] if one["all"] is not None and one["all"] != []]
    if not listed:
        return no_data(key, title, question)
    return Section(
        key, title, question,
        means=tuple(_means(listed)),
        cannot=(
            "A finding that stands here can still be wrong: every block and every week may share one flaw.",
        ),
        charts=_chart(listed),
        tables=filled(
            table("sensitivity", "Every finding, computed anew",
                  [("finding", Kind.TEXT), ("holds", Kind.TEXT), ("all data", Kind.TEXT), ("in bytes", Kind.TEXT),
                   ("without a block", Kind.TEXT), ("without a week", Kind.TEXT)],
                  ((subject(one["finding"]), "yes" if one["holds"] else "no", in_words(one, one["all"]),
                    in_words(one, one["by_bytes"]) if one["by_bytes"] is not None else None,
                    _blocks(one), _weeks(one)) for one in listed))
        ),
    )  # fmt: skip


def _means(listed: list[dict[str, Any]]) -> list[str]:
    failed = sum(not one["holds"] for one in listed)
    unlike = sum(not alike_in_bytes(one) for one in listed)
    held = len(listed) - failed
    stay, change = "stays" if held == 1 else "stay", "changes" if failed == 1 else "change"
    said = [
        f"Of {words.many(len(listed), 'finding')}, {words.spelled(held)} {stay} whichever block or week is left out; "
        f"{words.spelled(failed)} {change}."
        if failed
        else "Every finding stays whichever block or week is left out."
    ]
    if unlike:
        said.append(
            f"Counted in bytes instead of flows, {words.spelled(unlike)} {'is' if unlike == 1 else 'are'} not the "
            "same. That is another question rather than a doubt: a few films outweigh many pages."
        )
    if failed or unlike:
        said.append("Those that change are marked where they are claimed.")
    return said


def _split(one: dict[str, Any], *, weeks: bool) -> list[tuple[str, Any]]:
    return [
        (label, value) for label, value in one["without"].items() if label.startswith("week of ") is weeks
    ]


def _blocks(one: dict[str, Any]) -> str | None:
    return "; ".join(f"{label}: {in_words(one, value)}" for label, value in _split(one, weeks=False)) or None


def _weeks(one: dict[str, Any]) -> str | None:
    values = [value for _, value in _split(one, weeks=True)]
    if not values:
        return None
    if all(isinstance(value, int | float) for value in values):
        low, high = in_words(one, min(values)), in_words(one, max(values))
        return low if low == high else f"{low} to {high}"
    same = sum(value == one["all"] for value in values)
    return f"the same in {same} of {words.many(len(values), 'week')} left out"


def _chart(listed: list[dict[str, Any]]) -> tuple[Chart, ...]:
    rows = []
    for one in listed:
        numbers = [value for _, value in ways(one) if isinstance(value, int | float)]
        if not is_share(one) or not numbers:
            continue
        low, high = min([one["all"], *numbers]), max([one["all"], *numbers])
        label = words.capital(subject(one["finding"]).removeprefix("The share of "))
        hover = f"{label}: {words.percent(one['all'])}, from {words.percent(low)} to {words.percent(high)}"
        rows.append(Bar(label, one["all"], low, high, hover))
    rows = rows[:MOST_BARS]
    if not rows:
        return ()
    axis = Axis("Share", format="~%")
    return (
        Chart("sensitivity", "Shares, and how far they move when something is left out or bytes are counted",
              f"{'; '.join(row.hover for row in rows)}.", lambda width: charts.points(rows, axis, width)),
    )  # fmt: skip
