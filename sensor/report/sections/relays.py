"""What goes out through relays: exits of VPN and rented servers, apart from the blocks themselves."""

from __future__ import annotations

from sensor.report import charts, words
from sensor.report.charts import Axis, Bar
from sensor.report.model import Chart, Found, Kind, Section
from sensor.report.sections.parts import MOST_BARS, filled, no_data, table


def relays(found: Found) -> Section:
    """The section on relays."""
    key, title, question = "relays", "Relays", "What goes out through exits of VPN and rented servers?"
    listed = found["relays"]
    if not listed:
        return no_data(
            key,
            title,
            question,
            "No relay is among the watched blocks, so what leaves through one is not known.",
        )
    return Section(
        key, title, question,
        means=tuple(
            f"Through {one['block']} went {words.many(one['flows'], 'flow')} of "
            f"{words.many(len(one['devices']), 'kind of device', 'kinds of device')}"
            + (f", most of them to {one['services'][0]['service']}." if one["services"] else ".")
            for one in listed
        ),
        cannot=(
            ("A relay mixes people. That something went through it does not tie it to the watched networks, and none "
            "of it is in any other number here."),
        ),
        charts=tuple(chart for one in listed for chart in _chart(one)),
        tables=filled(
            table("relay-services", "Services through relays",
                  [("relay", Kind.TEXT), ("service", Kind.TEXT), ("flows", Kind.COUNT)],
                  ((one["block"], service["service"], service["flows"])
                   for one in listed for service in one["services"])),
            table("relay-devices", "Devices behind relays, by what they say of themselves",
                  [("relay", Kind.TEXT), ("device", Kind.TEXT)],
                  ((one["block"], device) for one in listed for device in one["devices"])),
        ),
    )  # fmt: skip


def _chart(one: Found) -> tuple[Chart, ...]:
    rows = [
        Bar(service["service"], service["flows"], None, None,
            f"{service['service']}: {words.many(service['flows'], 'flow')}")
        for service in one["services"][:MOST_BARS]
    ]  # fmt: skip
    if not rows:
        return ()
    axis = Axis("Flows", format="~s")
    # A block's name is a word of letters, digits and dashes, so that it can stand in an identifier.
    return (
        Chart(f"relay-{one['block']}", f"Services through {one['block']}",
              f"{'; '.join(row.hover for row in rows)}.", lambda width: charts.bars(rows, axis, width)),
    )  # fmt: skip
