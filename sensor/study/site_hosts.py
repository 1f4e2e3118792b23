"""Who visited each site, in host-days: the one rollup of names that is too large to bring along."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from sensor.store.engine.rollup import Rollups
from sensor.study.gather import NAME_HOSTS

SITE_OF_NAME = "site_of_name"
"""Lent to the engine: the number of each name's site."""


@dataclass(frozen=True)
class SiteHosts:
    """How often sites were met, a host-day being one inside address on one day.

    Attributes
    ----------
    inside_addresses
        Distinct inside addresses of each site.
    met
        How many sites were met on exactly one host-day, on exactly two, and how many host-days with a named
        flow there were; None where that is not known.
    """

    inside_addresses: dict[str, int]
    met: tuple[int, int, int] | None


def sorted_sites(site_of: dict[str, str]) -> list[str]:
    """Every site in the order of the numbers by which the engine knows them."""
    return sorted(set(site_of.values()))


def count_site_hosts(engine: Rollups, site_of: dict[str, str]) -> SiteHosts:
    """Count host-days by site; names come down to sites inside the engine.

    Parameters
    ----------
    engine
        Over the store, with its `NAME_HOSTS` kept.
    site_of
        The site of each name.
    """
    sites = {site: number for number, site in enumerate(sorted_sites(site_of))}
    engine.lend(
        SITE_OF_NAME,
        pa.table(
            {
                "name": pa.array(list(site_of), pa.utf8()),
                "site": pa.array([sites[site] for site in site_of.values()], pa.int64()),
            }
        ),
    )
    engine.keep(
        "site_hosts",
        f"SELECT site, inside_ip, count(DISTINCT local_day) AS days FROM {NAME_HOSTS} "
        f"JOIN {SITE_OF_NAME} USING (name) GROUP BY 1, 2",
    )
    table = engine.rollup(
        "SELECT site, count(*) AS inside_addresses, sum(days) AS host_days FROM site_hosts GROUP BY 1 ORDER BY 1"
    )
    met = [int(number) for number in table["host_days"].to_pylist()]
    words = list(sites)
    host_days = engine.rollup(
        f"SELECT count(*) AS host_days FROM (SELECT inside_ip, local_day FROM {NAME_HOSTS} GROUP BY 1, 2) AS pairs"
    )
    return SiteHosts(
        {
            words[site]: int(hosts)
            for site, hosts in zip(
                table["site"].to_pylist(), table["inside_addresses"].to_pylist(), strict=True
            )
        },
        (met.count(1), met.count(2), int(host_days["host_days"][0].as_py())),
    )
