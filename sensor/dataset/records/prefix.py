"""ipcrypt's prefix-preserving mode, ipcrypt-pfx, for many addresses at once.

Specification: https://datatracker.ietf.org/doc/draft-denis-ipcrypt/, "Prefix-Preserving Encryption". An address
is 16 bytes, IPv4 mapped into IPv6. Each of its bits is flipped or not by a pseudorandom bit of the bits before
it, so that two addresses with a common prefix have pseudonyms with a common prefix of the same length, and no two
addresses have one pseudonym. The first 96 bits of an IPv4 address stay.

The package ``ipcrypt`` does the same, one address and one bit at a time: thousands of times slower. It is what
the tests compare this module with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensor.dataset.records.key import Key

Addresses = NDArray[np.uint8]
"""Shape (n, 16)."""

ADDRESS_BYTES = 16
_BITS = 8 * ADDRESS_BYTES
_MAPPED_BITS = 96
_MAPPED = np.frombuffer(bytes(10) + b"\xff\xff", np.uint8)
_AT_ONCE = 1 << 15


def encrypt(addresses: Addresses, key: Key) -> Addresses:
    """Give each address its pseudonym, of the same family."""
    return _by_family(addresses, key, decrypting=False)


def decrypt(pseudonyms: Addresses, key: Key) -> Addresses:
    """Give back the address of each pseudonym; with another key, some other address."""
    return _by_family(pseudonyms, key, decrypting=True)


def is_ipv4(addresses: Addresses) -> NDArray[np.bool_]:
    """Which addresses are IPv4, mapped."""
    return np.asarray((addresses[:, : len(_MAPPED)] == _MAPPED).all(axis=1))


def map_ipv4(addresses: Addresses) -> Addresses:
    """Map IPv4 addresses, of shape (n, 4), into IPv6."""
    return np.hstack([np.broadcast_to(_MAPPED, (len(addresses), len(_MAPPED))), addresses])


def _by_family(addresses: Addresses, key: Key, *, decrypting: bool) -> Addresses:
    coin = _Coin(key)
    result = np.empty_like(addresses)
    ipv4 = is_ipv4(addresses)
    for rows, kept_bits in ((np.flatnonzero(ipv4), _MAPPED_BITS), (np.flatnonzero(~ipv4), 0)):
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            result[some] = _flip(addresses[some], coin, kept_bits, decrypting)
    return result


def _flip(addresses: Addresses, coin: _Coin, kept_bits: int, decrypting: bool) -> Addresses:
    given = np.unpackbits(addresses, axis=1)
    found = given.copy()
    plain = found if decrypting else given
    for depth in range(kept_bits, _BITS):
        found[:, depth] = given[:, depth] ^ coin.toss(plain[:, :depth])
    return np.packbits(found, axis=1)


class _Coin:
    """A secret bit for every prefix: the last one of the exclusive or of two AES permutations."""

    def __init__(self, key: Key) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        halves = key.secret[:ADDRESS_BYTES], key.secret[ADDRESS_BYTES:]
        # Single blocks, each encrypted for itself, are what the mode is made of.
        self._ciphers = [Cipher(algorithms.AES(half), modes.ECB()) for half in halves]  # noqa: S305

    def toss(self, prefixes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A bit for each prefix, given as bits of shape (n, length)."""
        length = prefixes.shape[1]
        blocks = np.zeros((len(prefixes), _BITS), np.uint8)
        blocks[:, _BITS - 1 - length] = 1  # where the prefix begins
        blocks[:, _BITS - length :] = prefixes
        packed = np.packbits(blocks, axis=1).tobytes()
        first, second = (
            np.frombuffer(cipher.encryptor().update(packed), np.uint8)[ADDRESS_BYTES - 1 :: ADDRESS_BYTES]
            for cipher in self._ciphers
        )
        return np.asarray((first ^ second) & 1)
