"""What a plan watches, block by block, for people to check."""

from dataclasses import dataclass

from sensor.rules.columns import columns_of_plan
from sensor.rules.model import ALWAYS_FROM_NS, FOREVER_UNTIL_NS, Block, Plan
from sensor.rules.overlaps import is_ipv4, sorted_order


@dataclass(slots=True)
class BlockSummary:
    """One block in numbers; addresses in several of its prefixes are counted once.

    The validity spans all its prefixes: ``ALWAYS_FROM_NS`` and ``FOREVER_UNTIL_NS`` where one of them
    is not bounded.
    """

    block: Block
    prefixes: int = 0
    addresses: int = 0
    valid_from_ns: int = FOREVER_UNTIL_NS
    valid_until_ns: int = ALWAYS_FROM_NS


def summarise(plan: Plan) -> list[BlockSummary]:
    """Count prefixes and addresses of each block of a plan, in the plan's order."""
    columns = columns_of_plan(plan)
    summaries = [BlockSummary(block) for block in plan.blocks]
    order = sorted_order(columns)
    high, low = columns.halves()
    covered_until: dict[tuple[int, bool], int] = {}
    rows = zip(
        columns.block_indices[order].tolist(),
        is_ipv4(columns)[order].tolist(),
        high[order].tolist(),
        low[order].tolist(),
        columns.lengths[order].tolist(),
        columns.valid_from_ns[order].tolist(),
        columns.valid_until_ns[order].tolist(),
        strict=True,
    )
    for block, ipv4, upper, lower, length, valid_from_ns, valid_until_ns in rows:
        summary = summaries[block]
        summary.prefixes += 1
        summary.valid_from_ns = min(summary.valid_from_ns, valid_from_ns)
        summary.valid_until_ns = max(summary.valid_until_ns, valid_until_ns)
        first = upper << 64 | lower
        # In this order a prefix lies in the one that reached furthest, or behind it.
        if first >= covered_until.get((block, ipv4), 0):
            summary.addresses += 1 << (128 - length)
            covered_until[block, ipv4] = first + (1 << (128 - length))
    return summaries
