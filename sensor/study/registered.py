"""The country in which a block is registered: as the rules say, or as the registries have its addresses now."""

from __future__ import annotations

from sensor.study.context import Context


def registered_country(context: Context, block: str) -> str | None:
    """Return the ISO code, or None where neither the rules nor the registries know."""
    rule = context.blocks.get(block)
    if rule is not None and rule.registered_country:
        return rule.registered_country
    return context.gathered.hosts.registered_country(block)
