"""From a study's object to the report that every view draws."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from sensor.report import words
from sensor.report.model import Day, Figure, Found, Kind, Report, Table
from sensor.report.sections import SECTIONS
from sensor.report.sections.parts import table

TITLE = "Who they talk to"
_LISTS = (
    ("top", "service", "services"),
    ("sites", "site", "sites"),
    ("countries", "country", "countries"),
    ("categories", "category", "kinds of service"),
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


def _figures(found: Found) -> Iterator[Figure]:
    if found["services"]:
        first = found["services"][0]
        yield _share(f"{first['service']}, the most used service", first["share_flows"])
    yield from _country_figures(found["countries"])
    if found["vpn"]["share_flows"]["value"] is not None:
        seen = len(found["vpn"]["services"])
        remark = f"{words.many(seen, 'service')} seen" if seen else ""
        yield _share("hidden by VPN, Tor and the like", found["vpn"]["share_flows"], remark)
    daily = found["population"]["inside_addresses_per_day"]
    if daily["median"] is not None:
        yield Figure(
            "addresses in use on a middling day", words.count(daily["median"]), words.number_interval(daily)
        )
    schools = [one for one in found["institutions"] if one["category"] == "education"]
    if schools:
        most = max(schools, key=lambda one: (len(one["institutions"]), one["flows"]))
        label = f"universities or schools reached in {words.country(most['country'])}"
        yield Figure(label, words.count(len(most["institutions"])))
    dated = [one for one in found["onsets"] if one["event"]]
    for one in sorted(dated or found["onsets"], key=lambda one: one["p_value"])[:1]:
        yield _onset_figure(one, found)
    doubtful = [one for one in found["blocks"] if one["confidence"] == "low"]
    if doubtful:
        first = max(doubtful, key=lambda one: one["flows"])
        yield _share(f"from {first['block']}, a block of doubtful origin", first["share_flows"])


def _country_figures(countries: list[dict[str, Any]]) -> Iterator[Figure]:
    """The first country, and the one that adds most to the difference from what was expected."""
    if not countries:
        return
    first = countries[0]
    yield _share(f"{words.country(first['country'])}, the first country", first["share_flows"])
    above = [one for one in countries if one["quotient"] and (one["quotient"]["low"] or 0) > 1]
    if above:
        most = max(above, key=lambda one: one["share_flows"]["value"] * math.log(one["quotient"]["value"]))
        times = words.decimal(most["quotient"]["value"], 2)
        label = f"{words.country(most['country'])}, the largest excess over what is expected"
        yield _share(label, most["share_flows"], f"{times} times the expected share")


def _onset_figure(one: dict[str, Any], found: Found) -> Figure:
    event = one["event"]
    remark = (
        f"{words.many(event['lag_days'], 'day')} after {event['name']}; {words.percent(event['chance'])} of random "
        "days lie as near"
        if event
        else ""
    )
    return Figure(f"the day {one['series']} began", words.day_of(one["onset_day"], found), "", remark)


def _share(label: str, interval: dict[str, Any], remark: str = "") -> Figure:
    return Figure(label, words.percent(interval["value"]), words.percent_interval(interval), remark)


def _amount(found: Found) -> list[str]:
    volume, span, loss = found["volume"], found["period"], found["loss"]
    lost = (
        f"{words.percent(loss['ratio'])} of packets lost"
        if loss["packets_seen"]
        else "loss in capture not known"
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
        (words.country(entry[name]) if name == "country" else entry[name], entry["flows"])
        for entry in one[key]
    )
    file = title.replace(" ", "-")
    return table(
        f"{one['day']}-{file}", f"{words.capital(title)} of {words.long_day(one['day'])}",
        [("kind" if name == "category" else name, Kind.TEXT), ("flows", Kind.COUNT)], rows,
    )  # fmt: skip
