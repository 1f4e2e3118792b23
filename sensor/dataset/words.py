"""What a study knows besides, as tables: only of blocks, services and applications that are told."""

from __future__ import annotations

from typing import Any

from sensor.dataset.counts import rounded_down
from sensor.rules import Block, Event
from sensor.rules.services import Catalogue, Service
from sensor.study.expectation import Expectation
from sensor.study.hosts import HostCounts
from sensor.study.knowledge import Knowledge

Row = dict[str, Any]


def block_rows(known: Knowledge, hosts: HostCounts, told: set[str], k: int) -> list[Row]:
    """What is said of each block that is told."""
    rules = {block.name: block for block in known.blocks}
    counted = hosts.by_block()
    found = []
    for name in told:
        rule = rules.get(name)
        registered = (rule.registered_country if rule else "") or hosts.registered_country(name)
        found.append(
            {
                "block": name,
                "inside_addresses": rounded_down(counted.get(name, 0), k),
                "known": rule is not None,
                "registered_country": registered,
                **{key: getattr(rule, key) if rule else None for key in _SAID},
            }
        )
    return found


_SAID = ("holder", "claimed_country", "confidence", "role", "note", "source")


def read_blocks(rows: list[Row]) -> tuple[Block, ...]:
    """The blocks of which something is said."""
    return tuple(
        Block(
            name=row["block"],
            confidence=row["confidence"],
            role=row["role"],
            **{key: row[key] or "" for key in ("holder", "claimed_country", "note", "source")},
        )
        for row in rows
        if row["known"]
    )


def service_rows(known: Knowledge, told: set[str]) -> list[Row]:
    """What the rules say of each service that is told."""
    return [
        {
            "service": one.service,
            "organisation": one.organisation,
            "category": one.category,
            "institution": one.institution,
            "country": one.country,
        }
        for one in known.catalogue.services
        if one.service in told
    ]


def protocol_rows(known: Knowledge, told: set[str]) -> list[Row]:
    """Category of each application that is told."""
    return [
        {"application": application, "category": category}
        for application, category in known.protocol_categories.items()
        if application in told
    ]


def expected_rows(known: Knowledge) -> list[Row]:
    """The share that each country is held against."""
    return [{"country": country, "share": share} for country, share in known.expectation.shares.items()]


def event_rows(known: Knowledge) -> list[Row]:
    """The events."""
    return [
        {"date": one.date, "name": one.name, "source": one.source, "note": one.note, "about": list(one.about)}
        for one in known.events
    ]


def read_knowledge(rows: dict[str, list[Row]], source: str, block: str | None) -> Knowledge:
    """What the tables of a data set say.

    Parameters
    ----------
    rows
        By table.
    source, block
        Of the expectation.
    """
    services = tuple(Service(**row) for row in rows["services"])
    return Knowledge(
        read_blocks(rows["blocks"]),
        tuple(
            Event(row["name"], row["date"], row["source"], row["note"], tuple(row["about"]))
            for row in rows["events"]
        ),
        Catalogue(services, ()),
        {row["application"]: row["category"] for row in rows["protocols"]},
        Expectation(source, {row["country"]: row["share"] for row in rows["expected"]}, block),
    )
