"""The program on an interface (XDP), held by a link of the kernel that goes when this process does.

An attachment made by netlink would outlive a sensor that is killed, and go on dropping; a link's end is its
last descriptor's end, whatever became of the process. Nor can it replace somebody else's program.
"""

import ctypes
import errno
import os
from typing import Final

from sensor.errors import CaptureError
from sensor.prefilter.interfaces import Interface
from sensor.prefilter.syscall import ENOTSUPP, BpfError, Command, bpf

_ON_INTERFACE: Final = 37
_GENERIC: Final = 1 << 1
_NATIVE: Final = 1 << 2
_LARGEST_USUAL_MTU: Final = 1500


class _LinkCreate(ctypes.Structure):
    _fields_ = [
        ("program", ctypes.c_uint32), ("interface", ctypes.c_uint32), ("attach_type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
    ]  # fmt: skip


class Attachment:
    """A program on an interface until ``detach``, or until the process ends in any way."""

    def __init__(self, interface: Interface, program: int, *, generic: bool) -> None:
        """Attach in the driver or, where the driver cannot and ``generic`` allows, behind it.

        Raises
        ------
        CaptureError
            The driver cannot; a program is attached already; privileges are missing.
        """
        self.interface = interface
        self.native = True
        try:
            self._link = _link(interface, program, _NATIVE)
        except BpfError as error:
            if not generic or error.code not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ERANGE, ENOTSUPP}:
                raise CaptureError(_explain(interface, error)) from error
            self.native = False
            self._link = _link(interface, program, _GENERIC)

    def detach(self) -> None:
        """Take the program off; the second time does nothing."""
        if self._link >= 0:
            os.close(self._link)
            self._link = -1


def _link(interface: Interface, program: int, mode: int) -> int:
    attributes = _LinkCreate(program, interface.index, _ON_INTERFACE, mode)
    return bpf(Command.LINK_CREATE, attributes, f"attaching the prefilter to {interface.name}")


def _explain(interface: Interface, error: BpfError) -> str:
    if error.code in {errno.EBUSY, errno.EEXIST}:
        return (
            f"{error}: another XDP program is on it; see `ip link show {interface.name}`, "
            f"take it off by `ip link set {interface.name} xdp off`"
        )
    if error.code in {errno.EOPNOTSUPP, errno.EINVAL, errno.ERANGE, ENOTSUPP}:
        jumbo = interface.mtu > _LARGEST_USUAL_MTU
        cause = (
            f"its driver has no XDP, or none for frames as large as its MTU of {interface.mtu}"
            if jumbo
            else "its driver has no XDP"
        )
        return f"{error}: {cause}; use --prefilter socket, or allow generic mode (slower)"
    return str(error)
