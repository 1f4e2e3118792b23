"""Devices of a day: the sum over addresses of how many kinds of software each showed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from sensor.store.engine.rollup import Rollups
from sensor.study.devices import browser, operating_system
from sensor.study.use import Window

Row = dict[str, Any]
DeviceDays = dict[str, dict[date, int]]
"""By way of counting, the devices of each day; without any evidence there is no way."""

DEVICE_METHODS = {
    "operating systems": "devices a day by distinct operating systems and times to live",
    "browsers": "devices a day by distinct pairs of operating system and browser",
    "JA4": "TLS clients a day by distinct JA4 fingerprints: kinds of software, not devices",
}
"""Ways of counting, and what each counts."""


def read_device_days(engine: Rollups, window: Window) -> DeviceDays:
    """Count the devices of a store's days.

    Parameters
    ----------
    engine
        Over the store.
    window
        Which days and blocks count.
    """
    evidence = engine.rollup(
        "SELECT day, block, inside_ip, ttls, ja4s, user_agents FROM hosts "
        f"WHERE {window.in_days()} AND {window.not_relayed()}"
    )
    return count_device_days(evidence.to_pylist())


def count_device_days(evidence: Iterable[Row]) -> DeviceDays:
    """Count devices in rows of the hosts table; an address is one at least."""
    merged = merge_evidence(evidence)
    if not merged:
        return {}
    found: DeviceDays = {}
    for method, count in _COUNTERS.items():
        per_day: Counter[date] = Counter()
        for (day, _, _), row in merged.items():
            per_day[day] += max(count(row), 1)
        found[method] = dict(per_day)
    return found


def merge_evidence(evidence: Iterable[Row]) -> dict[tuple[date, str, str], Row]:
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


_COUNTERS: dict[str, Callable[[Row], int]] = {
    "operating systems": _systems,
    "browsers": _browsers,
    "JA4": _fingerprints,
}
