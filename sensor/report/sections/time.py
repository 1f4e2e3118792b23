"""When the networks are used: by day, and by hour of the week."""

from __future__ import annotations

from typing import Any

from sensor.report import charts, words
from sensor.report.model import Chart, Found, Kind, Section
from sensor.report.sections.parts import filled, no_data, table

_BUSY = 0.5
"""An hour with at least this part of the busiest one's flows is a busy hour."""


def time(found: Found) -> Section:
    """The section on days and hours."""
    key, title, question = "time", "When", "On which days and at which hours?"
    daily = [one for one in found["timeline"]["daily"] if one["flows"]]
    if not daily:
        return no_data(key, title, question)
    week = found["timeline"]["hour_of_week"]
    return Section(
        key, title, question,
        means=(_typical(daily), *_hours(week, found["period"]["timezone"])),
        cannot=(
            ("Office hours suggest offices and evenings suggest homes, but programs also work by the clock: updates "
            "and backups run without anybody at the keyboard."),
        ),
        charts=(_daily_chart(found["timeline"]["daily"]), *_week_chart(week, found["period"]["timezone"])),
        tables=filled(
            table("days", "Every day",
                  [("day", Kind.TEXT), ("weekday", Kind.TEXT), ("flows", Kind.COUNT), ("bytes", Kind.BYTES),
                   ("packets", Kind.COUNT), ("most used", Kind.TEXT)],
                  ((one["day"], words.weekday(one["day"]), one["flows"], one["bytes"], one["packets"],
                    ", ".join(top["service"] for top in one["top"])) for one in found["timeline"]["daily"])),
            table("week", "Flows by hour of the week",
                  [("hour", Kind.TEXT), *((name, Kind.COUNT) for name in words.WEEKDAYS)],
                  ((f"{hour:02}:00", *(row[hour] for row in week)) for hour in range(24))
                  if any(map(any, week)) else ()),
        ),
    )  # fmt: skip


def _typical(daily: list[dict[str, Any]]) -> str:
    flows = sorted(one["flows"] for one in daily)
    middle = flows[len(flows) // 2]
    busiest = max(daily, key=lambda one: one["flows"])
    if len(daily) == 1:
        return f"There is one day with data, {words.long_day(busiest['day'])}: {words.many(middle, 'flow')}."
    return (
        f"On a middling day there were {words.many(middle, 'flow')}; the busiest was {words.weekday(busiest['day'])}, "
        f"{words.long_day(busiest['day'])}, with {words.count(busiest['flows'])}."
    )


def _hours(week: list[list[int]], zone: str) -> list[str]:
    by_hour = [sum(row[hour] for row in week) for hour in range(24)]
    if sum(by_hour) < 24:
        return []
    busy = [hour for hour in range(24) if by_hour[hour] >= _BUSY * max(by_hour)]
    said = []
    if len(busy) < 24 and busy == list(range(busy[0], busy[-1] + 1)):
        said.append(
            f"Most of it falls between {busy[0]}:00 and {busy[-1] + 1}:00 ({zone}): outside those hours there is less "
            "than half of what the busiest hour has."
        )
    by_day = [sum(row) for row in week]
    if all(by_day):
        weekend, working = sum(by_day[5:]) / 2, sum(by_day[:5]) / 5
        said.append(_weekend(weekend / working))
    return said


def _weekend(ratio: float) -> str:
    if abs(ratio - 1) < 0.05:
        return "Weekends are as busy as working days."
    more = "busier" if ratio > 1 else "quieter"
    return f"A day of the weekend is {words.percent(abs(ratio - 1))} {more} than a working day."


def _daily_chart(daily: list[dict[str, Any]]) -> Chart:
    rows = [
        {"day": f"{one['day']}T00:00:00Z", "value": one["flows"],
         "hover": f"{words.weekday(one['day'])}, {words.long_day(one['day'])}: {words.many(one['flows'], 'flow')}"}
        for one in daily if one["flows"]
    ]  # fmt: skip
    flows = [one["value"] for one in rows]
    told = (
        f"A bar a day from {words.long_day(daily[0]['day'])} to {words.long_day(daily[-1]['day'])}, between "
        f"{words.count(min(flows))} and {words.many(max(flows), 'flow')}. Days without data have no bar."
    )
    return Chart("daily", "Flows a day", told, lambda width: charts.days(rows, "Flows", width))


def _week_chart(week: list[list[int]], zone: str) -> tuple[Chart, ...]:
    most = max(map(max, week))
    if not most:
        return ()
    rows: list[dict[str, Any]] = [
        {"day": name[:3], "hour": hour, "part": number / most,
         "hover": f"{name}, {hour}:00 to {hour + 1}:00: {words.many(number, 'flow')}"}
        for name, row in zip(words.WEEKDAYS, week, strict=True) for hour, number in enumerate(row)
    ]  # fmt: skip
    peak = max(rows, key=lambda one: float(one["part"]))
    told = f"Seven days by twenty-four hours; darker is busier. The busiest hour is {peak['hover']}."
    return (
        Chart("week", f"Flows by hour of the week ({zone})", told, lambda width: charts.week(rows, width)),
    )
