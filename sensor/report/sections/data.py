"""How much was seen, what was lost, and what is not counted as use."""

from __future__ import annotations

from sensor.report import charts, words
from sensor.report.charts import Axis, Bar
from sensor.report.model import Chart, Found, Kind, Section, Table
from sensor.report.sections.parts import filled, table

APART = {
    "begun_outside": "begun outside (visitors, scans)",
    "unanswered": "never answered",
    "internal": "between watched addresses",
    "tunnelled": "inside tunnels",
    "unknown_initiator": "begun by nobody knows whom",
}


def data(found: Found) -> Section:
    """The section on the data itself."""
    return Section(
        "data", "The data", "How much was seen, and what was lost?",
        means=(*_seen(found), *_lost(found), *_named(found)),
        cannot=(
            ("A flow is one conversation between two addresses, such as fetching a page. "
            "It is neither a visit nor a person; opening one page can take dozens."),
        ),
        charts=_chart(found),
        tables=filled(_counts(found), _gaps(found)),
    )  # fmt: skip


def _seen(found: Found) -> list[str]:
    volume, apart = found["volume"], found["volume"]["apart"]
    if not volume["flows"]:
        return ["Nothing was seen that counts as use: no flow was begun inside and answered."]
    aside = sum(apart[key] for key in APART)
    reached = words.many(volume["outside_addresses"], "address", "addresses")
    use = f"{words.many(volume['flows'], 'flow')} were begun inside and answered, which is what counts as use here."
    return [
        f"{use} They reached {reached} and {words.many(volume['sites'], 'site')}.",
        f"{words.many(aside, 'other flow')} were no use and stand in no other number."
        if aside
        else "No other flow was seen.",
    ]


def _lost(found: Found) -> list[str]:
    loss = found["loss"]
    if not loss["packets_seen"]:
        return ["The store does not say how many packets the capture lost."]
    lost = (
        f"The capture lost {words.many(loss['packets_dropped'], 'packet')} ({words.percent(loss['ratio'])})"
        if loss["packets_dropped"]
        else "The capture lost no packet"
    )
    gaps = len(loss["gaps"])
    if not gaps:
        return [f"{lost}, and never fell silent for over an hour."]
    times = "once" if gaps == 1 else f"{words.spelled(gaps)} times"
    return [
        f"{lost}. It did not watch {times}, as listed below; that time counts as not observed, not as quiet."
    ]


def _named(found: Found) -> list[str]:
    coverage = found["coverage"]
    if coverage["named_share"] is None:
        return []
    return [
        (
            f"{words.percent(coverage['named_share'])} of the flows carried the name of whom they asked, and "
            f"{words.percent(coverage['classified_share'])} belong to a service that the rules know."
        )
    ]


def _chart(found: Found) -> tuple[Chart, ...]:
    volume = found["volume"]
    counted = [("use", volume["flows"]), *((text, volume["apart"][key]) for key, text in APART.items())]
    rows = [
        Bar(label, value, None, None, f"{label}: {words.many(value, 'flow')}")
        for label, value in counted
        if value
    ]
    if not rows:
        return ()
    told = "; ".join(row.hover for row in rows)
    axis = Axis("Flows", format="~s")
    return (
        Chart("data", "Flows that count as use, and flows set apart", f"{told}.",
              lambda width: charts.bars(rows, axis, width)),
    )  # fmt: skip


def _counts(found: Found) -> Table:
    volume, loss = found["volume"], found["loss"]
    rows = [
        ("flows of use", volume["flows"]),
        ("packets of use", volume["packets"]),
        ("bytes of use", volume["bytes"]),
        ("addresses inside with use", volume["inside_addresses"]),
        ("addresses outside reached", volume["outside_addresses"]),
        ("distinct names", volume["names"]),
        ("sites (registrable domains)", volume["sites"]),
        ("DNS questions", volume["dns_transactions"]),
        *((f"flows {text}, not counted", volume["apart"][key]) for key, text in APART.items()),
        ("packets seen by the capture", loss["packets_seen"]),
        ("packets lost by the capture", loss["packets_dropped"]),
        ("days of the study", found["period"]["days"]),
        ("days with data", found["period"]["days_with_data"]),
    ]
    return table("data", "What was counted", [("what", Kind.TEXT), ("number", Kind.COUNT)], rows)


def _gaps(found: Found) -> Table:
    rows = [(str(gap["start"]), str(gap["end"])) for gap in found["loss"]["gaps"]]
    return table("gaps", "Times without observation", [("from", Kind.TEXT), ("to", Kind.TEXT)], rows)
