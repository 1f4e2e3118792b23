"""Whether the system clock, which stamps the packets, is kept right by anything."""

import ctypes
import os
from dataclasses import dataclass
from typing import Final

_CLOCK_ERROR: Final = 5
_STATUS_UNSYNCHRONISED: Final = 0x40
_LARGE_ERROR_S: Final = 1.0

_long = ctypes.c_long


class _Timeval(ctypes.Structure):
    _fields_ = (("seconds", _long), ("microseconds", _long))


class _Timex(ctypes.Structure):
    # struct timex of sys/timex.h; `modes` stays 0, so that nothing is set and no privilege is needed.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", _long),
        ("frequency", _long),
        ("maximum_error_us", _long),
        ("estimated_error_us", _long),
        ("status", ctypes.c_int),
        ("constant", _long),
        ("precision", _long),
        ("tolerance", _long),
        ("time", _Timeval),
        ("tick", _long),
        ("pulse_per_second", _long * 2),
        ("pulse_shift", ctypes.c_int),
        ("pulse_counters", _long * 5),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


@dataclass(frozen=True)
class ClockState:
    """What the kernel says about its clock.

    Attributes
    ----------
    synchronised
        A time daemon disciplines it; None where the kernel does not tell.
    estimated_error_s, maximum_error_s
        As the time daemon reported them; of no meaning while not synchronised.
    warning
        What to say to people, empty where all is well.
    """

    synchronised: bool | None
    estimated_error_s: float
    maximum_error_s: float
    warning: str


def clock_state() -> ClockState:
    """Ask the kernel, by ``adjtimex(2)``."""
    state = _Timex()
    ended = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    if ended < 0:
        reason = os.strerror(ctypes.get_errno())
        return ClockState(None, 0.0, 0.0, f"whether the clock is synchronised is not known: {reason}")
    return judge(
        synchronised=ended != _CLOCK_ERROR and not state.status & _STATUS_UNSYNCHRONISED,
        estimated_error_s=state.estimated_error_us / 1e6,
        maximum_error_s=state.maximum_error_us / 1e6,
    )


def judge(*, synchronised: bool, estimated_error_s: float, maximum_error_s: float) -> ClockState:
    """Put the kernel's numbers into a state with its warning."""
    warning = ""
    if not synchronised:
        warning = (
            "the clock is not synchronised: times, days and onsets are as wrong as the clock is; "
            "start chrony or systemd-timesyncd"
        )
    elif estimated_error_s > _LARGE_ERROR_S:
        warning = f"the clock is estimated to be wrong by {estimated_error_s:.1f} s"
    return ClockState(synchronised, estimated_error_s, maximum_error_s, warning)
