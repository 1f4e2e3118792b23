"""How much of the use could be named and classified."""

from __future__ import annotations

from typing import Any, NamedTuple

from sensor.study.context import Context
from sensor.study.facts import UNNAMED, numbers
from sensor.study.gather import Gathered


class Covered(NamedTuple):
    """Flows with a name, and flows that belong to a service."""

    named: float
    classified: float


def count_covered(gathered: Gathered) -> Covered:
    """Count them in what was read of a store."""
    facts = gathered.facts
    return Covered(
        float(numbers(gathered.names["flows"]).sum()),
        float(facts.flows[facts.dimensions["service"].codes != UNNAMED].sum()),
    )


def coverage(context: Context, covered: Covered) -> dict[str, Any]:
    """Flows with a name, their share, and the share that belongs to a service."""
    total = float(context.facts.flows.sum())
    return {
        "named": int(covered.named),
        "named_share": covered.named / total if total else None,
        "classified_share": covered.classified / total if total else None,
    }
