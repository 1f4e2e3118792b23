"""How many there are: addresses a day, devices behind them, and what was never seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sensor.study.chao import chao2
from sensor.study.context import Context
from sensor.study.devices import browser, operating_system
from sensor.study.site_hosts import SiteHosts

COMPANY = (50, 250)
"""People in a medium-sized company (Commission Recommendation 2003/361/EC)."""
_MAIER = "Maier, Schneider, Feldmann 2011, NAT usage in residential broadband networks"
_CHAO = "Chao 1987, Biometrics 43"

Row = dict[str, Any]


def population(context: Context, site_hosts: SiteHosts, sites: int, evidence: pa.Table) -> dict[str, Any]:
    """Addresses active a day and the estimates.

    Parameters
    ----------
    context
        The study.
    site_hosts
        How often sites were met.
    sites
        Number of registrable domains.
    evidence
        Rows of the hosts table.
    """
    daily = addresses_per_day(context)
    median = context.bootstrap.median(daily)
    estimates = [_seen_addresses(context), _unseen_addresses(context)]
    if sites:
        estimates.append(_unseen_sites(site_hosts, sites))
    estimates += _devices(context, evidence.to_pylist())
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
    hosts, days = context.gathered.hosts, len(context.gathered.days)
    width = max(len(hosts.address.words), 1)
    kept = np.ones(len(hosts.day), bool)
    if block in hosts.block.words:
        kept = hosts.block.codes != hosts.block.words.index(block or "")
    pairs = np.unique(hosts.day[kept] * width + hosts.address.codes[kept])
    counts = np.bincount(pairs // width, minlength=days).astype(float)
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
    seen = len(set(context.gathered.hosts.address.codes.tolist()))
    return _estimate("counted", "inside addresses with use, over all days", seen, "flows", bound="lower")


def _unseen_addresses(context: Context) -> Row:
    hosts, days = context.gathered.hosts, context.gathered.days
    width = max(len(hosts.address.words), 1)
    pairs = np.unique(hosts.day * width + hosts.address.codes)
    met = np.bincount(pairs % width, minlength=width)
    bound = chao2(int((met > 0).sum()), int((met == 1).sum()), int((met == 2).sum()), max(len(days), 1))
    return _estimate(
        "Chao2",
        "inside addresses, those never seen included; sampling units are days",
        bound.value, _CHAO, low=bound.low, high=bound.high, bound="lower",
    )  # fmt: skip


def _unseen_sites(site_hosts: SiteHosts, sites: int) -> Row:
    bound = chao2(sites, site_hosts.seen_once, site_hosts.seen_twice, site_hosts.host_days)
    return _estimate(
        "Chao2",
        "sites in use, those never seen included; sampling units are host-days",
        bound.value, _CHAO, low=bound.low, high=bound.high, bound="lower",
    )  # fmt: skip


def _devices(context: Context, evidence: list[Row]) -> list[Row]:
    """Median over days of the sum over addresses of how many kinds of software each showed."""
    counters: tuple[tuple[str, str, Callable[[Row], int]], ...] = (
        ("operating systems", "devices a day by distinct operating systems and times to live", _systems),
        ("browsers", "devices a day by distinct pairs of operating system and browser", _browsers),
        (
            "JA4",
            "TLS clients a day by distinct JA4 fingerprints: kinds of software, not devices",
            _fingerprints,
        ),
    )
    merged = merge_evidence(evidence)
    if not merged:
        return []
    found = []
    for method, what, count in counters:
        per_day: Counter[date] = Counter()
        for (day, _, _), row in merged.items():
            per_day[day] += max(count(row), 1)
        daily = np.array([per_day.get(day, np.nan) for day in context.gathered.days], float)
        interval = context.bootstrap.median(daily)
        found.append(
            _estimate(method, what, interval["value"], _MAIER, low=interval["low"], high=interval["high"])
        )
    return found


def merge_evidence(evidence: list[Row]) -> dict[tuple[date, str, str], Row]:
    """Join the rows of one day, block and address, which restarts and several sensors leave apart."""
    merged: defaultdict[tuple[date, str, str], Row] = defaultdict(
        lambda: {"ttls": set(), "ja4s": set(), "user_agents": set()}
    )
    for row in evidence:
        entry = merged[row["day"], row["block"], row["inside_ip"]]
        for key in entry:
            entry[key].update(row[key] or ())
    return dict(merged)


def _systems(row: Row) -> int:
    systems = {system for agent in row["user_agents"] if (system := operating_system(agent))}
    return max(len(systems), len(row["ttls"]))


def _browsers(row: Row) -> int:
    pairs = {(operating_system(agent), browser(agent)) for agent in row["user_agents"]} - {(None, None)}
    return max(len(pairs), len(row["ttls"]))


def _fingerprints(row: Row) -> int:
    return len(row["ja4s"])


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
