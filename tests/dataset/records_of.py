"""Which records stand behind each row of a data set, found out anew from the store and the words of the rows."""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from sensor.dataset.detail import COLUMNS, LEVELS, Level
from sensor.store.engine.duckdb import connect
from sensor.study.sites import SiteFinder
from tests.dataset.stores import STUDY, K

Key = tuple[Any, ...]
HALF_AN_HOUR_AHEAD = "INTERVAL 510 MINUTES"
"""Pyongyang's time in 2017."""


class Record(NamedTuple):
    """One record of use."""

    day: Any
    hour: int
    host: str
    begins: bool
    what: dict[str, str | None]


def use_of(store: Path, hidden: frozenset[str]) -> list[Record]:
    """The records of use, DNS left out; names that may not leave are hidden."""
    assert STUDY.timezone == "Asia/Pyongyang"
    listed = ", ".join(column for column in COLUMNS if column != "site")
    rows = connect(store).sql(
        f"SELECT start_time + {HALF_AN_HOUR_AHEAD} AS moment, inside_ip, record = 0 AS begins, {listed} FROM flows "
        "WHERE scope = 'external' AND tunnel IS NULL AND initiator = 'inside' AND answered "
        "AND (application IS NULL OR application <> 'dns')"
    )
    finder = SiteFinder()
    found = []
    for row in (dict(zip(rows.columns, values, strict=True)) for values in rows.fetchall()):
        moment, host, begins = row.pop("moment"), row.pop("inside_ip"), row.pop("begins")
        name = "(rare)" if row["name"] in hidden else row["name"]
        site = name if name in {None, "(rare)"} else finder(name)
        found.append(Record(moment.date(), moment.hour, host, begins, row | {"name": name, "site": site}))
    return found


class Step(NamedTuple):
    """A level: the key of a record's group, in which order groups come, whether small ones take cells in."""

    key: Callable[[Record], Key]
    order: Callable[[Key], Any]
    takes_in: bool


def cells_of(records: list[Record]) -> dict[Key, list[Record]]:
    """The records of each row of ``use``."""
    begin, end = (min(one.day for one in records), max(one.day for one in records))

    def key(level: Level, one: Record) -> Key:
        return (*covered(one.day, level.stretch.value, begin, end), *words(one, level))

    return divide(
        records, [Step(partial(key, level), partial(_order, level), level.takes_in) for level in LEVELS]
    )


def hours_of(records: list[Record]) -> dict[Key, list[Record]]:
    """The records of one base group by day and hour, by the same rule."""

    def none_first(key: Key) -> Any:
        return [(one is not None, one) for one in key]

    keys: list[Callable[[Record], Key]] = [
        lambda one: (one.day, one.hour),
        lambda one: (one.day, None),
        lambda one: (None, None),
    ]
    return divide(records, [Step(key, none_first, number == 2) for number, key in enumerate(keys)])


def divide(records: list[Record], steps: list[Step]) -> dict[Key, list[Record]]:
    """The rule in the data set's README, in plain words."""
    found: dict[Key, list[Record]] = {}
    for step in steps:
        told = {id(one) for members in found.values() for one in members}
        groups: defaultdict[Key, list[Record]] = defaultdict(list)
        for one in records:
            groups[step.key(one)].append(one)
        small = []
        for key in sorted(groups, key=step.order):
            left = [one for one in groups[key] if id(one) not in told]
            if len(hosts(left)) >= K:
                found[key] = left
            elif left and step.takes_in:
                small.append((key, left))
        for key, left in small:
            _take_in(found, key, left, {id(one) for one in groups[key]})
    return found


def _take_in(found: dict[Key, list[Record]], key: Key, left: list[Record], group: set[int]) -> None:
    """The smallest cells first; of equal ones the first found."""
    within = [one for one, members in found.items() if {id(record) for record in members} <= group]
    owing = sum(one.begins for one in left)
    taken: list[Key] = []
    for one in sorted(within, key=lambda cell: len(hosts(found[cell]))):
        if len(hosts(left)) >= K and owing <= 0:
            break
        taken.append(one)
        left = left + found[one]
        owing -= sum(record.begins for record in found[one])
    if len(hosts(left)) >= K:
        for one in taken:
            del found[one]
        found[key] = left


def _order(level: Level, key: Key) -> tuple[Any, ...]:
    """By day, then by the words that are told, then by whether there is one."""
    first, _, *told = key
    by_column = dict(zip(COLUMNS, told, strict=True))
    there = [(by_column[column] is not None, by_column[column] or "") for column in level.kept]
    return (first, there, [by_column[column] is not None for column in level.marked])


def covered(day: Any, stretch: str, begin: Any, end: Any) -> tuple[Any, Any]:
    """First and last day of the stretch around a day."""
    if stretch == "day":
        return day, day
    if stretch == "period":
        return begin, end
    first = begin + timedelta(days=(day - begin).days // 7 * 7)
    return first, min(first + timedelta(days=6), end)


def words(one: Record, level: Level) -> tuple[str | None, ...]:
    """What a level tells of a record."""
    return tuple(level.word(column, one.what[column]) for column in COLUMNS)


def hosts(records: list[Record]) -> set[str]:
    """Who began a flow."""
    return {one.host for one in records if one.begins}
