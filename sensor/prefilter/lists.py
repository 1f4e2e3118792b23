"""The watched prefixes as the kernel looks them up: one trie for IPv4, one for IPv6, swapped whole."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sensor.prefilter.maps import NO_PREALLOCATION, Kind, Map, Shape
from sensor.rules import Plan

_ADDRESS_BYTES: Final = 16
_MAPPED: Final = bytes(10) + b"\xff\xff"
_MAPPED_BITS: Final = 96
_SLOT: Final = bytes(4)
_VALUE_BYTES: Final = 1


@dataclass(frozen=True, slots=True)
class Family:
    """How one version of IP is looked up."""

    name: str
    address_bytes: int

    @property
    def key_bytes(self) -> int:
        """Length of a trie's key: the prefix length as a number of 32 bits, the address."""
        return 4 + self.address_bytes

    def key(self, prefix: "Prefix") -> bytes:
        """Return the trie's key of a prefix."""
        return struct.pack("=I", prefix[1]) + prefix[0]


Prefix = tuple[bytes, int]
"""A network address of 4 or 16 bytes, and how many of its bits count."""

IPV4: Final = Family("watched_ip4", 4)
IPV6: Final = Family("watched_ip6", 16)


def prefixes_of(plans: Iterable[Plan]) -> dict[Family, list[Prefix]]:
    """Return every prefix of the plans, of whatever date, without those that lie in another.

    As in the core, an IPv4 packet is looked up among IPv4 prefixes only, an IPv6 packet among the others.
    """
    found: dict[Family, set[Prefix]] = {IPV4: set(), IPV6: set()}
    for plan in plans:
        for number, length in enumerate(plan.lengths):
            address = plan.addresses[number * _ADDRESS_BYTES : (number + 1) * _ADDRESS_BYTES]
            if length >= _MAPPED_BITS and address.startswith(_MAPPED):
                found[IPV4].add((address[len(_MAPPED) :], length - _MAPPED_BITS))
            else:
                found[IPV6].add((address, length))
    return {family: list(_widest(sorted(prefixes))) for family, prefixes in found.items()}


def _widest(prefixes: list[Prefix]) -> Iterator[Prefix]:
    """Leave out what lies in the prefix before it; the order is by address, then by length."""
    last: bytes | None = None
    for prefix in prefixes:
        address, length = prefix
        if last is None or address > last:
            yield prefix
            host_bits = len(address) * 8 - length
            highest = int.from_bytes(address, "big") | (1 << host_bits) - 1
            last = highest.to_bytes(len(address), "big")


class WatchedList:
    """One family's trie, behind a map of maps so that a whole list is swapped at once."""

    def __init__(self, family: Family, prefixes: list[Prefix]) -> None:
        self.family = family
        trie = self.prepare(prefixes)
        try:
            shape = Shape(Kind.ARRAY_OF_MAPS, 4, 4, 1, inner=trie.descriptor)
            self.map = Map(family.name, shape)
            self.swap(trie)
        finally:
            trie.close()

    def swap(self, trie: Map) -> None:
        """Put a list in force: each packet is judged by the old one or by the new one, never by a mixture.

        No packet is judged by the old list any more when this returns.
        """
        self.map.update(_SLOT, struct.pack("=I", trie.descriptor))

    def close(self) -> None:
        """Give up the maps; programs that use them keep them."""
        self.map.close()

    def prepare(self, prefixes: list[Prefix]) -> Map:
        """Make the trie of a list, to be put in force by ``swap`` and closed by the caller."""
        # The kernel makes no empty map.
        entries = max(len(prefixes), 1)
        shape = Shape(Kind.LPM_TRIE, self.family.key_bytes, _VALUE_BYTES, entries, NO_PREALLOCATION)
        trie = Map(self.family.name, shape)
        try:
            trie.update_batch(b"".join(map(self.family.key, prefixes)), len(prefixes))
            trie.freeze()
        except BaseException:
            trie.close()
            raise
        return trie
