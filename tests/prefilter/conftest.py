"""What the tests of the prefilter need: privileges, a kernel, network namespaces of their own."""

import ctypes
import os
from collections.abc import Callable, Iterator

import pytest

from sensor.errors import CaptureError
from sensor.prefilter import Prefilter
from sensor.rules import load_plan

_NEW_NETWORK = 0x40000000
_why_not: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud that the prefilter was not tried in a kernel."""
    if _why_not:
        terminalreporter.section("PREFILTER NOT TESTED", red=True, bold=True)
        terminalreporter.line(f"No program was loaded into a kernel: {_why_not[0]}", red=True)


@pytest.fixture(scope="session")
def kernel() -> str:
    """A kernel that takes programs from us; tests that want it are skipped, aloud, where it does not."""
    try:
        if os.geteuid() != 0:
            message = "not root"
            raise CaptureError(message)
        for kind in ("socket", "xdp"):
            Prefilter.load(load_plan([], ["192.0.2.0/24"]), kind=kind).close()  # type: ignore[arg-type]
    except CaptureError as error:
        _why_not.append(str(error))
        pytest.skip(str(error))
    return os.uname().release


@pytest.fixture
def load(kernel: str) -> Iterator[Callable[..., Prefilter]]:
    """Load prefilters for a list of prefixes; they are closed behind the test."""
    assert kernel
    loaded = []

    def one(*watch: str, **options: object) -> Prefilter:
        loaded.append(Prefilter.load(load_plan([], watch), **options))  # type: ignore[arg-type]
        return loaded[-1]

    yield one
    for prefilter in loaded:
        prefilter.close()


@pytest.fixture
def namespace(kernel: str) -> Iterator[None]:
    """A network of the test's own, gone behind it."""
    assert kernel
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(_NEW_NETWORK) != 0:
            pytest.skip(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        yield
    finally:
        libc.setns(before, _NEW_NETWORK)
        os.close(before)
