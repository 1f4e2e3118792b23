"""Basic authentication against a salted hash: slow to guess, quick for who has shown the right one before."""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

MEMORY_BYTES: Final = 64 << 20
"""Most memory that checking a password may take."""
LONGEST_HEADER: Final = 512
"""Longest value of an ``Authorization`` header that is looked at."""


def matches(password: bytes, stored: str) -> bool:
    """Whether a password has the hash ``scrypt$n$r$p$salt$hash``."""
    _, cost, block, parallel, salt, expected_hex = stored.split("$")
    expected = bytes.fromhex(expected_hex)
    made = hashlib.scrypt(
        password, salt=bytes.fromhex(salt), n=int(cost), r=int(block), p=int(parallel),
        maxmem=MEMORY_BYTES, dklen=len(expected),
    )  # fmt: skip
    return hmac.compare_digest(made, expected)


class Gatekeeper:
    """Knows one user.

    Checking a password is made slow on purpose, so that of one that was right a keyed hash is kept: the next
    scrape with the same header is let in by that.

    Parameters
    ----------
    user, stored
        The user's name, and the hash of the password.
    """

    def __init__(self, user: str, stored: str) -> None:
        self._user = user.encode()
        self._stored = stored
        self._key = secrets.token_bytes(32)
        self._known: bytes | None = None

    def is_known(self, header: str) -> bool:
        """Whether this header was right before. Quick."""
        return self._known is not None and hmac.compare_digest(self._known, self._digest(header))

    def check(self, header: str) -> bool:
        """Whether this header is right. Slow: keep it off the event loop."""
        credentials = _credentials(header)
        if credentials is None:
            return False
        user, password = credentials
        # Both are always checked, so that the time tells nothing of the user's name.
        is_user = hmac.compare_digest(user, self._user)
        is_right = matches(password, self._stored) and is_user
        if is_right:
            self._known = self._digest(header)
        return is_right

    def _digest(self, header: str) -> bytes:
        return hmac.digest(self._key, header.encode(), "sha256")


def _credentials(header: str) -> tuple[bytes, bytes] | None:
    """User and password of an ``Authorization`` header."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > LONGEST_HEADER:
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(b":")
    return (user, password) if colon else None
