"""The charts, as Vega-Lite: bars, points with intervals, a calendar of hours, days in a row.

Colours are names of roles (`INK`, `FIRST`, ...) that `sensor.report.svg` replaces by the page's own, so that one
drawing serves light and dark. Everything that can be pointed at carries a text of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sensor.report.text import visible

INK, SOFT, LINE, FIRST, SECOND, BAND, PAPER = (f"#0000{number:02x}" for number in range(1, 8))
"""Colours by role: text, lesser text, grid, the data, what it is held against, areas, behind everything."""
FONT = "Liberation Sans, Arial, sans-serif"
"""Its measures decide where labels end; the renderer carries it along, so that a drawing is the same anywhere."""
TEXT_PIXELS = 13
"""Size of a chart's text on the page."""
_MEASURED_PIXELS = 15
"""Size for which room is made: the reader's own font may be wider than the one measured here."""
_ROW = 26
_LABEL_SHARE = 0.4
"""Labels at the side take at most this part of a chart's width."""


@dataclass(frozen=True)
class Bar:
    """One row of a chart: its label, value, interval, what it is held against, and the words for hovering.

    ``second`` is a second line of the label.
    """

    label: str
    value: float
    low: float | None
    high: float | None
    hover: str
    against: float | None = None
    second: str = ""

    @property
    def lines(self) -> str:
        """The label, with a line feed between its lines."""
        return f"{visible(self.label)}\n{visible(self.second)}" if self.second else visible(self.label)


@dataclass(frozen=True)
class Axis:
    """How the horizontal axis is told: its title, a format, whether by powers, and a line that means something."""

    title: str
    format: str = ""
    log: bool = False
    line_at: float | None = None
    band: tuple[float, float] | None = None


def bars(rows: Sequence[Bar], axis: Axis, width: int) -> Any:
    """Bars from zero with their intervals; a tick where something else was expected."""
    import altair as alt

    base = _base(rows)
    place = _place(rows, width)
    layers = [
        base.mark_bar(color=FIRST, height={"band": 0.62}).encode(
            y=place, x=alt.X("value:Q", title=axis.title, axis=_axis(axis), scale=alt.Scale(zero=True)),
            description="hover:N",
        ),
        *_intervals(base, place),
    ]  # fmt: skip
    if any(row.against is not None for row in rows):
        layers.append(
            base.transform_filter("isValid(datum.against)")
            .mark_tick(color=SECOND, thickness=3, size=18)
            .encode(y=place, x=alt.X("against:Q"), description="hover:N")
        )
    return _finished(alt.layer(*layers), rows, width)


def points(rows: Sequence[Bar], axis: Axis, width: int) -> Any:
    """Points with their intervals, where zero means nothing; a line or a band to hold them against."""
    import altair as alt

    base = _base(rows)
    place = _place(rows, width)
    scale = (
        alt.Scale(type="log", nice=False, padding=12) if axis.log else alt.Scale(zero=axis.band is not None)
    )
    layers = []
    if axis.band is not None:
        band = _chart([{"from": axis.band[0], "to": axis.band[1]}])
        layers.append(band.mark_rect(color=BAND).encode(x=alt.X("from:Q", scale=scale), x2="to:Q"))
    if axis.line_at is not None:
        line = _chart([{"at": axis.line_at}])
        layers.append(line.mark_rule(color=SECOND, strokeWidth=2, strokeDash=[5, 3]).encode(x="at:Q"))
    layers += [
        *_intervals(base, place),
        base.mark_point(color=FIRST, fill=FIRST, size=70, opacity=1).encode(
            y=place, x=alt.X("value:Q", title=axis.title, axis=_axis(axis), scale=scale), description="hover:N"
        ),
    ]  # fmt: skip
    return _finished(alt.layer(*layers), rows, width)


def days(rows: Sequence[dict[str, Any]], title: str, width: int) -> Any:
    """One thin bar a day; a day without data has none. Rows have ``day``, ``value`` and ``hover``."""
    import altair as alt

    thick = max((width - 60) / max(len(rows), 1) * 0.72, 0.8)
    base = _chart(list(rows))
    time = alt.X("day:T", title=None, axis=_time_axis(width), scale=alt.Scale(type="utc"))
    return _configured(
        base.mark_bar(color=FIRST, width=min(thick, 24)).encode(
            x=time, y=alt.Y("value:Q", title=title, axis=alt.Axis(format="~s", tickCount=4)), description="hover:N"
        ).properties(width=width - 60, height=150)
    )  # fmt: skip


