"""Relays: blocks through which others reach the Internet; what goes out of them is told apart."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sensor.store.engine.rollup import Rollups
from sensor.study.devices import describe
from sensor.study.use import FLOWS, Window

_MOST_DEVICES = 200


def relays(engine: Rollups, window: Window) -> list[dict[str, Any]]:
    """Each relay's flows, devices and services.

    A device is told by its User-Agent; where only a TLS client hello was seen, by its JA4.
    """
    if not window.relays:
        return []
    use = window.shared(through_relays=True)
    services = engine.rollup(
        f"SELECT block, service, {FLOWS} AS flows FROM flows WHERE {use} GROUP BY 1, 2"
    ).to_pylist()
    days = window.in_days()
    evidence = engine.rollup(
        f"SELECT block, user_agents, ja4s FROM hosts WHERE {window.relayed()} AND {days}"
    ).to_pylist()
    devices: defaultdict[str, set[str]] = defaultdict(set)
    for row in evidence:
        told = {text for agent in row["user_agents"] or () if (text := describe(agent))}
        devices[row["block"]] |= told or {f"unknown device with JA4 {ja4}" for ja4 in row["ja4s"] or ()}
    found = []
    for block in window.relays:
        mine = [row for row in services if row["block"] == block]
        if not mine and block not in devices:
            continue
        named = sorted(
            (row for row in mine if row["service"] and row["flows"]),
            key=lambda row: (-row["flows"], row["service"]),
        )
        found.append(
            {
                "block": block,
                "flows": int(sum(row["flows"] for row in mine)),
                "devices": sorted(devices[block])[:_MOST_DEVICES],
                "services": [{"service": row["service"], "flows": int(row["flows"])} for row in named],
            }
        )
    return found
