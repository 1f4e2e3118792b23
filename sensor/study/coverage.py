"""How much of the use could be named and classified."""

from __future__ import annotations

from typing import Any

from sensor.study.context import Context
from sensor.study.facts import UNNAMED, numbers


def coverage(context: Context) -> dict[str, Any]:
    """Flows with a name, their share, and the share that belongs to a service."""
    facts = context.facts
    total = float(facts.flows.sum())
    named = float(numbers(context.gathered.names["flows"]).sum())
    classified = float(facts.flows[facts.dimensions["service"].codes != UNNAMED].sum())
    return {
        "named": int(named),
        "named_share": named / total if total else None,
        "classified_share": classified / total if total else None,
    }
