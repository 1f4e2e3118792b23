"""VPN and other obfuscation: services and protocols whose purpose is to hide where traffic goes.

Plain TLS is no obfuscation: it hides what is said, not to whom.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.study.context import Context
from sensor.study.shares import hosts_of

OBFUSCATION = ("anonymity", "vpn")
"""Categories of services and protocols that count."""


def obfuscated(context: Context) -> NDArray[np.bool_]:
    """Which rows of the facts are of such a service or protocol."""
    facts = context.facts
    return facts.rows_of("category", OBFUSCATION) | facts.rows_of("application", _protocols(context))


def vpn(context: Context) -> dict[str, Any]:
    """Share of the flows, and each service and protocol."""
    facts = context.facts
    rows = obfuscated(context)
    share = context.bootstrap.share(facts.total_by_day(rows=rows), facts.total_by_day())
    by_service = facts.rows_of("category", OBFUSCATION)
    by_protocol = facts.rows_of("application", _protocols(context))
    return {
        "share_flows": share,
        "services": _list(context, "service", by_service),
        "protocols": _list(context, "application", by_protocol),
    }


def obfuscating(application_categories: dict[str, str]) -> list[str]:
    """Applications whose category counts, in order of the alphabet."""
    return sorted(word for word, category in application_categories.items() if category in OBFUSCATION)


def _protocols(context: Context) -> list[str]:
    return obfuscating(context.protocol_categories)


def _list(context: Context, dimension: str, rows: NDArray[np.bool_]) -> list[dict[str, Any]]:
    facts = context.facts
    flows, amounts = facts.by_day(dimension, rows=rows), facts.by_day(dimension, "bytes", rows=rows)
    hosts, words = hosts_of(context, dimension), facts.words(dimension)
    sums = flows.sum(axis=0)
    found = []
    for column in sorted(np.flatnonzero(sums).tolist(), key=lambda number: (-sums[number], words[number])):
        days = np.flatnonzero(flows[:, column])
        found.append(
            {
                dimension: words[column],
                "flows": int(sums[column]),
                "bytes": int(amounts[:, column].sum()),
                "inside_addresses": hosts.get(words[column], 0),
                "first_day": facts.days[days[0]].isoformat(),
                "last_day": facts.days[days[-1]].isoformat(),
            }
        )
    return found
