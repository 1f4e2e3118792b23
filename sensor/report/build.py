"""From a study's object to the report that every view draws."""

from __future__ import annotations

from typing import Any

from sensor.report import words
from sensor.report.model import Day, Figure, Found, Kind, Report, Table
from sensor.report.sections import SECTIONS
from sensor.report.sections.parts import table

TITLE = "Who they talk to"
_LISTS = (
    ("top", "service", "Services"),
    ("sites", "site", "Sites"),
    ("countries", "country", "Countries"),
    ("categories", "category", "Kinds of service"),
)
"""Lists of a day that a study may hold, by key, with what they name."""


def make_report(found: Found, simulated: str | None = None) -> Report:
    """Make the report of a study.

    Parameters
    ----------
    found
        What `sensor.study.study` returned.
    simulated
        Scenario the store was made from, as its manifest says; None for traffic that was seen.

    Returns
    -------
    Report
        The same for the same object.
    """
    return Report(
        title=f"{TITLE} (simulated data)" if simulated else TITLE,
        period=words.period(found),
        simulated=simulated,
        figures=tuple(_figures(found)),
        amount=tuple(_amount(found)),
        sections=tuple(section(found) for section in SECTIONS),
        days=tuple(_day(one) for one in found["timeline"]["daily"] if one["flows"]),
        caveats=tuple(found["caveats"]),
    )


def _figures(found: Found) -> list[Figure]:
    figures = []
    if found["services"]:
        first = found["services"][0]
        figures.append(_share(f"{first['service']}, the most used service", first["share_flows"]))
    if found["countries"]:
        first = found["countries"][0]
        figures.append(_share(f"{words.country(first['country'])}, the first country", first["share_flows"]))
        over = max(
            (one for one in found["countries"][1:] if one["quotient"] and (one["quotient"]["low"] or 0) > 1),
            key=lambda one: one["flows"], default=None,
        )  # fmt: skip
        if over is not None:
            times = words.decimal(over["quotient"]["value"], 2)
            figures.append(
                _share(
                    f"{words.country(over['country'])}, the largest above what is expected", over["share_flows"],
                    f"{times} times the expected share",
                )
            )  # fmt: skip
    if found["vpn"]["share_flows"]["value"] is not None:
        figures.append(_share("hidden by VPN, Tor and the like", found["vpn"]["share_flows"]))
    daily = found["population"]["inside_addresses_per_day"]
    if daily["median"] is not None:
        figures.append(
            Figure("addresses in use on a middling day", words.count(daily["median"]), words.number_interval(daily))
        )
    doubtful = [one for one in found["blocks"] if one["confidence"] == "low"]
    if doubtful:
        first = max(doubtful, key=lambda one: one["flows"])
        figures.append(_share(f"from {first['block']}, a block of doubtful origin", first["share_flows"]))
    return figures


def _share(label: str, interval: dict[str, Any], remark: str = "") -> Figure:
    return Figure(label, words.percent(interval["value"]), words.percent_interval(interval), remark)


def _amount(found: Found) -> list[str]:
    volume, span, loss = found["volume"], found["period"], found["loss"]
    lost = (
        f"{words.percent(loss['ratio'])} of packets lost" if loss["packets_seen"] else "loss in capture not known"
    )
    return [
        words.many(volume["flows"], "flow"),
        words.many(volume["packets"], "packet"),
        words.amount(volume["bytes"]),
        f"{words.count(span['days_with_data'])} of {words.many(span['days'], 'day')} with data",
        lost,
    ]


def _day(one: dict[str, Any]) -> Day:
    says = (
        f"{words.weekday(one['day'])}, {words.long_day(one['day'])}: {words.many(one['flows'], 'flow')}, "
        f"{words.amount(one['bytes'])}"
    )
    tables = tuple(_day_list(one, *what) for what in _LISTS if one.get(what[0]))
    return Day(one["day"], says, tables)


def _day_list(one: dict[str, Any], key: str, name: str, title: str) -> Table:
    rows = (
        (words.country(entry[name]) if name == "country" else entry[name], entry["flows"]) for entry in one[key]
    )
    return table(
        f"{one['day']}-{key}", f"{title} of {words.long_day(one['day'])}",
        [(name, Kind.TEXT), ("flows", Kind.COUNT)], rows,
    )  # fmt: skip
