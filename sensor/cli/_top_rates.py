"""What two looks at a sensor come to: rates of everything that is counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Look", "Row", "look"]

MOST_ROWS = 40


@dataclass(frozen=True)
class Row:
    """A name with what was counted of it, per second and in all; the meaning of the numbers is the table's."""

    name: tuple[str, ...]
    per_second: tuple[float, ...]
    total: tuple[int, ...]


@dataclass(frozen=True)
class Look:
    """One look: the tables that are shown, each with the largest rows first."""

    seconds: float
    interfaces: list[Row] = field(default_factory=list)
    losses: list[Row] = field(default_factory=list)
    blocks: list[Row] = field(default_factory=list)
    services: list[Row] = field(default_factory=list)
    applications: list[Row] = field(default_factory=list)
    names: list[dict[str, Any]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)


LOSSES = {
    "kernel": "packets_dropped_kernel",
    "interface": "packets_dropped_interface",
    "store": "packets_dropped_store",
    "prefilter": "packets_prefiltered",
}


def look(before: dict[str, Any] | None, now: dict[str, Any]) -> Look:
    """Compare two answers to ``status``; without an earlier one, with the start of the sensor."""
    snapshot = now["snapshot"]
    if before is None or before["began"] != now["began"]:
        earlier: dict[str, Any] = {}
        seconds = max(now["time"] - now["began"], 1e-3)
    else:
        earlier = before["snapshot"]
        seconds = max(now["time"] - before["time"], 1e-3)
    return Look(
        seconds,
        _compared(_interfaces(earlier), _interfaces(snapshot), seconds),
        _compared(_losses(earlier), _losses(snapshot), seconds),
        _compared(_sums(earlier, "blocks", 1), _sums(snapshot, "blocks", 1), seconds),
        _compared(_sums(earlier, "services", 2), _sums(snapshot, "services", 2), seconds),
        _compared(_sums(earlier, "applications", 2), _sums(snapshot, "applications", 2), seconds),
        now["names"],
        _facts(now),
    )


Sums = dict[tuple[str, ...], tuple[int, ...]]


def _interfaces(snapshot: dict[str, Any]) -> Sums:
    keys = ("packets_seen", "bytes_seen", "packets_matched", "packets_unmatched", "packets_malformed")
    return {
        (name,): tuple(counts[key] for key in keys) for name, counts in snapshot.get("interfaces", {}).items()
    }


def _losses(snapshot: dict[str, Any]) -> Sums:
    return {
        (name, reason): (counts[key],)
        for name, counts in snapshot.get("interfaces", {}).items()
        for reason, key in LOSSES.items()
    }


def _sums(snapshot: dict[str, Any], table: str, names: int) -> Sums:
    """Rows by their first ``names`` columns."""
    sums: defaultdict[tuple[str, ...], tuple[int, ...]] = defaultdict(tuple)
    rows: Iterable[list[Any]] = snapshot.get(table, [])
    for row in rows:
        sums[tuple(row[:names])] = tuple(row[names:])
    return dict(sums)


def _compared(before: Sums, now: Sums, seconds: float) -> list[Row]:
    rows = []
    for name, total in now.items():
        last = before.get(name, (0,) * len(total))
        rows.append(
            Row(name, tuple((new - old) / seconds for new, old in zip(total, last, strict=True)), total)
        )
    rows.sort(key=lambda row: (-sum(row.per_second), -sum(row.total), row.name))
    return rows[:MOST_ROWS]


def _facts(now: dict[str, Any]) -> list[tuple[str, str]]:
    snapshot, store, rules = now["snapshot"], now["store"], now["rules"]
    counts = rules["counts"]
    facts = [
        ("flows alive", f"{snapshot['active_flows']:,}"),
        ("rows stored", f"{sum(store['rows'].values()):,}"),
        (
            "rules",
            f"{counts['blocks']:,} blocks, {counts['prefixes']:,} prefixes, {counts['services']:,} services",
        ),
    ]
    if not rules["successful"]:
        facts.append(("RULES", "the last reload was refused, the old ones are in force"))
    if store["failure"]:
        facts.append(("STORE", store["failure"]))
    if now["links_down"]:
        facts.append(("LINKS DOWN", ", ".join(now["links_down"])))
    return facts
