"""What has to hold within and between the tables of a data set, whoever wrote it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sensor.dataset import tables as spec
from sensor.dataset.cells import WEEK_DAYS
from sensor.dataset.detail import ANY, COLUMNS, LEVELS, NAMES, OTHER, RARE
from sensor.dataset.evidence import ordered
from sensor.dataset.settings import Settings

Tables = dict[str, pa.Table]
_MOST_DAYS = timedelta(days=1)
_WEEK = timedelta(days=WEEK_DAYS - 1)


def faults(tables: Tables, settings: Settings) -> Iterator[tuple[str, str]]:
    """What does not hold: pairs of a file and a sentence."""
    for one in spec.TABLES:
        table = tables[one.name]
        if not table.equals(ordered(table, one)):
            yield one.path, f"its rows are not in order of {', '.join(one.key)}"
        elif _twice(table, one):
            yield one.path, f"two rows have the same {', '.join(one.key)}"
    for name, holds, says in _RULES:
        if tables[name].num_rows and not holds(tables[name], settings):
            yield _path(name), says
    if _by_base(tables["use"]) != _by_base(tables["hours"]):
        yield spec.HOURS.path, f"its flows of the same days and block are not those of {spec.USE.path}"


def _twice(table: pa.Table, one: spec.TableSpec) -> bool:
    keys = table.select(list(one.key))
    distinct: int = keys.group_by(list(one.key), use_threads=False).aggregate([]).num_rows
    return bool(distinct != table.num_rows)


def _path(name: str) -> str:
    return next(one.path for one in spec.TABLES if one.name == name)


def _by_base(table: pa.Table) -> Counter[tuple[date, date, str]]:
    found: Counter[tuple[date, date, str]] = Counter()
    columns = (table[key].to_pylist() for key in ("first_day", "last_day", "block", "flows"))
    for first, last, block, flows in zip(*columns, strict=True):
        found[first, last, block] += flows
    return +found


def _least(column: str, least: int) -> Callable[[pa.Table, Settings], bool]:
    return lambda table, _: bool(pc.min(table[column]).as_py() >= least)


def _multiple_of_k(table: pa.Table, settings: Settings) -> bool:
    return all(number % settings.k == 0 for number in table["inside_addresses"].to_pylist())


def _at_least_k(table: pa.Table, settings: Settings) -> bool:
    return bool(pc.min(table["inside_addresses"]).as_py() >= settings.k)


def _in_period(table: pa.Table, settings: Settings) -> bool:
    if settings.first_day is None or settings.last_day is None:
        return False
    first, last = date.fromisoformat(settings.first_day), date.fromisoformat(settings.last_day)
    return bool(pc.min(table["day"]).as_py() >= first and pc.max(table["day"]).as_py() <= last)


def _stretches_of_days(table: pa.Table, settings: Settings) -> bool:
    """Each row covers a day, a week counted from the first day, or the period."""
    if settings.first_day is None or settings.last_day is None:
        return False
    begin, end = date.fromisoformat(settings.first_day), date.fromisoformat(settings.last_day)
    pairs = set(zip(table["first_day"].to_pylist(), table["last_day"].to_pylist(), strict=True))
    return all(
        begin <= first <= last <= end
        and (
            first == last
            or (first, last) == (begin, end)
            or ((first - begin).days % WEEK_DAYS == 0 and last == min(first + _WEEK, end))
        )
        for first, last in pairs
    )


def _within_their_days(table: pa.Table, _: Settings) -> bool:
    """An hour has a day, the day lies in what the row covers, and a row of one day is of that day."""
    columns = (table[key].to_pylist() for key in ("first_day", "last_day", "day", "hour"))
    return all(
        (hour is None and first != last) if day is None else first <= day <= last
        for first, last, day, hour in zip(*columns, strict=True)
    )


def _near_period(table: pa.Table, settings: Settings) -> bool:
    """UTC days, of which the first and last may be a day beside those of the time zone."""
    if settings.first_day is None or settings.last_day is None:
        return False
    first, last = date.fromisoformat(settings.first_day), date.fromisoformat(settings.last_day)
    seen = pc.min_max(table["day"]).as_py()
    return bool(seen["min"] >= first - _MOST_DAYS and seen["max"] <= last + _MOST_DAYS)


def _on_a_level(table: pa.Table, _: Settings) -> bool:
    """Each row withholds what one of the levels withholds."""
    patterns = {tuple("any" if _kept_from(level, column) else "" for column in COLUMNS) for level in LEVELS}
    columns = [table[column].to_pylist() for column in COLUMNS]
    return all(tuple(_shape(row)) in patterns for row in set(zip(*columns, strict=True)))


def _kept_from(level: Any, column: str) -> bool:
    return column not in level.kept and column not in level.marked


def _shape(row: tuple[str | None, ...]) -> Iterator[str]:
    for column, word in zip(COLUMNS, row, strict=True):
        if word == (OTHER if column in NAMES else RARE):
            yield "wrong"
        else:
            yield "any" if word == ANY else ""


def _hours(table: pa.Table, _: Settings) -> bool:
    seen = pc.min_max(table["hour"]).as_py()
    return seen["min"] is None or (seen["min"] >= 0 and seen["max"] <= 23)


def _stretches(table: pa.Table, _: Settings) -> bool:
    edges = [edge for row in table.to_pylist() for edge in (row["start_us"], row["end_us"])]
    return edges == sorted(edges) and edges[0] >= 0 and edges[-1] < 1 << 53


_RULES: tuple[tuple[str, Callable[[pa.Table, Settings], bool], str], ...] = (
    ("use", _least("flows", 1), "a cell without a flow"),
    ("use", _least("bytes", 0), "a number of bytes below 0"),
    ("use", _least("packets", 0), "a number of packets below 0"),
    ("use", _stretches_of_days, "a row covers no day, week or period"),
    ("use", _on_a_level, "a row is told on no level of detail"),
    ("hours", _least("flows", 1), "an hour without a flow"),
    ("hours", _stretches_of_days, "a row covers no day, week or period"),
    ("hours", _within_their_days, "a day outside what the row covers"),
    ("hours", _hours, "an hour that no day has"),
    ("hosts", _at_least_k, "fewer than k inside addresses"),
    ("hosts", _in_period, "a day outside the period"),
    ("reach", _at_least_k, "fewer than k inside addresses"),
    ("reach", _multiple_of_k, "a number of addresses that is no multiple of k"),
    ("blocks", _multiple_of_k, "a number of addresses that is no multiple of k"),
    ("devices", _least("devices", 1), "a day without a device"),
    ("devices", _near_period, "a day outside the period"),
    ("apart", _least("flows", 1), "a kind without a flow"),
    ("totals", _least("value", 0), "a number below 0"),
    ("observed", _stretches, "stretches that overlap"),
)
