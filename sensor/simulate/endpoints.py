"""Endpoints: what a flow can lead to. One row an endpoint; flows are drawn as places in this table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import IPv4Network
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sensor.rules.names import NameRules
from sensor.simulate.places import Addresses
from sensor.simulate.protocols import DNS, PROTOCOLS, TCP, Protocol
from sensor.simulate.scenario import Scenario, Traffic

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

RESOLVERS = {"US": 2, "CN": 1, "RU": 1}
"""Resolvers that are asked for names: how many in which country."""
STRANGERS = {"US": 40, "CN": 40, "RU": 20, "NL": 12, "BR": 12, "VN": 12, "IN": 12, "DE": 12}
"""Where scans, visitors and connections without an answer lead from and to."""
SSH = PROTOCOLS["ssh"]


class Kind(IntEnum):
    """What a flow is, for the study."""

    USE = 0
    DNS = 1
    UNANSWERED = 2
    SCAN = 3
    VISIT = 4
    INTERNAL = 5
    TUNNELLED = 6
    MIDWAY = 7


class Service(NamedTuple):
    """What the catalogue says of a name; None where it says nothing."""

    service: str | None
    organisation: str | None
    category: str | None


class Endpoint(NamedTuple):
    """One row, as text."""

    kind: Kind
    traffic: int
    weight: float
    name: str | None
    address: str
    country: str | None
    protocol: Protocol
    application: str | None
    bytes_in: float
    outside_block: str | None = None


class Words:
    """Distinct texts and their places; None is -1."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: str | None) -> int:
        """The place of a text, a new one where it is new."""
        if text is None:
            return -1
        found = self._places.setdefault(text, len(self.texts))
        if found == len(self.texts):
            self.texts.append(text)
        return found


@dataclass
class Endpoints:
    """The table, in columns; those of text are places in ``words`` of the same name.

    ``dns`` is the endpoint that asks for an endpoint's name, or -1; ``of_kind`` and ``of_traffic`` are the
    places of the endpoints of a kind, and of a kind of traffic.
    """

    rows: list[Endpoint]
    dns: Integers
    words: dict[str, Words] = field(default_factory=dict)
    columns: dict[str, Integers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kind = np.array([row.kind for row in self.rows], np.int64)
        self.traffic = np.array([row.traffic for row in self.rows], np.int64)
        self.weight = np.array([row.weight for row in self.rows])
        self.bytes_in = np.array([row.bytes_in for row in self.rows])
        self.port = np.array([row.protocol.port for row in self.rows], np.int64)
        self.transport = np.array([row.protocol.transport for row in self.rows], np.int64)
        self.of_kind = {kind: np.flatnonzero(self.kind == kind) for kind in Kind}
        self.of_traffic = [
            np.flatnonzero(self.traffic == number) for number in range(int(self.traffic.max()) + 1)
        ]

    def add_text(self, column: str, texts: Iterable[str | None]) -> None:
        """Add a column of text, one for each endpoint."""
        words = self.words[column] = Words()
        self.columns[column] = np.array([words.place(text) for text in texts], np.int64)

    def text(self, column: str, endpoint: int) -> str | None:
        """One text."""
        place = self.columns[column][endpoint]
        return None if place < 0 else self.words[column].texts[place]


def make_endpoints(
    scenario: Scenario, rules: NameRules, watched: Iterable[IPv4Network], servers: list[list[str]]
) -> Endpoints:
    """Every endpoint of a scenario."""
    addresses = Addresses(watched)
    rows = [row for number, one in enumerate(scenario.traffic) for row in _of_traffic(number, one, addresses)]
    resolvers = [
        (addresses.take(country), country) for country, many in RESOLVERS.items() for _ in range(many)
    ]
    dns = np.full(len(rows), -1)
    for number, row in enumerate(list(rows)):
        if row.name is not None:
            dns[number] = len(rows)
            address, country = resolvers[number % len(resolvers)]
            rows.append(row._replace(
                kind=Kind.DNS, traffic=-1, address=address, country=country, protocol=DNS,
                application="dns", weight=0.0,
            ))  # fmt: skip
    rows += _besides(addresses)
    for block, places in zip(scenario.block, servers, strict=True):
        for address in places:
            rows.append(Endpoint(
                Kind.INTERNAL, -1, 0.0, None, address, None, SSH, "ssh", 3_000.0, block.name
            ))  # fmt: skip
    dns = np.concatenate([dns, np.full(len(rows) - len(dns), -1)])
    return _with_words(Endpoints(rows, dns), rules)


def _of_traffic(number: int, traffic: Traffic, addresses: Addresses) -> Iterator[Endpoint]:
    names: list[str | None] = [*_names(traffic)] or [None]
    by_rank = 1.0 / (1.0 + np.arange(len(names)))
    whole = sum(traffic.countries.values())
    application = None if traffic.application == "unknown" else traffic.application
    for name, rank_weight in zip(names, by_rank / by_rank.sum(), strict=True):
        for country, share in traffic.countries.items():
            for _ in range(traffic.addresses if share > 0 else 0):
                yield Endpoint(
                    Kind.USE, number, float(rank_weight * share / whole / traffic.addresses), name,
                    addresses.take(country), country, PROTOCOLS[traffic.application], application, traffic.bytes_in,
                )  # fmt: skip


def _names(traffic: Traffic) -> Iterator[str]:
    for number in range(1, traffic.many + 1):
        for name in traffic.names:
            if "{n}" in name:
                yield name.replace("{n}", str(number))
            elif number == 1:
                yield name


def _besides(addresses: Addresses) -> Iterator[Endpoint]:
    web, page = Protocol(TCP, 443), PROTOCOLS["http"]
    forms = (
        (Kind.UNANSWERED, web, None, None, 0.0),
        (Kind.SCAN, web, None, None, 0.0),
        (Kind.VISIT, page, "www.visited.example", "http", 800.0),
        (Kind.TUNNELLED, page, "www.tunnelled.example", "http", 9_000.0),
        (Kind.MIDWAY, web, None, None, 9_000.0),
    )
    for kind, protocol, name, application, bytes_in in forms:
        for country, many in STRANGERS.items():
            for _ in range(many):
                yield Endpoint(
                    kind, -1, 0.0, name, addresses.take(country), country, protocol, application, bytes_in
                )


def _with_words(endpoints: Endpoints, rules: NameRules) -> Endpoints:
    rows = endpoints.rows
    services = [_service(row, rules) for row in rows]
    endpoints.add_text("name", (row.name for row in rows))
    endpoints.add_text("outside_ip", (row.address for row in rows))
    endpoints.add_text("country", (row.country for row in rows))
    endpoints.add_text("country_source", (row.country and "rir" for row in rows))
    endpoints.add_text("application", (row.application for row in rows))
    endpoints.add_text("name_source", (row.name and row.protocol.name_source for row in rows))
    endpoints.add_text("service", (one.service for one in services))
    endpoints.add_text("organisation", (one.organisation for one in services))
    endpoints.add_text("category", (one.category for one in services))
    endpoints.add_text("outside_block", (row.outside_block for row in rows))
    return endpoints


def _service(row: Endpoint, rules: NameRules) -> Service:
    """What the core would write: a name's service, else the application's category; nothing for DNS."""
    if row.kind is Kind.DNS:
        return Service(None, None, None)
    found = rules.catalogue.match(row.name) if row.name else None
    if found is not None:
        return Service(found.service, found.organisation, found.category)
    return Service(None, None, rules.application_categories.get(row.application or ""))
