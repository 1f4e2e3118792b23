"""The key of the pseudonyms: made once, read from its file, and kept out of everything else."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from sensor.errors import ConfigError

KEY_BYTES = 32
_HALF = KEY_BYTES // 2


@dataclass(frozen=True)
class Key:
    """32 secret bytes, which no representation shows.

    Attributes
    ----------
    secret
        Two AES-128 keys, as ipcrypt's prefix-preserving mode wants them; they may not be alike.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ConfigError(f"a key has {KEY_BYTES} bytes, not {len(self.secret)}")
        if self.secret[:_HALF] == self.secret[_HALF:]:
            raise ConfigError("the two halves of a key must differ: these are no random bytes")

    def derived(self, purpose: str) -> Key:
        """Another key, from which this one cannot be found.

        Each purpose has a key of its own, so that knowing what one of them hides (the outside addresses are
        easily guessed) tells nothing about another.
        """
        return Key(hmac.digest(self.secret, f"blocktap data set: {purpose}".encode(), hashlib.sha256))


def read_or_make_key(path: Path, data_set: Path) -> Key:
    """Read a key's file; where there is none, make one that its owner alone may read.

    Parameters
    ----------
    path
        The key's file: 32 bytes, nothing else.
    data_set
        The data set's folder, in which the key may not lie.

    Raises
    ------
    ConfigError
        The file lies within the data set, others may read it, it is no key, or it cannot be read or made.
    """
    _refuse_within(path, data_set)
    try:
        try:
            return _read(path)
        except FileNotFoundError:
            return _make(path)
    except OSError as error:
        raise ConfigError(f"{path}: the key cannot be read or made: {error.strerror}") from error


def _refuse_within(path: Path, data_set: Path) -> None:
    folder = data_set.resolve()
    # Both as it is called and as what it is: a link within the data set would be copied along with it.
    for one in (path.resolve(), path.parent.resolve() / path.name):
        if one.is_relative_to(folder):
            raise ConfigError(f"{path} lies within the data set {data_set}: a key may not leave with it")


def _read(path: Path) -> Key:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path} is no file")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"{path} can be read by others: chmod 600 {path}")
        # One byte more than a key has shows that a file is too long, however long it is.
        secret = file.read(KEY_BYTES + 1)
    if len(secret) != KEY_BYTES:
        length = f"{len(secret)} bytes" if len(secret) < KEY_BYTES else "more"
        raise ConfigError(f"{path} is no key: it has {length}, not {KEY_BYTES} bytes")
    return Key(secret)


def _make(path: Path) -> Key:
    key = Key(os.urandom(KEY_BYTES))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.secret)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return key
