"""The system call bpf(2), and what to do when the kernel refuses it."""

import ctypes
import errno
import os
import platform
from enum import IntEnum
from pathlib import Path
from typing import Final

from sensor.errors import CaptureError

_NUMBERS: Final = {
    "x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280, "ppc64le": 361, "s390x": 351,
    "i686": 357, "armv7l": 386,
}  # fmt: skip
ENOTSUPP: Final = 524
"""The kernel's own «not supported», which has no name in user space."""

_UNPRIVILEGED: Final = Path("/proc/sys/kernel/unprivileged_bpf_disabled")
_LOCKDOWN: Final = Path("/sys/kernel/security/lockdown")

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class Command(IntEnum):
    """The commands of bpf(2) that the prefilter uses."""

    MAP_CREATE = 0
    MAP_LOOKUP = 1
    MAP_UPDATE = 2
    MAP_NEXT_KEY = 4
    PROGRAM_LOAD = 5
    PROGRAM_TEST_RUN = 10
    MAP_FREEZE = 22
    MAP_UPDATE_BATCH = 26
    LINK_CREATE = 28


class BpfError(CaptureError):
    """The kernel refused a command of bpf(2); ``code`` is its errno."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def bpf(command: Command, attributes: ctypes.Structure, what: str) -> int:
    """Do one command; the kernel may write into ``attributes``.

    Parameters
    ----------
    command : Command
        What to do.
    attributes : ctypes.Structure
        The command's part of the kernel's ``union bpf_attr``.
    what : str
        What is being done, for the message.

    Returns
    -------
    int
        What the command returns: a file descriptor where it makes something, else 0.

    Raises
    ------
    BpfError
        With the reason and, where privileges are missing, which.
    """
    number = _NUMBERS.get(platform.machine())
    if number is None:
        message = f"{what}: no prefilter on {platform.machine()}: its system call number is not known"
        raise BpfError(message, errno.ENOSYS)
    result: int = _libc.syscall(
        ctypes.c_long(number), ctypes.c_int(command), ctypes.byref(attributes), ctypes.sizeof(attributes)
    )
    if result >= 0:
        return result
    code = ctypes.get_errno()
    raise BpfError(f"{what}: {_reason(code)}", code)


def _reason(code: int) -> str:
    said = "not supported by this kernel" if code == ENOTSUPP else os.strerror(code)
    mend = ""
    if code in {errno.EPERM, errno.EACCES}:
        mend = _missing_privilege()
    elif code == errno.ENOSYS:
        mend = "; this kernel is built without bpf(2): run with --prefilter none"
    elif code in {errno.ENOMEM, errno.E2BIG}:
        mend = "; the list is too long for the memory the kernel grants"
    return f"{said}{mend}"


def _missing_privilege() -> str:
    """Say which privilege opens bpf(2) here, by what the kernel tells about itself."""
    if "[confidentiality]" in _read(_LOCKDOWN):
        return "; the kernel is locked down (confidentiality): run with --prefilter none"
    setting = _read(_UNPRIVILEGED).strip()
    told = f" (kernel.unprivileged_bpf_disabled = {setting})" if setting else ""
    return (
        "; the prefilter needs CAP_BPF, for xdp CAP_NET_ADMIN too, before Linux 5.8 CAP_SYS_ADMIN"
        f"{told}: grant them or run with --prefilter none"
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
