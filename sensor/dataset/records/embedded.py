"""Addresses inside names: ``5.176.45.175.in-addr.arpa``, ``host-175-45-176-5.example``, ``af2db005.example``.

A name in which any address can be read is not told: it may be that of the very host which the pseudonym stands
for, or of an outside address that is told as its network alone. Spellings that other words share (eight hexadecimal
digits, a long decimal number) are an address only where they spell one that is inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from sensor.dataset.records.addresses import pack

RARE = "(rare)"
ADDRESS = "(address)"

_REVERSE = ("in-addr.arpa", "ip6.arpa")
_NUMBERS = re.compile(r"\d+(?:[-._x]\d+){3,}")
_DECIMAL = re.compile(r"\d{8,}")
_HEXADECIMAL = re.compile(r"[0-9a-f]{8,}")
# 32 digits, each a label of its own, as reverse names and block lists write IPv6.
_NIBBLES = re.compile(r"(?<![^.])[0-9a-f](?:\.[0-9a-f]){31}(?![^.])")
# Groups of IPv6, with dashes for colons.
_DASHED = re.compile(r"(?<![0-9a-z])[0-9a-f]{0,4}(?:-[0-9a-f]{0,4}){2,7}(?![0-9a-z])")
_IPV4_BYTES = 4
_IPV6_DIGITS = 32
_PADDED_DIGITS = 12


class NameGuard:
    """Say what of a name may be told at all, however many hosts share it.

    Parameters
    ----------
    inside
        Every inside address, as text.
    site_of
        Gives the registrable domain of a name.
    """

    def __init__(self, inside: Iterable[str], site_of: Callable[[str], str]) -> None:
        packed = [one for one in map(pack, inside) if one is not None]
        # Written backwards as often as forwards: by reverse names, by little-endian machines.
        self._inside = {one for address in packed for one in (address, address[::-1])}
        self._site_of = site_of

    def __call__(self, name: str) -> str:
        """The name; or less of it, where it holds an address."""
        for zone in _REVERSE:
            if name == zone or name.endswith("." + zone):
                return zone
        if pack(name.strip("[]")) is not None:
            return ADDRESS
        if not self.holds_address(name):
            return name
        site = self._site_of(name)
        return RARE if self.holds_address(site) else site

    def holds_address(self, name: str) -> bool:
        """Whether an address can be read in a name."""
        return _has_four_numbers(name) or _has_ipv6(name) or self._spells_inside(name)

    def _spells_inside(self, name: str) -> bool:
        return any(spelt in self._inside for spelt in _spellings(name))


def _has_four_numbers(name: str) -> bool:
    for found in _NUMBERS.finditer(name):
        are_bytes = [len(number) <= 3 and int(number) < 256 for number in re.split("[-._x]", found[0])]
        if any(all(are_bytes[start : start + 4]) for start in range(len(are_bytes) - 3)):
            return True
    return False


def _has_ipv6(name: str) -> bool:
    if _NIBBLES.search(name):
        return True
    return any(pack(found[0].replace("-", ":")) is not None for found in _DASHED.finditer(name))


def _spellings(name: str) -> Iterator[bytes]:
    """Bytes of addresses that runs of digits may stand for, wherever in a run they begin."""
    for found in _HEXADECIMAL.finditer(name):
        digits = found[0]
        for length in (2 * _IPV4_BYTES, _IPV6_DIGITS):
            for start in range(len(digits) - length + 1):
                yield bytes.fromhex(digits[start : start + length])
    for found in _DECIMAL.finditer(name):
        yield from _decimal(found[0])


def _decimal(digits: str) -> Iterator[bytes]:
    for length in (8, 9, 10):
        for start in range(len(digits) - length + 1):
            number = int(digits[start : start + length])
            if number < 1 << 8 * _IPV4_BYTES:
                yield number.to_bytes(_IPV4_BYTES, "big")
    for start in range(len(digits) - _PADDED_DIGITS + 1):
        parts = [int(digits[start + place : start + place + 3]) for place in range(0, _PADDED_DIGITS, 3)]
        if all(part < 256 for part in parts):
            yield bytes(parts)
