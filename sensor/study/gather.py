"""Everything a study reads from its store: a handful of rollups, each one pass over a few columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sensor.store.engine.rollup import Rollups
from sensor.study.calendar import days_between, local_day, local_hour, shifts
from sensor.study.facts import Dimension, Facts, day_numbers, encode, make_facts, numbers, positions
from sensor.study.hosts import HostCounts, Hosts
from sensor.study.use import BYTES, DNS_APPLICATION, FLOWS, PACKETS, Window, is_one_of

USED = "used"
"""Kept in the engine: use by local hour, block and what a flow was."""
ACTIVE = "active"
"""Kept in the engine: inside addresses with use, by local day, block and application; and, in rows of their own
where `is_outside` is 1, the outside addresses."""
MINUTE_NS = 60_000_000_000
"""The accounting's interval. One that begins within a minute is the first of a capture that began then."""
NAME_HOSTS = "name_hosts"
"""Kept in the engine: flows by name, inside address, local day, service and country."""


@dataclass(frozen=True)
class Hours:
    """Use by local hour and block, DNS left out; an hour may have several rows."""

    day: NDArray[np.int64]
    hour: NDArray[np.int64]
    block: Dimension
    flows: NDArray[np.float64]


@dataclass(frozen=True)
class Gathered:
    """What was read of a store.

    Attributes
    ----------
    days
        Every local day of the period.
    one_way
        Unanswered flows count as use.
    facts, hours, hosts
        The rollups of use.
    dns_use
        Flows, packets and bytes of DNS flows that count as use.
    apart
        Flows by scope, tunnelled, initiator and answered.
    names
        Flows by name, service and country.
    service_hosts, application_hosts
        Distinct inside addresses of each.
    outside_addresses
        Distinct ones with use.
    accounting, intervals
        Sums of the accounting, and its distinct intervals of time.
    dns_transactions
        Rows of the dns table in the period.
    """

    days: tuple[date, ...]
    one_way: bool
    facts: Facts
    hours: Hours
    hosts: HostCounts
    dns_use: dict[str, int]
    apart: pa.Table
    names: pa.Table
    service_hosts: pa.Table
    application_hosts: pa.Table
    outside_addresses: int
    accounting: dict[str, int]
    intervals: pa.Table
    dns_transactions: int


def stored_days(engine: Rollups) -> tuple[date, date] | None:
    """First and last UTC day of the flows; None for a store without any."""
    row = engine.rollup("SELECT min(day) AS first, max(day) AS last FROM flows").to_pylist()[0]
    return None if row["first"] is None else (row["first"], row["last"])


