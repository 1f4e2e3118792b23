"""A network namespace of a test's own: gone with everything in it when the test ends."""

import ctypes
import os
import subprocess
from collections.abc import Iterator

import pytest

CLONE_NEWNET = 0x4000_0000
AS_ROOT = os.geteuid() == 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud that the tests with real links did not run."""
    if not AS_ROOT:
        terminalreporter.section("NO NETWORK NAMESPACES", red=True, bold=True)
        terminalreporter.line("Nothing was checked against real links: only root can make them.", red=True)


def ip(*words: str) -> None:
    """Run ``ip``."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture
def namespace() -> Iterator[None]:
    """The test's thread stands in a new namespace that has nothing but ``lo``."""
    if not AS_ROOT:
        pytest.skip("only root can make network namespaces")
    libc = ctypes.CDLL(None, use_errno=True)
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(CLONE_NEWNET):
            pytest.skip(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        yield
    finally:
        assert libc.setns(outside, CLONE_NEWNET) == 0
        os.close(outside)


@pytest.fixture
def tap(namespace: None) -> str:  # noqa: ARG001 # it is where the links are made
    """One end of a cable: ``tap`` is down, its other end ``far`` is up."""
    ip("link", "add", "tap", "type", "veth", "peer", "name", "far")
    ip("link", "set", "far", "up")
    return "tap"
