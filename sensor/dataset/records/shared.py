"""What several inside hosts share, and may be told beside their pseudonyms.

A value counts as shared if at least *k* inside hosts have it in the records that are told with a pseudonym. The
counts are those of what the data set shows: a name that is told as its site counts for the site.
"""

from __future__ import annotations

from sensor.dataset.records.desk import Desk
from sensor.dataset.records.embedded import RARE, NameGuard
from sensor.dataset.records.told import TOLD, protected_sql
from sensor.study.sites import SiteFinder

NAMES = "shown_names"
"""Kept: each ``name`` and what is ``shown`` of it."""
VALUES = "shared_values"
"""Kept: each ``value`` of a ``kind`` that enough hosts share."""
PROTECTED = "protected"
"""Kept: every ``address`` that is an inside one."""
LEFT_OUT = "left_out_blocks"
"""Kept: every ``block`` of which no record is told."""

SHARED_COLUMNS = ("service", "organisation", "category", "application", "country", "ja4")


def keep_protected(desk: Desk) -> None:
    """Keep every address that any table of the store calls inside, whichever days are asked for."""
    desk.keep(PROTECTED, protected_sql())


def keep_left_out_blocks(desk: Desk, in_time: str, k: int) -> str:
    """Keep the blocks in which somebody is, but fewer than *k*: there a block's name is a host's.

    Returns
    -------
    str
        SQL: the record is of another block.
    """
    desk.keep(
        LEFT_OUT,
        "SELECT block FROM (SELECT block, count(DISTINCT inside_ip) AS begun, "
        f"count(DISTINCT inside_ip) FILTER (WHERE {TOLD}) AS told FROM flows "
        f"WHERE {in_time} AND scope = 'external' AND initiator <> 'outside' GROUP BY block) AS each "
        f"WHERE begun BETWEEN 1 AND {k - 1} OR told BETWEEN 1 AND {k - 1}",
    )
    return f"block NOT IN (SELECT block FROM {LEFT_OUT})"


def keep_shared_values(desk: Desk, asked_for: str, k: int) -> None:
    """Keep the values of `SHARED_COLUMNS` that may be told."""
    each = [
        f"SELECT '{column}' AS kind, {column} AS value FROM flows WHERE {asked_for} AND {TOLD} "
        f"AND {column} IS NOT NULL GROUP BY {column} HAVING count(DISTINCT inside_ip) >= {k}"
        for column in SHARED_COLUMNS
    ]
    desk.keep(VALUES, " UNION ALL ".join(each))


def keep_shown_names(desk: Desk, asked_for: str, k: int) -> None:
    """Keep what is shown of each name: itself, its site, or that it is rare."""
    finder = SiteFinder()
    inside = (str(row["address"]) for row in desk.rows(f"SELECT address FROM {PROTECTED}"))
    guard = NameGuard(inside, finder)
    desk.function("guarded_name", lambda names: [None if one is None else guard(one) for one in names])
    desk.function("site_of_name", lambda names: [None if one is None else finder(one) for one in names])
    desk.keep(
        "name_hosts",
        f"SELECT DISTINCT name, inside_ip FROM (SELECT name, inside_ip FROM flows WHERE {asked_for} AND {TOLD} "
        f"UNION ALL SELECT unnest(names) AS name, inside_ip FROM flows WHERE {asked_for} AND {TOLD}) AS each "
        "WHERE name IS NOT NULL",
    )
    desk.keep(
        "guarded_names",
        "SELECT name, guarded_name(name) AS target FROM (SELECT DISTINCT name FROM name_hosts) AS each",
    )
    _climb(desk, "guarded_names", "sites_of_names", "site_of_name(target)", k)
    _climb(desk, "sites_of_names", NAMES, f"'{RARE}'", k)
    desk.keep(NAMES, f"SELECT name, target AS shown FROM {NAMES}")
    desk.drop("name_hosts", "guarded_names", "sites_of_names")


def _climb(desk: Desk, names: str, result: str, otherwise: str, k: int) -> None:
    """Keep targets that enough hosts share, and replace those of the other names."""
    desk.keep(
        result,
        f"SELECT name, CASE WHEN target IN (SELECT target FROM {names} JOIN name_hosts USING (name) "
        f"GROUP BY target HAVING count(DISTINCT inside_ip) >= {k}) THEN target ELSE {otherwise} END AS target "
        f"FROM {names}",
    )
