"""The first sites of each day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from sensor.store.engine.rollup import Rollups
from sensor.study.facts import day_numbers, positions
from sensor.study.gather import NAME_HOSTS
from sensor.study.site_hosts import SITE_OF_NAME
from sensor.study.sites import shown_name

_MOST = 15


def day_sites(engine: Rollups, days: Sequence[date], site_of: dict[str, str]) -> list[list[dict[str, Any]]]:
    """The sites with most flows on each day, the first of the alphabet where several have as many.

    Parameters
    ----------
    engine
        Over the store, with `NAME_HOSTS` kept and `SITE_OF_NAME` lent.
    days
        The days of the study.
    site_of
        The site of each name.
    """
    words = sorted(set(site_of.values()))
    # Sites are numbered in the order of the alphabet.
    table = engine.rollup(
        "SELECT local_day, site, flows FROM (SELECT local_day, site, flows, "
        "row_number() OVER (PARTITION BY local_day ORDER BY flows DESC, site) AS place FROM ("
        f"SELECT local_day, site, sum(flows) AS flows FROM {NAME_HOSTS} JOIN {SITE_OF_NAME} USING (name) "
        f"GROUP BY 1, 2) AS counted) AS placed WHERE place <= {_MOST} ORDER BY local_day, place"
    )
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    position, inside = positions(day_numbers(table["local_day"]), days)
    rows = zip(
        position.tolist(), inside.tolist(), table["site"].to_pylist(), table["flows"].to_pylist(), strict=True
    )
    for day, is_inside, site, flows in rows:
        if is_inside:
            found[day].append({"site": shown_name(words[site]), "flows": int(flows)})
    return [found[number] for number in range(len(days))]
