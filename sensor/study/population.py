"""How many there are: addresses a day, devices behind them, and what was never seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.study.chao import Bound, chao2
from sensor.study.context import Context
from sensor.study.device_days import DEVICE_METHODS, DeviceDays
from sensor.study.site_hosts import SiteHosts

COMPANY = (50, 250)
"""People in a medium-sized company (Commission Recommendation 2003/361/EC)."""
_MAIER = "Maier, Schneider, Feldmann 2011, NAT usage in residential broadband networks"
_CHAO = "Chao 1987, Biometrics 43"

Row = dict[str, Any]


def population(context: Context, site_hosts: SiteHosts, sites: int, devices: DeviceDays) -> dict[str, Any]:
    """Addresses active a day and the estimates.

    Parameters
    ----------
    context
        The study.
    site_hosts
        How often sites were met.
    sites
        Number of registrable domains.
    devices
        How many were told apart each day.
    """
    daily = addresses_per_day(context)
    median = context.bootstrap.median(daily)
    estimates = [_seen_addresses(context), _unseen_addresses(context)]
    if sites:
        estimates.append(_unseen_sites(site_hosts, sites))
    estimates += _devices(context, devices)
    estimates.append(_company(context, daily))
    return {
        "inside_addresses_per_day": {
            "median": median["value"], "low": median["low"], "high": median["high"],
        },
        "estimates": estimates,
    }  # fmt: skip


def addresses_per_day(context: Context, block: str | None = None) -> NDArray[np.float64]:
    """Distinct inside addresses with use on each day, NaN on a day that was not observed.

    Parameters
    ----------
    context
        The study.
    block
        Leave this block out.
    """
    counts = context.gathered.hosts.per_day(len(context.gathered.days), block)
    counts[context.observed_hours <= 0] = np.nan
    return counts


def _estimate(method: str, what: str, value: float | None, source: str, **rest: Any) -> Row:
    return {
        "method": method,
        "what": what,
        "value": value,
        "low": rest.get("low"),
        "high": rest.get("high"),
        "bound": rest.get("bound"),
        "source": source,
    }


def _seen_addresses(context: Context) -> Row:
    seen = context.gathered.hosts.seen()
    return _estimate("counted", "inside addresses with use, over all days", seen, "flows", bound="lower")


def _unseen_addresses(context: Context) -> Row:
    met = context.gathered.hosts.met()
    bound = None if met is None else chao2(*met, max(len(context.gathered.days), 1))
    return _bound("inside addresses, those never seen included; sampling units are days", bound)


def _unseen_sites(site_hosts: SiteHosts, sites: int) -> Row:
    met = site_hosts.met
    bound = None if met is None else chao2(sites, *met)
    return _bound("sites in use, those never seen included; sampling units are host-days", bound)


def _bound(what: str, bound: Bound | None) -> Row:
    """A lower bound by Chao's method, or that there is none to give."""
    value, low, high = (None, None, None) if bound is None else (bound.value, bound.low, bound.high)
    return _estimate("Chao2", what, value, _CHAO, low=low, high=high, bound="lower")


def _devices(context: Context, devices: DeviceDays) -> list[Row]:
    """Median over days of each way of counting."""
    found = []
    for method, per_day in devices.items():
        daily = np.array([per_day.get(day, np.nan) for day in context.gathered.days], float)
        interval = context.bootstrap.median(daily)
        found.append(
            _estimate(
                method, DEVICE_METHODS[method], interval["value"], _MAIER,
                low=interval["low"], high=interval["high"],
            )
        )  # fmt: skip
    return found


def _company(context: Context, daily: NDArray[np.float64]) -> Row:
    """How often a resampled median day has as many addresses as a medium-sized company has people."""
    inside = None
    if np.isfinite(daily).any():
        medians = context.bootstrap.medians(daily)
        inside = float(np.mean((medians >= COMPANY[0]) & (medians <= COMPANY[1])))
    return _estimate(
        f"{COMPANY[0]} to {COMPANY[1]}",
        "chance, between 0 and 1, that as many addresses are active a day as a medium-sized company has "
        "people; an address is no person",
        inside,
        "Commission Recommendation 2003/361/EC",
    )
