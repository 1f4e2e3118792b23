"""Network namespaces by name, and the links between them: gone with everything in them when a test ends."""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import pytest

CLONE_NEWNET = 0x4000_0000
AS_ROOT = os.geteuid() == 0
OFFLOADS = ("tso", "gso", "gro", "tx", "rx")
"""Switched off: else a frame between namespaces is longer than any on a wire, and has no checksum."""

_numbers = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


def need(*programs: str) -> None:
    """Skip, loudly, where there is no root or a program is missing."""
    if not AS_ROOT:
        pytest.skip("NOT TESTED: only root can make network namespaces")
    missing = [program for program in ("ip", *programs) if shutil.which(program) is None]
    if missing:
        pytest.skip(f"NOT TESTED: missing {', '.join(missing)}")


class Namespace:
    """A network namespace with ``lo`` up and no IPv6 chatter, and the programs started in it.

    Parameters
    ----------
    role
        A short word; the name on the machine is made from it and is not used twice.
    """

    def __init__(self, role: str) -> None:
        need()
        self.name = f"blocktap-{role}-{os.getpid()}-{next(_numbers)}"
        self._children: list[subprocess.Popen[Any]] = []
        made = subprocess.run(["ip", "netns", "add", self.name], capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"NOT TESTED: no network namespace can be made here: {made.stderr.strip()}")
        self.ip("link", "set", "lo", "up")
        with self.entered():
            Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")

    def words(self, *command: str | Path) -> list[str]:
        """The command line that runs a command here."""
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def run(self, *command: str | Path, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run a command here to its end; one that fails fails the test with what it said."""
        more = {"capture_output": True, "timeout": 60, **more}
        done = subprocess.run(self.words(*command), text=True, check=False, **more)
        if check and done.returncode:
            pytest.fail(
                f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def start(self, *command: str | Path, **more: Any) -> subprocess.Popen[Any]:
        """Start a command here; it ends with the namespace at the latest."""
        more = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
            **more,
        }
        child = subprocess.Popen(self.words(*command), **more)
        self._children.append(child)
        return child

    def ip(self, *words: str) -> None:
        """Run ``ip`` on what is here."""
        subprocess.run(["ip", "-n", self.name, *words], check=True, capture_output=True, text=True)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread here: sockets that it opens belong here for good."""
        with (
            Path("/proc/thread-self/ns/net").open("rb") as home,
            Path("/run/netns", self.name).open("rb") as here,
        ):
            _enter(here.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def close(self) -> None:
        """End what was started here, also what went on by itself, and remove the namespace."""
        for child in reversed(self._children):
            stop(child)
        listed = subprocess.run(
            ["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False
        )
        for process in listed.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def cable(first: tuple[Namespace, str], second: tuple[Namespace, str], *, mtu: int = 1500) -> None:
    """Join two namespaces by a pair of interfaces that hand frames over as a wire would."""
    (one, name), (other, peer) = first, second
    one.ip("link", "add", name, "mtu", str(mtu), "type", "veth",
           "peer", "name", peer, "mtu", str(mtu), "netns", other.name)  # fmt: skip
    for namespace, interface in (first, second):
        namespace.ip("link", "set", interface, "up")
        switches = [word for offload in OFFLOADS for word in (offload, "off")]
        namespace.run("ethtool", "-K", interface, *switches)


def mirror(
    namespace: Namespace, interface: str, to: str, *, directions: Sequence[str] = ("ingress", "egress")
) -> None:
    """Copy each frame that passes an interface to another, as a tap does; one may have several."""
    if not namespace.run("tc", "qdisc", "show", "dev", interface, "clsact").stdout.strip():
        namespace.run("tc", "qdisc", "add", "dev", interface, "clsact")
    for direction in directions:
        namespace.run(
            "tc", "filter", "add", "dev", interface, direction, "protocol", "all", "u32", "match", "u8", "0", "0",
            "action", "mirred", "egress", "mirror", "dev", to, "continue",
        )  # fmt: skip


@contextmanager
def namespaces(*roles: str) -> Iterator[list[Namespace]]:
    """Several at once."""
    with ExitStack() as stack:
        yield [stack.enter_context(Namespace(role)) for role in roles]


def stop(child: subprocess.Popen[Any], *, with_signal: int = signal.SIGTERM, patience_s: float = 5) -> int:
    """End a program, by force if need be; give its exit status."""
    if child.poll() is None:
        child.send_signal(with_signal)
    try:
        return child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def wait_for(what: str, true: Any, *, patience_s: float = 20) -> None:
    """Wait until a function says yes, and fail the test where it never does."""
    end = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"waited {patience_s:g} s in vain until {what}")
        time.sleep(0.05)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
