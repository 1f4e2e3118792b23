"""Services, categories and applications: each one's flows, bytes and share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensor.study.bootstrap import Bootstrap, Interval
from sensor.study.context import Context
from sensor.study.facts import Facts


@dataclass(frozen=True)
class Part:
    """One value of a dimension and what came to it."""

    column: int
    word: str
    flows: int
    bytes: int
    share_flows: Interval
    days: int


def parts(facts: Facts, bootstrap: Bootstrap, dimension: str) -> Iterator[Part]:
    """Each value of a dimension with its share of flows, most flows first.

    Parameters
    ----------
    facts
        Use.
    bootstrap
        Resamples of the same days.
    dimension
        Which column.
    """
    flows, total = facts.by_day(dimension), facts.total_by_day()
    amounts = facts.by_day(dimension, "bytes").sum(axis=0)
    intervals = bootstrap.shares(flows, total)
    words = facts.words(dimension)
    sums = flows.sum(axis=0)
    for column in sorted(range(len(words)), key=lambda number: (-sums[number], words[number])):
        if not sums[column] and not amounts[column]:
            continue
        yield Part(
            column,
            words[column],
            int(sums[column]),
            int(amounts[column]),
            intervals[column],
            int(np.count_nonzero(flows[:, column])),
        )


def named_parts(context: Context, dimension: str) -> list[dict[str, Any]]:
    """The list of categories or of applications."""
    return [
        {dimension: part.word, "flows": part.flows, "bytes": part.bytes, "share_flows": part.share_flows}
        for part in parts(context.facts, context.bootstrap, dimension)
    ]


def services(context: Context) -> list[dict[str, Any]]:
    """The list of services, ranked by flows."""
    facts = context.facts
    hosts = hosts_of(context, "service")
    by_block = facts.crossed("service", "block")
    blocks = facts.words("block")
    organisation, category = _mostly(facts, "organisation"), _mostly(facts, "category")
    return [
        {
            "rank": rank,
            "service": part.word,
            "organisation": organisation[part.column],
            "category": category[part.column],
            "flows": part.flows,
            "bytes": part.bytes,
            "share_flows": part.share_flows,
            "inside_addresses": hosts.get(part.word, 0),
            "days": part.days,
            "by_block": {block: int(by_block[part.column, number]) for number, block in enumerate(blocks)},
        }
        for rank, part in enumerate(parts(facts, context.bootstrap, "service"), 1)
    ]


def hosts_of(context: Context, dimension: str) -> dict[str, int]:
    """Distinct inside addresses that used each service or application."""
    gathered = context.gathered
    table = gathered.service_hosts if dimension == "service" else gathered.application_hosts
    return dict(zip(table[dimension].to_pylist(), table["inside_addresses"].to_pylist(), strict=True))


def _mostly(facts: Facts, dimension: str) -> list[str | None]:
    """The commonest value of a dimension for each service; rules may have changed while rows were written."""
    crossed = facts.crossed("service", dimension)
    words = facts.words(dimension)
    return [words[int(np.argmax(row))] if len(words) and row.any() else None for row in crossed]
