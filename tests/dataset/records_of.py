"""Which records stand behind each row of a data set, found out anew from the store and the words of the rows."""

from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from sensor.dataset.detail import ANY, COLUMNS, LEVELS
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


def cells_of(records: list[Record], dataset: Path) -> dict[Key, list[Record]]:
    """The records of each row of ``use``, by the rule in the data set's README.

    Which cells a day's left-over flows took in is seen by their not being there.
    """
    rows = pq.read_table(dataset / "data/use.parquet").to_pylist()
    there = {(row["day"], *(row[column] for column in COLUMNS)) for row in rows}
    found: defaultdict[Key, list[Record]] = defaultdict(list)
    for level in LEVELS:
        groups: defaultdict[Key, list[Record]] = defaultdict(list)
        for one in records:
            groups[one.day, *(level.word(column, one.what[column]) for column in COLUMNS)].append(one)
        large = {key for key, members in groups.items() if len(hosts(members)) >= K}
        for key in large:
            found[key if key in there else _day_alone(key[0])] += groups[key]
        records = [one for key, members in groups.items() if key not in large for one in members]
    for one in records:
        key = _day_alone(one.day)
        found[key if key in there else ("withheld",)].append(one)
    return dict(found)


def _day_alone(day: Any) -> Key:
    return (day, *(ANY for _ in COLUMNS))


def hosts(records: list[Record]) -> set[str]:
    """Who began a flow."""
    return {one.host for one in records if one.begins}
