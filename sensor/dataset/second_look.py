"""A second look for inside addresses in what is about to leave, by other means than those that kept them back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

_QUADS = re.compile(r"(?<!\d)(\d{1,3})[._x-](\d{1,3})[._x-](\d{1,3})[._x-](\d{1,3})(?!\d)")
_TWELVE = re.compile(r"(?<!\d)\d{12}(?!\d)")
_HEXADECIMAL = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{8}|[0-9a-f]{32})(?![0-9a-f])")
_DECIMAL = re.compile(r"(?<!\d)\d{8,10}(?!\d)")
_GROUPS = re.compile(r"[0-9a-f]{0,4}(?:[:-]{1,2}[0-9a-f]{1,4}){2,7}")


def texts_with_addresses(texts: Iterable[str], hosts: Iterable[str]) -> set[str]:
    """Which texts could be read to have an inside address in them.

    Parameters
    ----------
    texts
        Whatever is told.
    hosts
        Every inside address there is.
    """
    known = {number for text in hosts if (number := _address(text)) is not None}
    return {text for text in texts if not known.isdisjoint(addresses_in(text.lower()))}


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
        number = _address(found[0].replace("-", ":"))
        if number is not None:
            yield number


def _address(text: str) -> int | None:
    try:
        return int(ip_address(text))
    except ValueError:
        return None
