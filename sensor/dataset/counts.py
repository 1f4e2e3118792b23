"""Everything that a data set tells besides the cells of use: counts of hosts, devices, what is no use, relays."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sensor.dataset.detail import ANY
from sensor.store.engine.rollup import Rollups
from sensor.study.devices import describe
from sensor.study.hosts import Hosts
from sensor.study.loss import Observation
from sensor.study.readings import Readings
from sensor.study.use import DNS_APPLICATION, FLOWS, Window
from sensor.study.volume import sees_one_way

Row = dict[str, Any]
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def rounded_down(hosts: int, k: int) -> int:
    """A number of hosts as it is told where others could be held against it: a whole multiple of k.

    Two such numbers differ by 0 or by at least k, so their difference tells of no smaller group.
    """
    return hosts // k * k


@dataclass(frozen=True)
class Source:
    """A store under export: its engine, what counts, what a study read of it, and the fewest hosts of a cell."""

    engine: Rollups
    window: Window
    readings: Readings
    k: int

    @property
    def days(self) -> tuple[date, ...]:
        """Every day of the period."""
        return self.readings.gathered.days


def host_rows(source: Source) -> list[Row]:
    """Inside addresses by day and block, where there are enough."""
    hosts = source.readings.gathered.hosts
    assert isinstance(hosts, Hosts)  # noqa: S101 # a store knows each address
    seen = set(zip(hosts.day.tolist(), hosts.block.codes.tolist(), hosts.address.codes.tolist(), strict=True))
    counted = Counter((day, block) for day, block, _ in seen)
    return [
        {"day": source.days[day], "block": hosts.block.words[block], "inside_addresses": number}
        for (day, block), number in counted.items()
        if number >= source.k
    ]


def reach_rows(source: Source, told: Mapping[str, set[str]]) -> list[Row]:
    """Inside addresses of what is told, over the whole period.

    Parameters
    ----------
    source
        The store.
    told
        Words that are told, by kind.
    """
    gathered = source.readings.gathered
    counted: dict[str, dict[str, int]] = {
        "service": _by_word(gathered.service_hosts.to_pylist(), "service"),
        "application": _by_word(gathered.application_hosts.to_pylist(), "application"),
        "site": source.readings.site_hosts.inside_addresses,
    }
    return [
        {"kind": kind, "word": word, "inside_addresses": rounded_down(counted[kind][word], source.k)}
        for kind in counted
        for word in told[kind] & counted[kind].keys()
        if counted[kind][word] >= source.k
    ]


def device_rows(source: Source) -> list[Row]:
    """Devices of the days with enough addresses."""
    window = source.window
    rows = source.engine.rollup(
        "SELECT day, count(DISTINCT inside_ip) AS hosts FROM hosts "
        f"WHERE {window.in_days()} AND {window.not_relayed()} GROUP BY 1"
    ).to_pylist()
    enough = {row["day"] for row in rows if row["hosts"] >= source.k}
    return [
        {"method": method, "day": day, "devices": devices}
        for method, per_day in source.readings.devices.items()
        for day, devices in per_day.items()
        if day in enough
    ]


def apart_rows(source: Source, use: int) -> tuple[list[Row], bool]:
    """Flows that are no use, by kind, and those that are, as many as are told; and whether all kinds are told.

    Parameters
    ----------
    source
        The store.
    use
        Flows of use that are told, DNS among them.
    """
    window = source.window
    kinds = source.engine.rollup(
        "SELECT scope, tunnel IS NOT NULL AS tunnelled, initiator, COALESCE(answered, FALSE) AS answered, "
        "count(*) AS flows, count(DISTINCT inside_ip) AS hosts FROM flows "
        f"WHERE {window.in_time()} AND {window.not_relayed()} AND record = 0 GROUP BY 1, 2, 3, 4"
    ).to_pylist()
    others = [row for row in kinds if not _is_use(row, window.one_way)]
    told = [row for row in others if row["hosts"] >= source.k]
    whole = len(told) == len(others)
    answered = not (window.one_way and sees_one_way(source.readings.gathered.apart))
    if use:
        told.append({"scope": "external", "tunnelled": False, "initiator": "inside", "answered": answered,
                     "flows": use})  # fmt: skip
    keys = ("scope", "tunnelled", "initiator", "answered", "flows")
    return [{key: row[key] for key in keys} for row in told], whole


def relay_rows(source: Source) -> list[Row]:
    """Services of flows out of relays, and devices behind them, each of enough addresses of the relay."""
    window, k = source.window, source.k
    if not window.relays:
        return []
    use = window.shared(through_relays=True)
    rows = source.engine.rollup(
        f"SELECT block, service, inside_ip, {FLOWS} AS flows FROM flows WHERE {use} GROUP BY 1, 2, 3"
    ).to_pylist()
    began = [row for row in rows if row["flows"]]
    told = _relay_services(began, k)
    devices: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    evidence = source.engine.rollup(
        f"SELECT block, inside_ip, user_agents, ja4s FROM hosts WHERE {window.relayed()} AND {window.in_days()}"
    ).to_pylist()
    for row in evidence:
        words = {text for agent in row["user_agents"] or () if (text := describe(agent))}
        for word in words or {f"unknown device with JA4 {ja4}" for ja4 in row["ja4s"] or ()}:
            devices[row["block"], word].add(row["inside_ip"])
    told += [
        {"block": block, "kind": "device", "word": word, "flows": None}
        for (block, word), hosts in devices.items()
        if len(hosts) >= k
    ]
    return told


def _relay_services(rows: Iterable[Row], k: int) -> list[Row]:
    hosts: defaultdict[tuple[str, str | None], set[str]] = defaultdict(set)
    flows: Counter[tuple[str, str | None]] = Counter()
    rest_hosts: defaultdict[str, set[str]] = defaultdict(set)
    rest: Counter[str] = Counter()
    for row in rows:
        hosts[row["block"], row["service"]].add(row["inside_ip"])
        flows[row["block"], row["service"]] += int(row["flows"])
    told = []
    for (block, service), number in flows.items():
        if len(hosts[block, service]) >= k:
            told.append({"block": block, "kind": "service", "word": service, "flows": number})
        else:
            rest[block] += number
            rest_hosts[block] |= hosts[block, service]
    told += [
        {"block": block, "kind": "service", "word": ANY, "flows": number}
        for block, number in rest.items()
        if len(rest_hosts[block]) >= k
    ]
    return told


def total_rows(source: Source, *, whole: bool) -> list[Row]:
    """DNS, outside addresses and the accounting; what too few hosts stand behind is left out.

    Parameters
    ----------
    source
        The store.
    whole
        All other flows are told. Where some are not, counts of the whole capture have three digits, lest
        everything that is told be taken off them.
    """
    window, gathered = source.window, source.readings.gathered
    dns = _dns_hosts(source)
    transactions = source.engine.rollup(
        f"SELECT count(DISTINCT inside_ip) AS hosts FROM dns WHERE {window.in_time('time')} "
        f"AND {window.not_relayed()}"
    ).to_pylist()[0]["hosts"]
    some_missing = 0 < dns < source.k or 0 < transactions < source.k or not whole
    found = {
        what: _three_digits(value) if some_missing else value for what, value in gathered.accounting.items()
    }
    if dns >= source.k:
        found |= {f"dns_{key}": value for key, value in gathered.dns_use.items()}
    if transactions >= source.k:
        found["dns_transactions"] = gathered.dns_transactions
    if gathered.hosts.seen() >= source.k:
        found["outside_addresses"] = gathered.outside_addresses
    return [{"what": what, "value": value} for what, value in found.items()]


def dns_is_told(source: Source) -> bool:
    """Whether enough hosts asked for names."""
    return _dns_hosts(source) >= source.k


def _dns_hosts(source: Source) -> int:
    rows = source.engine.rollup(
        f"SELECT count(DISTINCT inside_ip) AS hosts FROM flows WHERE {source.window.use()} "
        f"AND application = '{DNS_APPLICATION}' AND record = 0"
    )
    return int(rows["hosts"][0].as_py())


def _three_digits(value: int) -> int:
    unit = int(10 ** max(len(str(value)) - 3, 0))
    return value // unit * unit


def observed_rows(observation: Observation) -> list[Row]:
    """When the sensor was watching, gaps of over an hour left out; a study asks for no more."""
    if not observation.spells:
        return []
    edges = [observation.spells[0][0]]
    for start, end in observation.gaps:
        edges += [start, end]
    edges.append(observation.spells[-1][1])
    return [
        {"start_us": _microseconds(start), "end_us": _microseconds(end)}
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _by_word(rows: Iterable[Row], key: str) -> dict[str, int]:
    return {row[key]: int(row["inside_addresses"]) for row in rows}


def _is_use(row: Row, one_way: bool) -> bool:
    return bool(
        row["scope"] == "external"
        and not row["tunnelled"]
        and row["initiator"] == "inside"
        and (row["answered"] or one_way)
    )
