"""How much data there is, and what was set apart."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sensor.study.context import Context
from sensor.study.gather import Gathered

_FEWEST_FLOWS = 100
"""With fewer flows begun inside nothing is said about the tap's directions."""
_ANSWERED = 0.01
"""A tap on which a smaller part of them is answered sees one direction."""


def volume(context: Context, sites: int) -> dict[str, Any]:
    """Totals of use, DNS flows among them, and the counts of what is no use.

    Parameters
    ----------
    context
        The study.
    sites
        Number of registrable domains.
    """
    gathered, facts = context.gathered, context.facts
    dns = gathered.dns_use
    return {
        "flows": int(facts.flows.sum()) + dns["flows"],
        "packets": int(facts.packets.sum()) + dns["packets"],
        "bytes": int(facts.bytes.sum()) + dns["bytes"],
        "inside_addresses": gathered.hosts.seen(),
        "outside_addresses": gathered.outside_addresses,
        "names": pc.count_distinct(gathered.names["name"]).as_py(),
        "sites": sites,
        "dns_transactions": gathered.dns_transactions,
        "apart": apart(gathered),
    }


def apart(gathered: Gathered) -> dict[str, Any]:
    """Flows that are no use, each counted under the first reason that holds."""
    counts = dict.fromkeys(("begun_outside", "unanswered", "internal", "tunnelled", "unknown_initiator"), 0)
    for row in gathered.apart.to_pylist():
        reason = _reason(row, gathered.one_way)
        if reason:
            counts[reason] += int(row["flows"])
    return {**counts, "one_way": sees_one_way(gathered.apart)}


def sees_one_way(table: pa.Table) -> bool:
    """Whether hardly any flow begun inside was answered: answers must pass where the tap does not see them."""
    rows = [row for row in table.to_pylist() if row["scope"] == "external" and row["initiator"] == "inside"]
    answered = sum(row["flows"] for row in rows if row["answered"])
    flows = sum(row["flows"] for row in rows)
    return bool(flows >= _FEWEST_FLOWS and answered < _ANSWERED * flows)


def _reason(row: dict[str, Any], one_way: bool) -> str | None:
    if row["scope"] != "external":
        return "internal"
    if row["tunnelled"]:
        return "tunnelled"
    if row["initiator"] == "outside":
        return "begun_outside"
    if row["initiator"] != "inside":
        return "unknown_initiator"
    return None if row["answered"] or one_way else "unanswered"
