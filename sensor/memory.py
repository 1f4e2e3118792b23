"""One number for the memory of a sensor, and what each part of it may take.

The core bounds by its part whatever grows with what strangers send: flows, names, fragments, DNS transactions, evidence
of hosts, rows on their way. Rules are the operator's own and come on top, as far as they are longer than the shipped
ones.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor.errors import ConfigError

__all__ = ["MINIMUM_BYTES", "Shares", "check_size", "live_shares", "machine_bytes", "replay_shares"]

MIB: Final = 1 << 20
BASE_BYTES: Final = 160 * MIB
"""What the interpreter, its libraries, the shipped rules and chunks of packets take, whatever comes."""
MINIMUM_BYTES: Final = 256 * MIB
MAXIMUM_BYTES: Final = 1 << 44
WORKER_BYTES: Final = 16 * MIB
"""What each further worker takes besides: chunks of packets, and the pools of its thread."""
ROOM_BYTES: Final = 64 * MIB
"""Least that is left for what grows."""

_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
                 "KI": 1 << 10, "MI": 1 << 20, "GI": 1 << 30, "TI": 1 << 40}  # fmt: skip
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,3})?) ?([KMGT]?I?)B?", re.IGNORECASE)


@dataclass(frozen=True)
class Shares:
    """Bytes: of the core's structures, of rows that wait for the store, and of rows in the store's writer.

    The writer holds its rows up to four times while it sorts and encodes them, or merges segments.
    """

    core: int
    queue: int
    buffered: int


def check_size(value: object) -> int:
    """Return a size in bytes: a number, or a text as ``2GiB``.

    Raises
    ------
    ValueError
        It is neither, or out of bounds.
    """
    size = _size_of(value)
    if size is None:
        message = "a size is a number of bytes, or a text as '512MiB' or '2GiB'"
        raise ValueError(message)
    if not MINIMUM_BYTES <= size <= MAXIMUM_BYTES:
        message = f"the memory is at least {MINIMUM_BYTES // MIB}MiB, and at most {MAXIMUM_BYTES >> 40}TiB"
        raise ValueError(message)
    return size


def _size_of(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2].upper() not in _UNITS:
        return None
    return int(float(match[1]) * _UNITS[match[2].upper()])


def machine_bytes() -> int:
    """Memory that this process can ever have: the machine's, or less where its control group has less."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *_group_limits()])


def _group_limits(root: Path = Path("/sys/fs/cgroup")) -> list[int]:
    try:
        own = Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip()
    except OSError:
        return []
    group, limits = root / own.lstrip("/"), []
    for folder in (group, *group.parents):
        if not folder.is_relative_to(root):
            break
        try:
            limits.append(int((folder / "memory.max").read_text()))
        except (OSError, ValueError):  # no such group here, or "max"
            continue
    return limits


def replay_shares(memory_max: int | None, workers: int = 1) -> Shares:
    """What a replay may take; half of the machine's memory where nobody says anything else.

    Raises
    ------
    ConfigError
        So many workers leave too little.
    """
    room = _room(memory_max, 0, workers)
    return Shares(core=room * 55 // 100, queue=0, buffered=room * 10 // 100)


def live_shares(memory_max: int | None, ring_bytes: int, workers: int = 1) -> Shares:
    """What a daemon may take whose rings take so much.

    Raises
    ------
    ConfigError
        The rings, or so many workers, leave too little.
    """
    room = _room(memory_max, ring_bytes, workers)
    return Shares(core=room * 50 // 100, queue=room * 12 // 100, buffered=room * 10 // 100)


def _room(memory_max: int | None, ring_bytes: int, workers: int) -> int:
    taken = BASE_BYTES + ring_bytes + WORKER_BYTES * (workers - 1)
    if memory_max is None:
        return max(ROOM_BYTES, machine_bytes() // 2 - taken)
    if memory_max < taken + ROOM_BYTES:
        least = -(-(taken + ROOM_BYTES) // MIB)
        raise ConfigError(
            f"memory_max: {memory_max // MIB}MiB are too little for {workers} workers and rings of "
            f"{ring_bytes // MIB}MiB (capture.memory_bytes); at least {least}MiB"
        )
    return memory_max - taken
