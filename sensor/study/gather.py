"""Everything a study reads from its store: a handful of rollups, each one pass over a few columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sensor.store.engine.rollup import Rollups
from sensor.study.calendar import days_between, local_day, local_time, shifts
from sensor.study.facts import Dimension, Facts, day_positions, encode, make_facts, numbers
from sensor.study.use import BYTES, FLOWS, PACKETS, Window


@dataclass(frozen=True)
class Hours:
    """Use by local hour and block, DNS left out."""

    day: NDArray[np.int64]
    hour: NDArray[np.int64]
    block: Dimension
    flows: NDArray[np.float64]


@dataclass(frozen=True)
class Hosts:
    """Inside addresses with use, a row a local day, block and address; DNS counts, it is activity."""

    day: NDArray[np.int64]
    block: Dimension
    address: Dimension


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
    apart
        One row a combination of scope, tunnelled, initiator, answered and is_dns.
    names
        Flows and bytes by name, service, category and country.
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
    hosts: Hosts
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


def gather(engine: Rollups, window: Window) -> Gathered:
    """Run the rollups.

    Parameters
    ----------
    engine
        Over the store.
    window
        Which records count.
    """
    stored = stored_days(engine) or (date(1970, 1, 1), date(1970, 1, 1))
    zone_shifts = shifts(window.zone, *stored)
    time, day = (build(engine, "start_time", zone_shifts) for build in (local_time, local_day))
    wide = engine.rollup(
        f"SELECT {day} AS local_day, block, service, organisation, category, application, country, "
        f"name_source IS NOT NULL AS named, {FLOWS} AS flows, {BYTES} AS bytes, {PACKETS} AS packets "
        f"FROM flows WHERE {window.shared()} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
    )
    hours = engine.rollup(
        f"SELECT {engine.hour_of(time)} AS local_hour, block, {FLOWS} AS flows "
        f"FROM flows WHERE {window.shared()} GROUP BY 1, 2"
    )
    hosts = engine.rollup(
        f"SELECT {day} AS local_day, block, inside_ip FROM flows WHERE {window.use()} GROUP BY 1, 2, 3"
    )
    days = _period(window, hosts)
    engine.keep(
        "service_hosts",
        f"SELECT service, application, inside_ip FROM flows WHERE {window.shared()} GROUP BY 1, 2, 3",
    )
    return Gathered(
        days=days,
        one_way=window.one_way,
        facts=make_facts(wide, days),
        hours=_hours(hours, days),
        hosts=_hosts(hosts, days),
        apart=engine.rollup(_apart_sql(window)),
        names=engine.rollup(
            f"SELECT name, service, category, country, {FLOWS} AS flows, {BYTES} AS bytes "
            f"FROM flows WHERE {window.shared()} AND name IS NOT NULL GROUP BY 1, 2, 3, 4"
        ),
        service_hosts=_distinct_hosts(engine, "service"),
        application_hosts=_distinct_hosts(engine, "application"),
        outside_addresses=engine.rollup(
            f"SELECT count(DISTINCT outside_ip) AS addresses FROM flows WHERE {window.use()}"
        )["addresses"][0].as_py(),
        accounting=_accounting(engine, window),
        intervals=engine.rollup(
            f"SELECT time, max(interval_s) AS interval_s FROM accounting WHERE {window.in_time('time')} "
            "AND packets_seen > 0 GROUP BY 1 ORDER BY 1"
        ),
        dns_transactions=int(
            engine.rollup(
                f"SELECT count(*) AS rows FROM dns WHERE {window.in_time('time')} AND {window.not_relayed()}"
            )["rows"][0].as_py()
        ),
    )


def _period(window: Window, hosts: pa.Table) -> tuple[date, ...]:
    seen = [day for day in hosts["local_day"].unique().to_pylist() if day is not None]
    first = window.first_day or (min(seen) if seen else None)
    last = window.last_day or (max(seen) if seen else None)
    if first is None or last is None or first > last:
        return ()
    return tuple(days_between(first, last))


def _hours(table: pa.Table, days: tuple[date, ...]) -> Hours:
    moments = table["local_hour"].to_numpy().astype("datetime64[h]")
    day, inside = day_positions(table["local_hour"], days)
    hour = (moments - moments.astype("datetime64[D]")).astype(np.int64)
    block = encode(table["block"])
    return Hours(
        day[inside],
        hour[inside],
        Dimension(block.codes[inside], block.words),
        numbers(table["flows"])[inside],
    )


def _hosts(table: pa.Table, days: tuple[date, ...]) -> Hosts:
    day, inside = day_positions(table["local_day"], days)
    block, address = encode(table["block"]), encode(table["inside_ip"])
    return Hosts(
        day[inside],
        Dimension(block.codes[inside], block.words),
        Dimension(address.codes[inside], address.words),
    )


def _apart_sql(window: Window) -> str:
    return (
        "SELECT scope, tunnel IS NOT NULL AS tunnelled, initiator, answered, "
        f"NOT {window.no_dns()} AS is_dns, {FLOWS} AS flows, {BYTES} AS bytes, {PACKETS} AS packets, "
        "count(*) FILTER (WHERE record = 0 AND packets_in > 0 AND packets_out > 0) AS both_ways "
        f"FROM flows WHERE {window.in_time()} AND {window.not_relayed()} "
        "GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
    )


def _distinct_hosts(engine: Rollups, column: str) -> pa.Table:
    return engine.rollup(
        f"SELECT {column}, count(DISTINCT inside_ip) AS inside_addresses FROM service_hosts "
        f"WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1"
    )


_ACCOUNTED = (
    "packets_seen", "packets_dropped_kernel", "packets_dropped_interface", "packets_dropped_store",
    "packets_duplicate", "packets_malformed", "packets_truncated", "flows_evicted", "names_evicted",
)  # fmt: skip


def _accounting(engine: Rollups, window: Window) -> dict[str, int]:
    sums = ", ".join(f"sum({column}) AS {column}" for column in _ACCOUNTED)
    row = engine.rollup(f"SELECT {sums} FROM accounting WHERE {window.in_time('time')}").to_pylist()[0]
    return {key: int(value or 0) for key, value in row.items()}
