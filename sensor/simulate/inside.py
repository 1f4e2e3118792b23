"""Addresses inside: the prefixes of a scenario's blocks."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Address, IPv4Network
from itertools import islice

from sensor.rules.address import MAPPED_BITS, parse_prefixes
from sensor.rules.location import shipped
from sensor.rules.source import read_source
from sensor.rules.table import read_tables
from sensor.simulate.scenario import Block

MOST_ADDRESSES_A_BLOCK = 1 << 17


@cache
def known_blocks() -> dict[str, list[str]]:
    """Prefixes of the blocks of the shipped rules."""
    found: dict[str, list[str]] = {}
    for table in read_tables(read_source(shipped() / "blocks.toml"), "block"):
        found.setdefault(table.text("name"), []).extend(table.texts("prefixes"))
    return found


def networks(block: Block) -> list[IPv4Network]:
    """The block's prefixes, those of the shipped rules where the scenario gives none."""
    texts = block.prefixes or known_blocks()[block.name]
    found = [prefix for text in texts for prefix in parse_prefixes(text)]
    return [
        IPv4Network((int.from_bytes(packed[12:], "big"), length - MAPPED_BITS)) for packed, length in found
    ]


def usable_addresses(block: Block) -> list[str]:
    """The block's addresses, first and last of each prefix left out, bounded in number."""
    usable = (
        str(IPv4Address(int(network.network_address) + offset))
        for network in networks(block)
        for offset in range(network.num_addresses)
        if network.num_addresses <= 2 or 0 < offset < network.num_addresses - 1
    )
    return list(islice(usable, MOST_ADDRESSES_A_BLOCK))
