"""The system call filter of a unit, built with the library that systemd builds it with.

``python -m tests.deploy.seccomp FILTER COMMAND...`` loads it and executes a command.
"""

import ctypes
import errno
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from enum import IntEnum

from tests.deploy.unit_file import Unit

ALLOW = 0x7FFF_0000
REFUSE = 0x0005_0000

PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
SET_ID_BITS = 0o6000
NEW_NAMESPACES = 0x7E02_0000 | 0x80  # CLONE_NEW*
MASK_32 = 0xFFFF_FFFF

Rules = list[tuple[int, int, int]]
"""Any of these lets a call pass: position of the argument, mask, value."""


class Compare(IntEnum):
    MASKED_EQ = 7


class _Argument(ctypes.Structure):
    _fields_ = (
        ("position", ctypes.c_uint),
        ("compare", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def in_set(name: str) -> set[str]:
    """The calls of a set such as ``@system-service``, as the systemd of this machine knows it."""
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True
    ).stdout
    words = {line.strip() for line in listed.splitlines()[1:]}
    calls = {word for word in words if word and not word.startswith(("#", "@"))}
    return calls.union(*(in_set(word) for word in words if word.startswith("@")))


def allowed_calls(unit: Unit) -> set[str]:
    """What ``SystemCallFilter=`` lets pass: lines take effect in order, ``~`` takes away."""
    allowed = in_set("@default")
    for value in unit.all("SystemCallFilter"):
        words = value.removeprefix("~").split()
        calls = set[str]().union(*(in_set(word) if word.startswith("@") else {word} for word in words))
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


@dataclass
class Filter:
    """Which calls pass, and which of them with certain arguments alone; others fail with ``EPERM``."""

    allowed: list[str]
    conditions: dict[str, Rules]

    @classmethod
    def of(cls, unit: Unit) -> "Filter":
        """The filter of everything in a unit that systemd does by seccomp."""
        allowed = allowed_calls(unit)
        conditions: dict[str, Rules] = {}
        families = unit.words("RestrictAddressFamilies")
        if families:
            conditions["socket"] = [(0, MASK_32, int(getattr(socket, family))) for family in families]
        if unit.one("MemoryDenyWriteExecute") == "yes":
            both = PROT_WRITE | PROT_EXEC
            conditions["mmap"] = [(2, both, 0), (2, both, PROT_WRITE), (2, both, PROT_EXEC)]
            conditions["mprotect"] = conditions["pkey_mprotect"] = [(2, PROT_EXEC, 0)]
            conditions["shmat"] = [(2, SHM_EXEC, 0)]
        if unit.one("RestrictNamespaces") == "yes":
            conditions["clone"] = [(0, NEW_NAMESPACES, 0)]
            allowed -= {"clone3", "unshare", "setns"}
        if unit.one("RestrictSUIDSGID") == "yes":
            for name, position in (
                ("chmod", 1),
                ("fchmod", 1),
                ("fchmodat", 2),
                ("mkdir", 1),
                ("mkdirat", 2),
            ):
                conditions[name] = [(position, SET_ID_BITS, 0)]
        if unit.one("RestrictRealtime") == "yes":
            allowed -= {"sched_setattr", "sched_setscheduler"}
        if unit.one("LockPersonality") == "yes":
            conditions["personality"] = [(0, MASK_32, 0), (0, MASK_32, MASK_32)]
        return cls(sorted(allowed), conditions)

    def load(self) -> None:
        """Put it on this thread and what it executes, for good; ``no_new_privs`` must be set.

        Raises
        ------
        OSError
            The kernel or the library refused.
        """
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        library.seccomp_init.restype = ctypes.c_void_p
        context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(REFUSE | errno.EPERM)))
        for name in self.allowed:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number < 0:
                continue  # of another architecture
            # Without a condition it passes with any arguments.
            for rule in self.conditions.get(name) or [None]:
                arguments = (_Argument * 1)()
                if rule is not None:
                    position, mask, value = rule
                    arguments[0] = _Argument(position, Compare.MASKED_EQ, mask, value)
                _check(library.seccomp_rule_add_array(
                    context, ctypes.c_uint32(ALLOW), number, int(rule is not None), arguments
                ), name)  # fmt: skip
        # Callers fall back to clone(), whose flags can be looked at.
        clone3 = library.seccomp_syscall_resolve_name(b"clone3")
        if "clone3" not in self.allowed:
            refuse = ctypes.c_uint32(REFUSE | errno.ENOSYS)
            _check(library.seccomp_rule_add_array(context, refuse, clone3, 0, None), "clone3")
        _check(library.seccomp_load(context), "seccomp_load")


def _check(result: int, what: str) -> None:
    if result < 0:
        raise OSError(-result, f"{what}: {os.strerror(-result)}")


if __name__ == "__main__":
    Filter(**json.loads(sys.argv[1])).load()
    os.execv(sys.argv[2], sys.argv[2:])