def week(rows: Sequence[dict[str, Any]], width: int) -> Any:
    """Seven rows of 24 hours, darker where there is more. Rows have ``day``, ``hour``, ``part`` and ``hover``."""
    import altair as alt

    base = _chart(list(rows))
    step = 3 if width >= 500 else 6
    return _configured(
        base.mark_rect(color=FIRST, stroke=PAPER, strokeWidth=1).encode(
            x=alt.X("hour:O", title="Hour of the day", axis=alt.Axis(values=list(range(0, 24, step)), labelAngle=0)),
            y=alt.Y("day:N", sort=None, title=None),
            fillOpacity=alt.FillOpacity("part:Q", scale=alt.Scale(domain=[0, 1], range=[0.06, 1]), legend=None),
            description="hover:N",
        ).properties(width=width - 50, height=7 * 22)
    )  # fmt: skip


def moments(rows: Sequence[dict[str, Any]], span: tuple[str, str], width: int) -> Any:
    """Dated points on one line each. Rows have ``label``, ``from``, ``to``, ``mark`` and ``hover``.

    ``from`` to ``to`` is a bar; ``mark`` is an earlier event, None where there is none.
    """
    import altair as alt

    base = _chart([{**row, "label": visible(row["label"])} for row in rows])
    place = alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=int(width * _LABEL_SHARE)))
    scale = alt.Scale(type="utc", domain=[f"{span[0]}T00:00:00Z", f"{span[1]}T23:59:59Z"])
    time = alt.X("from:T", title=None, axis=_time_axis(width), scale=scale)
    layers = [
        base.mark_bar(color=FIRST, height={"band": 0.4}).encode(
            y=place, x=time, x2="to:T", description="hover:N"
        ),
        base.transform_filter("isValid(datum.mark)")
        .mark_point(color=SECOND, fill=SECOND, shape="diamond", size=90, opacity=1)
        .encode(y=place, x=alt.X("mark:T", scale=scale), description="hover:N"),
    ]
    return _configured(alt.layer(*layers).properties(width=_plot(rows, width), height={"step": _ROW}))


def _chart(rows: list[dict[str, Any]]) -> Any:
    import altair as alt

    return alt.Chart({"values": rows})


def _base(rows: Sequence[Bar]) -> Any:
    return _chart(
        [
            {
                "label": row.lines, "value": row.value, "low": row.low, "high": row.high,
                "hover": visible(row.hover), "against": row.against,
            }
            for row in rows
        ]
    )  # fmt: skip


def _place(rows: Sequence[Bar], width: int) -> Any:
    import altair as alt

    axis = alt.Axis(
        labelLimit=int(width * _LABEL_SHARE), ticks=False, domain=False, labelExpr="split(datum.label, '\\n')"
    )
    return alt.Y("label:N", sort=[row.lines for row in rows], title=None, axis=axis)


def _intervals(base: Any, place: Any) -> list[Any]:
    """A line from end to end with a stroke at each."""
    known = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    return [
        known.mark_rule(color=INK, strokeWidth=1.5).encode(
            y=place, x="low:Q", x2="high:Q", description="hover:N"
        ),
        known.mark_tick(color=INK, thickness=1.5, size=9).encode(y=place, x="low:Q", description="hover:N"),
        known.mark_tick(color=INK, thickness=1.5, size=9).encode(y=place, x="high:Q", description="hover:N"),
    ]


def _axis(axis: Axis) -> Any:
    import altair as alt

    more = {"values": [0.01, 0.1, 1, 10, 100, 1000]} if axis.log else {"tickCount": 5}
    return alt.Axis(format=axis.format, **more) if axis.format else alt.Axis(**more)


def _time_axis(width: int) -> Any:
    import altair as alt

    return alt.Axis(format="%-d %b", tickCount=4 if width < 500 else 8, labelFlush=True, grid=False)


def _plot(rows: Sequence[Any], width: int) -> int:
    """Width that is left for the plot beside the labels, by a generous guess of how wide a letter is."""
    labels = (row.lines if isinstance(row, Bar) else row["label"] for row in rows)
    label = max((len(line) for text in labels for line in text.split("\n")), default=0)
    return int(width - min(label * 8.4, width * _LABEL_SHARE) - 26)


def _finished(chart: Any, rows: Sequence[Bar], width: int) -> Any:
    step = 1.5 * _ROW if any(row.second for row in rows) else _ROW
    return _configured(chart.properties(width=_plot(rows, width), height={"step": step}))


def _configured(chart: Any) -> Any:
    text = {
        "labelFont": FONT,
        "titleFont": FONT,
        "labelFontSize": _MEASURED_PIXELS,
        "titleFontSize": _MEASURED_PIXELS,
    }
    return (
        chart.configure(background="transparent", padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            **text, labelColor=INK, titleColor=SOFT, titleFontWeight="normal", gridColor=LINE, domainColor=LINE,
            tickColor=LINE, titlePadding=8, labelPadding=6,
        )
    )  # fmt: skip
