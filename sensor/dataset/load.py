"""A data set's tables as the readings of a study, so that the study of a store runs on them unchanged."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sensor.dataset.detail import ANY, MARKS
from sensor.dataset.settings import Settings
from sensor.dataset.spread import by_day
from sensor.dataset.words import read_knowledge
from sensor.study.calendar import days_between
from sensor.study.coverage import Covered
from sensor.study.facts import (
    DIMENSIONS,
    Dimension,
    Facts,
    day_numbers,
    encode,
    make_facts,
    numbers,
    positions,
)
from sensor.study.gather import Gathered, Hours
from sensor.study.readings import Readings
from sensor.study.site_days import SHOWN_A_DAY, SiteDays
from sensor.study.site_hosts import SiteHosts
from sensor.study.sites import Site, find_sites
from sensor.study.whole import conclude

Tables = dict[str, pa.Table]
_ACCOUNTED = (
    "packets_seen", "packets_dropped_kernel", "packets_dropped_interface", "packets_dropped_store",
    "packets_duplicate", "packets_malformed", "packets_truncated", "flows_evicted", "names_evicted",
)  # fmt: skip


@dataclass(frozen=True)
class ToldHosts:
    """Inside addresses of which only the numbers are told.

    Attributes
    ----------
    day, block, addresses
        Of each row of the table ``hosts``: position in the period, block, how many.
    reach
        Distinct addresses of each block over all days, a lower bound.
    registered
        Country of each block.
    """

    day: NDArray[np.int64]
    block: Dimension
    addresses: NDArray[np.float64]
    reach: dict[str, int]
    registered: dict[str, str | None]

    def per_day(self, days: int, without: str | None = None) -> NDArray[np.float64]:
        """See `sensor.study.hosts.HostCounts`: an address is in one block a day."""
        kept = np.ones(len(self.day), bool)
        if without in self.block.words:
            kept = self.block.codes != self.block.words.index(without or "")
        return np.bincount(self.day[kept], weights=self.addresses[kept], minlength=days).astype(float)

    def days_seen(self) -> list[int]:
        """See `sensor.study.hosts.HostCounts`."""
        return sorted(set(self.day.tolist()))

    def seen(self) -> int:
        """See `sensor.study.hosts.HostCounts`."""
        return sum(self.by_block().values())

    def by_block(self) -> dict[str, int]:
        """See `sensor.study.hosts.HostCounts`: no fewer than on the busiest day."""
        most = dict(self.reach)
        for code, addresses in zip(self.block.codes.tolist(), self.addresses.tolist(), strict=True):
            word = self.block.words[code]
            most[word] = max(most.get(word, 0), int(addresses))
        return most

    def met(self) -> None:
        """How often each was met is not told."""

    def registered_country(self, block: str) -> str | None:
        """See `sensor.study.hosts.HostCounts`."""
        return self.registered.get(block)


def conclude_from(tables: Tables, settings: Settings) -> dict[str, Any]:
    """Compute the report of a data set from its tables."""
    rows = {name: table.to_pylist() for name, table in tables.items() if name not in {"use", "hours"}}
    known = read_knowledge(rows, settings.expectation, settings.expectation_block)
    found = conclude(_readings(tables, rows, settings), known, settings.options, settings.simulated)
    remark = 1 if settings.simulated else 0
    found["caveats"][remark:remark] = list(_remarks(tables["use"], settings.k))
    return found


def _readings(tables: Tables, rows: dict[str, list[dict[str, Any]]], settings: Settings) -> Readings:
    options = settings.options
    first, last = options.asked_days
    days = () if first is None or last is None else tuple(days_between(first, last))
    use = tables["use"]
    daily = by_day(use, tables["hours"])
    totals = {row["what"]: row["value"] for row in rows["totals"]}
    names, site_of = _names(use)
    gathered = Gathered(
        days=days,
        one_way=settings.one_way,
        facts=_facts(daily, days),
        hours=_hours(tables["hours"], days),
        hosts=_hosts(tables["hosts"], rows["blocks"], days),
        dns_use={key: totals.get(f"dns_{key}", 0) for key in ("flows", "packets", "bytes")},
        apart=tables["apart"],
        names=names,
        service_hosts=_reach(rows["reach"], "service"),
        application_hosts=_reach(rows["reach"], "application"),
        outside_addresses=totals.get("outside_addresses", 0),
        accounting={key: totals.get(key, 0) for key in _ACCOUNTED},
        intervals=_intervals(rows["observed"]),
        dns_transactions=totals.get("dns_transactions", 0),
    )
    sites, _ = find_sites(gathered, site_of.__getitem__)
    return Readings(
        gathered,
        _covered(use),
        sites,
        SiteHosts(
            {row["word"]: row["inside_addresses"] for row in rows["reach"] if row["kind"] == "site"}, None
        ),
        _site_days(daily, sites),
        _devices(rows["devices"]),
        _relays(rows["relays"]),
    )


def _facts(daily: pa.Table, days: tuple[date, ...]) -> Facts:
    columns = {column: _told(daily[column]) for column in DIMENSIONS}
    measures = {measure: daily[measure] for measure in ("flows", "bytes", "packets")}
    return make_facts(pa.table({"local_day": daily["day"], **columns, **measures}), days)


def _told(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """What is not told is nothing that a study could count."""
    return pc.if_else(_is_mark(column), None, column)


def _is_mark(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(MARKS))


def _hours(table: pa.Table, days: tuple[date, ...]) -> Hours:
    table = table.filter(pc.is_valid(table["hour"]))
    day, inside = positions(day_numbers(table["day"]), days)
    block = encode(_told(table["block"]))
    return Hours(
        day[inside],
        table["hour"].to_numpy().astype(np.int64)[inside],
        Dimension(block.codes[inside], block.words),
        numbers(table["flows"])[inside],
    )


def _hosts(table: pa.Table, blocks: list[dict[str, Any]], days: tuple[date, ...]) -> ToldHosts:
    day, inside = positions(day_numbers(table["day"]), days)
    block = encode(table["block"])
    return ToldHosts(
        day[inside],
        Dimension(block.codes[inside], block.words),
        numbers(table["inside_addresses"])[inside],
        {row["block"]: row["inside_addresses"] for row in blocks if row["role"] != "relay"},
        {row["block"]: row["registered_country"] for row in blocks},
    )


def _names(use: pa.Table) -> tuple[pa.Table, dict[str, str]]:
    """Flows by name, service and country, where at least the site is told, and the site of each name."""
    use = use.filter(pc.and_(pc.is_valid(use["site"]), pc.invert(_is_mark(use["site"]))))
    name = pc.if_else(_is_mark(use["name"]), use["site"], use["name"])
    table = pa.table({"name": name, "service": _told(use["service"]), "country": _told(use["country"]),
                      "flows": use["flows"]})  # fmt: skip
    summed = table.group_by(["name", "service", "country"], use_threads=False).aggregate([("flows", "sum")])
    site_of = dict(zip(name.to_pylist(), use["site"].to_pylist(), strict=True))
    return summed.rename_columns({"flows_sum": "flows"}), site_of


def _covered(use: pa.Table) -> Covered:
    flows = numbers(use["flows"])

    def with_value(column: str) -> float:
        there = pc.and_(pc.is_valid(use[column]), pc.not_equal(use[column], ANY))
        return float(flows[pc.fill_null(there, fill_value=False).to_numpy()].sum())

    return Covered(with_value("name"), with_value("service"))


def _reach(rows: list[dict[str, Any]], kind: str) -> pa.Table:
    mine = [row for row in rows if row["kind"] == kind]
    return pa.table(
        {
            kind: pa.array([row["word"] for row in mine], pa.utf8()),
            "inside_addresses": pa.array([row["inside_addresses"] for row in mine], pa.int64()),
        }
    )


def _intervals(rows: list[dict[str, Any]]) -> pa.Table:
    # Half a microsecond keeps the number whole when it is cut down to microseconds again.
    return pa.table(
        {
            "time_ns": pa.array([row["start_us"] * 1000 for row in rows], pa.int64()),
            "interval_s": pa.array(
                [(row["end_us"] - row["start_us"] + 0.5) / 1e6 for row in rows], pa.float64()
            ),
        }
    )


def _site_days(daily: pa.Table, sites: dict[str, Site]) -> SiteDays:
    counts: defaultdict[date, Counter[str]] = defaultdict(Counter)
    for day, site, flows in zip(*(daily[key].to_pylist() for key in ("day", "site", "flows")), strict=True):
        if site in sites:
            counts[day][site] += flows
    return {
        day: sorted(by_site.items(), key=lambda one: (-one[1], one[0]))[:SHOWN_A_DAY]
        for day, by_site in counts.items()
    }


def _devices(rows: list[dict[str, Any]]) -> dict[str, dict[date, int]]:
    found: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for row in rows:
        found[row["method"]][row["day"]] = row["devices"]
    return dict(found)


def _relays(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for block in sorted({row["block"] for row in rows}):
        services = [row for row in rows if row["block"] == block and row["kind"] == "service"]
        named = [row for row in services if row["word"] not in {None, ANY} and row["flows"]]
        found.append(
            {
                "block": block,
                "flows": sum(row["flows"] for row in services),
                "devices": sorted(
                    row["word"] for row in rows if row["block"] == block and row["kind"] == "device"
                ),
                "services": [
                    {"service": row["word"], "flows": row["flows"]}
                    for row in sorted(named, key=lambda row: (-row["flows"], row["word"]))
                ],
            }
        )
    return found


def _remarks(use: pa.Table, k: int) -> list[str]:
    flows = numbers(use["flows"])
    total = float(flows.sum())
    if not total:
        return [f"Nothing is told: fewer than {k} inside addresses began a flow."]
    longer = pc.not_equal(use["first_day"], use["last_day"]).to_numpy()
    parts = [f"{100 * float(flows[longer].sum()) / total:.2g} % are told by the week or the whole period"]
    for column, said in (
        ("block", "block"),
        ("service", "service"),
        ("country", "country"),
        ("site", "site"),
    ):
        untold = pc.fill_null(_is_mark(use[column]), fill_value=False).to_numpy()
        parts.append(f"{100 * float(flows[untold].sum()) / total:.2g} % without {said}")
    return [
        (
            f"This report is made of a data set that tells nothing of fewer than {k} inside addresses. For that "
            f"reason, of its flows {', '.join(parts)}. What has no day of its own is put on days as other such flows "
            "are, so what is rare begins and ends by the week; what has no word of its own counts in every share's "
            "whole, so what is said of one service, country or site is the least it can be. Addresses over the whole "
            f"period are rounded down to multiples of {k}. What would need more is left empty."
        )
    ]
