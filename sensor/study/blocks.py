"""The watched blocks: what each contributed, what is claimed of it, and its ties to where it is registered."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensor.study.context import Context
from sensor.study.expectation import Expectation
from sensor.study.registered import registered_country


def blocks(context: Context, expectation: Expectation) -> list[dict[str, Any]]:
    """Each block, most flows first.

    ``registered_country_share`` is the share of the block's flows toward the country in which it is
    registered: much of it would speak for users who live there.
    """
    facts, bootstrap = context.facts, context.bootstrap
    words = facts.words("block")
    flows, amounts = facts.by_day("block"), facts.by_day("block", "bytes")
    shares = bootstrap.shares(flows, facts.total_by_day())
    shares_of_bytes = bootstrap.shares(amounts, facts.total_by_day("bytes"))
    hosts = context.gathered.hosts.by_block()
    found = []
    for column in sorted(range(len(words)), key=lambda number: (-flows[:, number].sum(), words[number])):
        name = words[column]
        rule = context.blocks.get(name)
        registered = registered_country(context, name)
        toward = facts.total_by_day(
            rows=facts.rows_of("block", [name]) & facts.rows_of("country", [registered or ""])
        )
        share = bootstrap.share(toward, flows[:, column])
        found.append(
            {
                "block": name,
                "flows": int(flows[:, column].sum()),
                "bytes": int(amounts[:, column].sum()),
                "share_flows": shares[column],
                "share_bytes": shares_of_bytes[column],
                "inside_addresses": hosts.get(name, 0),
                "days_active": int(np.count_nonzero(flows[:, column])),
                "claimed_country": (rule.claimed_country or None) if rule else None,
                "registered_country": registered,
                "confidence": rule.confidence if rule else None,
                "registered_country_share": share
                if registered
                else {"value": None, "low": None, "high": None},
                "registered_country_expected": expectation.shares.get(registered or ""),
            }
        )
    return found
