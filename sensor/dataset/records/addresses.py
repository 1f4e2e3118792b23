"""Addresses as text: pseudonyms of them, and the networks they lie in."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import numpy as np

from sensor.dataset.records.key import Key
from sensor.dataset.records.prefix import ADDRESS_BYTES, Addresses, decrypt, encrypt, is_ipv4, map_ipv4

Texts = Sequence[str | None]

_IPV4_BYTES = 4
_IPV4_NETWORK_BYTES = 3
_IPV6_NETWORK_BYTES = 6


def pseudonyms(addresses: Texts, key: Key) -> list[str | None]:
    """Encrypt addresses; what is no address has no pseudonym."""
    return _changed(addresses, lambda packed: encrypt(packed, key))


def real_addresses(names: Texts, key: Key) -> list[str | None]:
    """Give back what `pseudonyms` was given, to who has the key."""
    return _changed(names, lambda packed: decrypt(packed, key))


def networks(addresses: Texts) -> list[str | None]:
    """The network of each address: ``192.0.2.0/24``, ``2001:db8:1::/48``; None for what is no address."""
    return [None if one is None else _network(one) for one in map(pack, addresses)]


def pack(address: str | None) -> bytes | None:
    """4 or 16 bytes; None for what is no address."""
    if address is None:
        return None
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError):
        return None


def _network(packed: bytes) -> str:
    if len(packed) == _IPV4_BYTES:
        return socket.inet_ntop(socket.AF_INET, packed[:_IPV4_NETWORK_BYTES] + b"\0") + "/24"
    kept = packed[:_IPV6_NETWORK_BYTES]
    return socket.inet_ntop(socket.AF_INET6, kept.ljust(ADDRESS_BYTES, b"\0")) + "/48"


def _changed(addresses: Texts, change: Callable[[Addresses], Addresses]) -> list[str | None]:
    packed = [pack(one) for one in addresses]
    found: list[str | None] = [None] * len(packed)
    places = [place for place, one in enumerate(packed) if one is not None]
    if not places:
        return found
    changed = change(_stack([one for one in packed if one is not None]))
    ipv4 = is_ipv4(changed)
    for place, row, short in zip(places, changed, ipv4.tolist(), strict=True):
        family, first = (socket.AF_INET, ADDRESS_BYTES - _IPV4_BYTES) if short else (socket.AF_INET6, 0)
        found[place] = socket.inet_ntop(family, row[first:].tobytes())
    return found


def _stack(packed: list[bytes]) -> Addresses:
    rows = np.empty((len(packed), ADDRESS_BYTES), np.uint8)
    for length in (_IPV4_BYTES, ADDRESS_BYTES):
        places = [place for place, one in enumerate(packed) if len(one) == length]
        some = np.frombuffer(b"".join(packed[place] for place in places), np.uint8).reshape(-1, length)
        rows[places] = map_ipv4(some) if length == _IPV4_BYTES else some
    return rows
