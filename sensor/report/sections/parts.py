"""What several sections are made with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sensor.report import charts, words
from sensor.report.charts import Axis, Bar
from sensor.report.model import Chart, Column, Kind, Section, Table

MOST_BARS = 12
SHARE_AXIS = Axis("Share of flows", format="~%")


def share_bar(label: str, interval: dict[str, Any], against: float | None = None) -> Bar | None:
    """A bar for a fraction with its interval; nothing where there is no number."""
    if interval["value"] is None:
        return None
    hover = f"{label}: {words.percent(interval['value'])}{words.surely(interval)}"
    if against is not None:
        hover += f", expected {words.percent(against)}"
    return Bar(label, interval["value"], interval["low"], interval["high"], hover, against)


def some(rows: Iterable[Bar | None], most: int = MOST_BARS) -> list[Bar]:
    """The first rows that have a number."""
    return [row for row in rows if row is not None][:most]


def share_chart(key: str, title: str, rows: Sequence[Bar]) -> tuple[Chart, ...]:
    """Bars of fractions; no chart without rows."""
    if not rows:
        return ()
    told = "; ".join(row.hover for row in rows)
    return (Chart(key, title, f"{told}.", lambda width: charts.bars(rows, SHARE_AXIS, width)),)


def table(
    key: str, caption: str, columns: Sequence[tuple[str, Kind]], rows: Iterable[tuple[Any, ...]]
) -> Table:
    """A table from pairs of title and kind."""
    return Table(key, caption, tuple(Column(*column) for column in columns), tuple(rows))


def filled(*tables: Table) -> tuple[Table, ...]:
    """The tables that have rows."""
    return tuple(one for one in tables if one.rows)


def no_data(key: str, title: str, question: str, why: str = words.NOT_ENOUGH) -> Section:
    """A section that has nothing to show and says why."""
    return Section(key, title, question, means=(why,))
