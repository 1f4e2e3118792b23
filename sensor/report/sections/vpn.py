"""How much is meant to hide where it goes."""

from __future__ import annotations

from typing import Any

from sensor.report import charts, words
from sensor.report.changes import OBFUSCATION, changes
from sensor.report.charts import Axis, Bar
from sensor.report.model import Chart, Found, Kind, Section
from sensor.report.sections.parts import MOST_BARS, filled, no_data, table

_COLUMNS = (
    ("flows", Kind.COUNT), ("bytes", Kind.BYTES), ("addresses inside", Kind.COUNT), ("first day", Kind.TEXT),
    ("last day", Kind.TEXT),
)  # fmt: skip


def vpn(found: Found) -> Section:
    """The section on VPN and other obfuscation."""
    key, title, question = "vpn", "What is hidden", "How much goes through VPN, Tor and the like?"
    hidden = found["vpn"]
    share = hidden["share_flows"]
    if share["value"] is None:
        return no_data(key, title, question)
    return Section(
        key, title, question,
        means=tuple(_means(hidden)),
        cannot=(
            "Encryption is not hiding: nearly all of the web is encrypted today, and that is not counted here.",
            "What goes through a VPN is unseen. Its users may be locals or foreigners, at home or at work.",
        ),
        changes=changes(found, lambda finding: finding == OBFUSCATION),
        charts=_chart(hidden),
        tables=filled(
            table("vpn-services", "Services that hide", [("service", Kind.TEXT), *_COLUMNS],
                  (_row(one, "service") for one in hidden["services"])),
            table("vpn-protocols", "Protocols that hide", [("protocol", Kind.TEXT), *_COLUMNS],
                  (_row(one, "application") for one in hidden["protocols"])),
        ),
    )  # fmt: skip


def _row(one: dict[str, Any], name: str) -> tuple[Any, ...]:
    return (one[name], one["flows"], one["bytes"], one["inside_addresses"], one["first_day"], one["last_day"])


def _means(hidden: dict[str, Any]) -> list[str]:
    share, services = hidden["share_flows"], hidden["services"]
    said = [f"{words.percent(share['value'])} of all flows{words.surely(share)} hide where they go."]
    if services:
        names = words.listed([one["service"] for one in services[:10]])
        said.append(f"{words.capital(words.spelled(len(services)))} such services were seen: {names}."
                    if len(services) > 1 else f"One such service was seen: {names}.")  # fmt: skip
    else:
        said.append("No service of this kind was seen by name.")
    return said


def _chart(hidden: dict[str, Any]) -> tuple[Chart, ...]:
    rows = [
        Bar(name, one["flows"], None, None, f"{name}: {words.many(one['flows'], 'flow')}")
        for one, name in (
            *((one, one["service"]) for one in hidden["services"]),
            *((one, f"{one['application']} (protocol)") for one in hidden["protocols"]),
        )
    ][:MOST_BARS]
    if not rows:
        return ()
    axis = Axis("Flows", format="~s")
    return (
        Chart("vpn", "Flows by service and protocol", f"{'; '.join(row.hover for row in rows)}.",
              lambda width: charts.bars(rows, axis, width)),
    )  # fmt: skip
