"""The kernel's maps: made, filled, read, frozen."""

import ctypes
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Final

from sensor.errors import CaptureError
from sensor.prefilter.syscall import ENOTSUPP, BpfError, Command, bpf

NO_PREALLOCATION: Final = 1
"""The flag without which the kernel makes no trie."""

_NAME_BYTES: Final = 16
_POSSIBLE_CPUS: Final = Path("/sys/devices/system/cpu/possible")


class Kind(IntEnum):
    """The kinds of maps that the prefilter uses."""

    PER_CPU_HASH = 5
    LPM_TRIE = 11
    ARRAY_OF_MAPS = 12


@dataclass(frozen=True, slots=True)
class Shape:
    """What a map is made of; ``inner`` is the descriptor of a map like those an array of maps will hold."""

    kind: Kind
    key_bytes: int
    value_bytes: int
    maximum_entries: int
    flags: int = 0
    inner: int = 0


class _Create(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_uint32), ("key_bytes", ctypes.c_uint32), ("value_bytes", ctypes.c_uint32),
        ("maximum_entries", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("inner", ctypes.c_uint32),
        ("numa_node", ctypes.c_uint32), ("name", ctypes.c_char * _NAME_BYTES),
    ]  # fmt: skip


class _Element(ctypes.Structure):
    _fields_ = [
        ("descriptor", ctypes.c_uint32), ("_pad", ctypes.c_uint32), ("key", ctypes.c_uint64),
        ("value", ctypes.c_uint64), ("flags", ctypes.c_uint64),
    ]  # fmt: skip


class _Batch(ctypes.Structure):
    _fields_ = [
        ("first", ctypes.c_uint64), ("next", ctypes.c_uint64), ("keys", ctypes.c_uint64),
        ("values", ctypes.c_uint64), ("count", ctypes.c_uint32), ("descriptor", ctypes.c_uint32),
        ("element_flags", ctypes.c_uint64), ("flags", ctypes.c_uint64),
    ]  # fmt: skip


class Map:
    """One map of the kernel, open in this process until it is closed."""

    def __init__(self, name: str, shape: Shape) -> None:
        """Make it.

        Raises
        ------
        CaptureError
            The kernel refuses; the message says what is missing.
        """
        self.name = name
        self.shape = shape
        attributes = _Create(
            shape.kind, shape.key_bytes, shape.value_bytes, shape.maximum_entries, shape.flags, shape.inner, 0,
            name.encode()[: _NAME_BYTES - 1],
        )  # fmt: skip
        self.descriptor = bpf(Command.MAP_CREATE, attributes, f"making the map {name}")

    def update(self, key: bytes, value: bytes) -> None:
        """Set one entry."""
        key_buffer, value_buffer = _buffer(key), _buffer(value)
        self._element(Command.MAP_UPDATE, key_buffer, value_buffer)

    def update_batch(self, keys: bytes, count: int) -> None:
        """Set ``count`` entries, each to zeros; ``keys`` stand one behind the other.

        One call on kernels that can (5.6 and newer), else one an entry.
        """
        if count == 0:
            return
        key_buffer, value_buffer = _buffer(keys), _buffer(bytes(count * self.shape.value_bytes))
        attributes = _Batch(
            keys=ctypes.addressof(key_buffer), values=ctypes.addressof(value_buffer), count=count,
            descriptor=self.descriptor,
        )  # fmt: skip
        try:
            bpf(Command.MAP_UPDATE_BATCH, attributes, f"filling the map {self.name}")
        except BpfError as error:
            if error.code not in {errno.EINVAL, ENOTSUPP}:
                raise
            size, zero = self.shape.key_bytes, bytes(self.shape.value_bytes)
            for start in range(0, count * size, size):
                self.update(keys[start : start + size], zero)

    def lookup(self, key: bytes) -> bytes | None:
        """Return the value of a key, of a per-CPU map one for each possible CPU, or None."""
        cpus = possible_cpus() if self.shape.kind == Kind.PER_CPU_HASH else 1
        value_buffer = ctypes.create_string_buffer(cpus * ((self.shape.value_bytes + 7) // 8 * 8))
        try:
            self._element(Command.MAP_LOOKUP, _buffer(key), value_buffer)
        except BpfError as error:
            if error.code == errno.ENOENT:
                return None
            raise
        return value_buffer.raw

    def keys(self) -> Iterator[bytes]:
        """Walk the keys; those that come or go meanwhile may be left out."""
        key: ctypes.Array[ctypes.c_char] | None = None
        while True:
            following = ctypes.create_string_buffer(self.shape.key_bytes)
            try:
                self._element(Command.MAP_NEXT_KEY, key, following)
            except BpfError as error:
                if error.code == errno.ENOENT:
                    return
                raise
            key = following
            yield key.raw

    def freeze(self) -> None:
        """Let no process change the map any more; kernels before 5.2 cannot, and are forgiven."""
        try:
            self._element(Command.MAP_FREEZE, None, None)
        except BpfError as error:
            if error.code != errno.EINVAL:
                raise

    def close(self) -> None:
        """Give the descriptor back; the map lives on where a program or a map of maps holds it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _element(
        self,
        command: Command,
        key: "ctypes.Array[ctypes.c_char] | None",
        value: "ctypes.Array[ctypes.c_char] | None",
    ) -> None:
        attributes = _Element(
            descriptor=self.descriptor,
            key=ctypes.addressof(key) if key is not None else 0,
            value=ctypes.addressof(value) if value is not None else 0,
        )
        bpf(command, attributes, f"using the map {self.name}")


@cache
def possible_cpus() -> int:
    """Return how many values a per-CPU map holds for each key.

    Raises
    ------
    CaptureError
        The kernel does not tell.
    """
    try:
        text = _POSSIBLE_CPUS.read_text().strip()
        return sum(int(part.split("-")[-1]) - int(part.split("-")[0]) + 1 for part in text.split(","))
    except (OSError, ValueError) as error:
        message = f"{_POSSIBLE_CPUS} does not tell how many CPUs the kernel counts for: {error}"
        raise CaptureError(message) from error


def _buffer(data: bytes) -> "ctypes.Array[ctypes.c_char]":
    return ctypes.create_string_buffer(data, len(data))
