"""The country in which a block is registered: as the rules say, or as the registries have its addresses now."""

from __future__ import annotations

from collections import Counter

from sensor.study.context import Context

_NO_COUNTRY = {"EU", "AP", "XX", "ZZ"}


def registered_country(context: Context, block: str) -> str | None:
    """Return the ISO code, or None where neither the rules nor the registries know."""
    rule = context.blocks.get(block)
    if rule is not None and rule.registered_country:
        return rule.registered_country
    return _commonest_country(context.gathered.hosts.addresses_of(block))


def _commonest_country(addresses: list[str]) -> str | None:
    import iptocc

    counts: Counter[str] = Counter()
    for address in addresses:
        code = iptocc.country_code(address)
        if code and code not in _NO_COUNTRY:
            counts[code] += 1
    return min(counts, key=lambda code: (-counts[code], code)) if counts else None