def gather(engine: Rollups, window: Window, protocols: Sequence[str] = ()) -> Gathered:
    """Run the rollups.

    Parameters
    ----------
    engine
        Over the store.
    window
        Which records count.
    protocols
        Applications of which the inside addresses are counted.
    """
    _keep(engine, window)
    hosts = engine.rollup(
        f"SELECT local_day, block, inside_ip FROM {ACTIVE} WHERE is_outside = 0 GROUP BY 1, 2, 3"
    )
    wide = engine.rollup(
        f"SELECT {engine.whole('local_hour', 24)} AS local_day, block, service, organisation, category, "
        "application, country, sum(flows) AS flows, sum(bytes) AS bytes, sum(packets) AS packets "
        f"FROM {USED} GROUP BY 1, 2, 3, 4, 5, 6, 7"
    )
    hours = engine.rollup(
        f"SELECT local_hour, block, application, sum(flows) AS flows FROM {USED} GROUP BY 1, 2, 3"
    )
    days = _period(window, hosts)
    is_dns = _is_dns(wide)
    return Gathered(
        days=days,
        one_way=window.one_way,
        facts=make_facts(wide.filter(pc.invert(is_dns)), days),
        hours=_hours(hours.filter(pc.invert(_is_dns(hours))), days),
        hosts=_hosts(hosts, days),
        dns_use=_sums(wide.filter(is_dns), ("flows", "packets", "bytes")),
        apart=engine.rollup(
            "SELECT scope, tunnel IS NOT NULL AS tunnelled, initiator, answered, count(*) AS flows FROM flows "
            f"WHERE {window.in_time()} AND {window.not_relayed()} AND record = 0 "
            "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        ),
        names=engine.rollup(
            f"SELECT name, service, country, sum(flows) AS flows FROM {NAME_HOSTS} GROUP BY 1, 2, 3"
        ),
        service_hosts=engine.rollup(
            f"SELECT service, count(DISTINCT inside_ip) AS inside_addresses FROM {NAME_HOSTS} "
            "WHERE service IS NOT NULL GROUP BY 1 ORDER BY 1"
        ),
        application_hosts=engine.rollup(
            f"SELECT application, count(DISTINCT inside_ip) AS inside_addresses FROM {ACTIVE} "
            f"WHERE is_outside = 0 AND {is_one_of('application', protocols)} GROUP BY 1 ORDER BY 1"
        ),
        outside_addresses=engine.rollup(
            f"SELECT count(outside_ip) AS addresses FROM {ACTIVE} WHERE is_outside = 1"
        )["addresses"][0].as_py(),
        accounting=_accounting(engine, window),
        intervals=engine.rollup(
            f"SELECT time_ns, max(interval_s) AS interval_s FROM accounting WHERE {window.in_time('time')} "
            f"AND (packets_seen > 0 OR time_ns % {MINUTE_NS} <> 0) GROUP BY 1 ORDER BY 1"
        ),
        dns_transactions=int(
            engine.rollup(
                f"SELECT count(*) AS rows FROM dns WHERE {window.in_time('time')} AND {window.not_relayed()}"
            )["rows"][0].as_py()
        ),
    )


def _keep(engine: Rollups, window: Window) -> None:
    """Passes over the flows from whose results most is read.

    What makes a pass dear is finding each row's group: the more keys and groups, the dearer. Passes with what
    belongs together are cheaper than one with everything, whose groups are nearly as many as the rows.
    """
    stored = stored_days(engine) or (date(1970, 1, 1), date(1970, 1, 1))
    zone_shifts = shifts(window.zone, *stored)
    hour, day = (build(engine, "start_time", zone_shifts) for build in (local_hour, local_day))
    engine.keep(
        USED,
        f"SELECT {hour} AS local_hour, block, service, organisation, category, application, country, "
        f"{FLOWS} AS flows, {BYTES} AS bytes, {PACKETS} AS packets FROM flows WHERE {window.use()} "
        "GROUP BY 1, 2, 3, 4, 5, 6, 7",
    )
    engine.keep(
        ACTIVE,
        "SELECT local_day, block, inside_ip, application, outside_ip, GROUPING(inside_ip) AS is_outside FROM ("
        f"SELECT *, {day} AS local_day FROM flows WHERE {window.use()}) AS used "
        "GROUP BY GROUPING SETS ((local_day, block, inside_ip, application), (outside_ip))",
    )
    engine.keep(
        NAME_HOSTS,
        f"SELECT name, inside_ip, {day} AS local_day, service, country, count(*) AS flows FROM flows "
        f"WHERE {window.shared()} AND name IS NOT NULL AND record = 0 GROUP BY 1, 2, 3, 4, 5",
    )


def _is_dns(table: pa.Table) -> pa.ChunkedArray:
    return pc.fill_null(pc.equal(table["application"], DNS_APPLICATION), fill_value=False)


def _sums(table: pa.Table, columns: Sequence[str]) -> dict[str, int]:
    return {column: int(numbers(table[column]).sum()) for column in columns}


def _period(window: Window, hosts: pa.Table) -> tuple[date, ...]:
    seen = day_numbers(hosts["local_day"])
    epoch = date(1970, 1, 1)
    first = window.first_day or (epoch + timedelta(days=int(seen.min())) if len(seen) else None)
    last = window.last_day or (epoch + timedelta(days=int(seen.max())) if len(seen) else None)
    if first is None or last is None or first > last:
        return ()
    return tuple(days_between(first, last))


def _hours(table: pa.Table, days: tuple[date, ...]) -> Hours:
    hour = table["local_hour"].to_numpy().astype(np.int64)
    day, inside = positions(hour // 24, days)
    block = encode(table["block"])
    return Hours(
        day[inside],
        hour[inside] % 24,
        Dimension(block.codes[inside], block.words),
        numbers(table["flows"])[inside],
    )


def _hosts(table: pa.Table, days: tuple[date, ...]) -> Hosts:
    day, inside = positions(day_numbers(table["local_day"]), days)
    block, address = encode(table["block"]), encode(table["inside_ip"])
    return Hosts(
        day[inside],
        Dimension(block.codes[inside], block.words),
        Dimension(address.codes[inside], address.words),
    )


_ACCOUNTED = (
    "packets_seen", "packets_dropped_kernel", "packets_dropped_interface", "packets_dropped_store",
    "packets_duplicate", "packets_malformed", "packets_truncated", "flows_evicted", "names_evicted",
)  # fmt: skip


def _accounting(engine: Rollups, window: Window) -> dict[str, int]:
    sums = ", ".join(f"sum({column}) AS {column}" for column in _ACCOUNTED)
    row = engine.rollup(f"SELECT {sums} FROM accounting WHERE {window.in_time('time')}").to_pylist()[0]
    return {key: int(value or 0) for key, value in row.items()}
