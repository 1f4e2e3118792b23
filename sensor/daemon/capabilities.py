"""Linux capabilities of this thread, by the system calls themselves: no library has to be there."""

import ctypes
import os
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Final


class Capability(IntEnum):
    """Those that a sensor may have a use for, by the kernel's numbers."""

    CAP_DAC_OVERRIDE = 1
    CAP_SETGID = 6
    CAP_SETUID = 7
    CAP_SETPCAP = 8
    CAP_NET_ADMIN = 12
    CAP_NET_RAW = 13
    CAP_SYS_ADMIN = 21
    CAP_BPF = 39


PR_CAPBSET_DROP: Final = 24
PR_SET_KEEPCAPS: Final = 8
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4

_VERSION_3: Final = 0x2008_0522
_BITS: Final = 32

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("thread", ctypes.c_int))


class _Word(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def effective() -> frozenset[int]:
    """What this thread may do now."""
    words = _get()
    return _numbers(words[0].effective | words[1].effective << _BITS)


def permitted() -> frozenset[int]:
    """What this thread may give itself."""
    words = _get()
    return _numbers(words[0].permitted | words[1].permitted << _BITS)


def set_all(keep: Iterable[int]) -> None:
    """Make the effective and the permitted set of this thread the given one, the inheritable one empty.

    Raises
    ------
    OSError
        One of them was not permitted before.
    """
    mask = sum(1 << capability for capability in set(keep))
    words = (_Word * 2)()
    for position, word in enumerate(words):
        part = mask >> (_BITS * position) & 0xFFFF_FFFF
        word.effective = word.permitted = part
    header = _Header(_VERSION_3, 0)
    if _libc.capset(ctypes.byref(header), words):
        raise _failed("capset")


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """Change one attribute of this thread.

    Raises
    ------
    OSError
        The kernel refused.
    """
    arguments = [ctypes.c_ulong(number) for number in (first, second, 0, 0)]
    if _libc.prctl(option, *arguments):
        raise _failed(f"prctl({option}, {first})")


def last_capability() -> int:
    """The highest number that this kernel knows."""
    try:
        return int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return max(Capability)


def _get() -> ctypes.Array[_Word]:
    words = (_Word * 2)()
    header = _Header(_VERSION_3, 0)
    if _libc.capget(ctypes.byref(header), words):
        raise _failed("capget")
    return words


def _numbers(mask: int) -> frozenset[int]:
    return frozenset(number for number in range(2 * _BITS) if mask >> number & 1)


def _failed(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
