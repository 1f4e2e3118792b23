"""Names that do not leave however many share them: those that are addresses, or have an inside one in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

_QUADS = re.compile(r"(?<!\d)(\d{1,3})[._x-](\d{1,3})[._x-](\d{1,3})[._x-](\d{1,3})(?!\d)")
_TWELVE = re.compile(r"(?<!\d)\d{12}(?!\d)")
_HEXADECIMAL = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{8}|[0-9a-f]{32})(?![0-9a-f])")
_DECIMAL = re.compile(r"(?<!\d)\d{8,10}(?!\d)")
_GROUPS = re.compile(r"[0-9a-f]{0,4}(?:[:-]{1,2}[0-9a-f]{1,4}){2,7}")


def names_to_withhold(names: Sequence[str], hosts: Sequence[str]) -> set[str]:
    """Which names are addresses, or tell an inside one in some spelling that reverse names use.

    Parameters
    ----------
    names
        Lower case.
    hosts
        Every inside address there is.
    """
    known = {int(address) for text in hosts if (address := _address(text)) is not None}
    return {
        name
        for name in names
        if _address(name.strip("[]")) is not None or not known.isdisjoint(addresses_in(name))
    }


def addresses_in(text: str) -> Iterator[int]:
    """Every address, as a number, that a text could be read to have in it."""
    for found in _QUADS.finditer(text):
        parts = [int(part) for part in found.groups()]
        if max(parts) < 256:
            yield int.from_bytes(bytes(parts))
            yield int.from_bytes(bytes(reversed(parts)))
    for found in _TWELVE.finditer(text):
        parts = [int(found[0][place : place + 3]) for place in range(0, 12, 3)]
        if max(parts) < 256:
            yield int.from_bytes(bytes(parts))
    for found in _HEXADECIMAL.finditer(text):
        yield int(found[0], 16)
    for found in _DECIMAL.finditer(text):
        yield int(found[0])
    for found in _GROUPS.finditer(text):
        address = _address(found[0].replace("-", ":"))
        if address is not None:
            yield int(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
