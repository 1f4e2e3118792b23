"""The first sites of each day: names come down to sites inside the engine, and few of them leave it."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from sensor.store.engine.rollup import Rollups
from sensor.study.gather import NAME_HOSTS
from sensor.study.site_hosts import SITE_OF_NAME

SiteDays = dict[date, list[tuple[str, int]]]
"""By local day, the first sites with their flows."""
SHOWN_A_DAY = 15


def first_sites(engine: Rollups, sites: list[str]) -> SiteDays:
    """The first sites of each day, most flows first, of equal ones the first of the alphabet.

    Parameters
    ----------
    engine
        Over the store, with its `NAME_HOSTS` kept and `SITE_OF_NAME` lent.
    sites
        Every site, in the order of the numbers they were lent by.
    """
    table = engine.rollup(
        "SELECT local_day, site, flows FROM (SELECT local_day, site, flows, row_number() OVER ("
        "PARTITION BY local_day ORDER BY flows DESC, site) AS place FROM ("
        f"SELECT local_day, site, sum(flows) AS flows FROM {NAME_HOSTS} "
        f"JOIN {SITE_OF_NAME} USING (name) GROUP BY 1, 2) AS by_day) AS placed "
        f"WHERE place <= {SHOWN_A_DAY} ORDER BY local_day, place"
    )
    found: defaultdict[date, list[tuple[str, int]]] = defaultdict(list)
    for row in table.to_pylist():
        found[_day(row["local_day"])].append((sites[row["site"]], int(row["flows"])))
    return dict(found)


def _day(value: date | int) -> date:
    return value if isinstance(value, date) else date(1970, 1, 1) + timedelta(days=value)
