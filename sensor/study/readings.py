"""Everything that a study reads, wherever it lies: in a store, or in a data set made of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sensor.store.engine.rollup import Rollups
from sensor.study.coverage import Covered, count_covered
from sensor.study.device_days import DeviceDays, read_device_days
from sensor.study.gather import Gathered, gather
from sensor.study.relays import relays
from sensor.study.site_days import SiteDays, first_sites
from sensor.study.site_hosts import SiteHosts, count_site_hosts, sorted_sites
from sensor.study.sites import Site, find_sites
from sensor.study.use import Window


@dataclass(frozen=True)
class Readings:
    """What every question is answered from.

    Attributes
    ----------
    gathered
        The rollups.
    covered
        How many flows have a name and a service.
    sites
        Registrable domains with what came to them.
    site_hosts
        Who visited them.
    site_days
        The first of each day.
    devices
        Told apart each day.
    relays
        The section on relays.
    """

    gathered: Gathered
    covered: Covered
    sites: dict[str, Site]
    site_hosts: SiteHosts
    site_days: SiteDays
    devices: DeviceDays
    relays: list[dict[str, Any]]


def read_store(engine: Rollups, window: Window, protocols: Sequence[str]) -> Readings:
    """Read a store.

    Parameters
    ----------
    engine
        Over the store.
    window
        Which records count.
    protocols
        Applications of which the inside addresses are counted.
    """
    gathered = gather(engine, window, protocols)
    sites, site_of = find_sites(gathered)
    return Readings(
        gathered,
        count_covered(gathered),
        sites,
        count_site_hosts(engine, site_of),
        first_sites(engine, sorted_sites(site_of)),
        read_device_days(engine, window),
        relays(engine, window),
    )
