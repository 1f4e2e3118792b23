"""Programs in the kernel: loaded, tried out on bytes."""

import ctypes
import errno
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from sensor.prefilter.assembler import INSTRUCTION_BYTES
from sensor.prefilter.syscall import BpfError, Command, bpf

_NAME_BYTES: Final = 16
_LOG_BYTES: Final = 1 << 20
_LOG_LINES_SHOWN: Final = 12
_SEVERAL_BUFFERS: Final = 1 << 5
"""The program's flag that it can do with frames in several buffers, as of a jumbo MTU."""
_ON_INTERFACES: Final = 37
"""How an XDP program says that it is for interfaces."""
# None of the kernel's functions that are called asks for a licence.
_LICENSE: Final = b"Apache-2.0"


class Type(IntEnum):
    """The types of programs."""

    SOCKET = 1
    XDP = 6


class _Load(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_uint32), ("count", ctypes.c_uint32), ("instructions", ctypes.c_uint64),
        ("license", ctypes.c_uint64), ("log_level", ctypes.c_uint32), ("log_bytes", ctypes.c_uint32),
        ("log", ctypes.c_uint64), ("kernel_version", ctypes.c_uint32), ("flags", ctypes.c_uint32),
        ("name", ctypes.c_char * _NAME_BYTES), ("interface", ctypes.c_uint32),
        ("attach_type", ctypes.c_uint32),
    ]  # fmt: skip


class _TestRun(ctypes.Structure):
    _fields_ = [
        ("descriptor", ctypes.c_uint32), ("result", ctypes.c_uint32), ("data_bytes", ctypes.c_uint32),
        ("out_bytes", ctypes.c_uint32), ("data", ctypes.c_uint64), ("out", ctypes.c_uint64),
        ("repeat", ctypes.c_uint32), ("duration_ns", ctypes.c_uint32), ("context_bytes", ctypes.c_uint32),
        ("context_out_bytes", ctypes.c_uint32), ("context", ctypes.c_uint64), ("context_out", ctypes.c_uint64),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """What a program returned for a packet, and the mean duration of a run."""

    result: int
    duration_ns: int


def load_program(kind: Type, name: str, instructions: bytes) -> int:
    """Load a program into the kernel.

    Returns
    -------
    int
        Its descriptor; the program is gone when all that hold it are.

    Raises
    ------
    CaptureError
        The kernel refuses; the message has the end of what its verifier said, if it said anything.
    """
    what = f"loading the program {name}"
    code = ctypes.create_string_buffer(instructions, len(instructions))
    license_text = ctypes.create_string_buffer(_LICENSE)
    attributes = _Load(
        type=kind, count=len(instructions) // INSTRUCTION_BYTES, instructions=ctypes.addressof(code),
        license=ctypes.addressof(license_text), name=name.encode()[: _NAME_BYTES - 1],
    )  # fmt: skip
    if kind == Type.XDP:
        attributes.flags = _SEVERAL_BUFFERS
        attributes.attach_type = _ON_INTERFACES
    try:
        return bpf(Command.PROGRAM_LOAD, attributes, what)
    except BpfError as error:
        if error.code == errno.EPERM:
            raise
        first = error
    # Once more, with the verifier talking: it is too slow and too wordy to do so always.
    log = ctypes.create_string_buffer(_LOG_BYTES)
    attributes.log_level, attributes.log_bytes, attributes.log = 1, _LOG_BYTES, ctypes.addressof(log)
    try:
        return bpf(Command.PROGRAM_LOAD, attributes, what)
    except BpfError as error:
        said = log.value.decode(errors="replace").strip().splitlines()[-_LOG_LINES_SHOWN:]
        if not said:
            mend = "; xdp needs Linux 5.18 or newer: run with --prefilter socket" if kind == Type.XDP else ""
            raise BpfError(f"{first}{mend}", first.code) from None
        raise BpfError("\n  ".join([f"{error}; the kernel's verifier says:", *said]), error.code) from None


def try_program(descriptor: int, frame: bytes, *, repeat: int = 1) -> Trial:
    """Run a loaded program on a frame without any interface; what it counts is counted.

    The kernel takes the first 14 bytes for an Ethernet header; a socket program's packet length lacks them.

    Raises
    ------
    CaptureError
        The kernel refuses the frame: shorter than an Ethernet header, or longer than a page.
    """
    data = ctypes.create_string_buffer(frame, len(frame))
    attributes = _TestRun(
        descriptor=descriptor, data_bytes=len(frame), data=ctypes.addressof(data), repeat=repeat
    )
    bpf(Command.PROGRAM_TEST_RUN, attributes, "trying a program")
    return Trial(attributes.result, attributes.duration_ns)
