"""Says aloud what did not run."""

import shutil

import pytest

from tests.live.namespaces import AS_ROOT

PROGRAMS = (
    "ip", "tc", "ethtool", "tcpdump", "tcpreplay", "curl", "openssl", "dig", "dnsmasq", "openvpn", "wireguard-go",
    "wg", "chromium",
)  # fmt: skip


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what is missing, in red, after all tests."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if not AS_ROOT:
        terminalreporter.section("NO LIVE DAEMON", red=True, bold=True)
        terminalreporter.line("No daemon was run on a link: only root can make network namespaces.", red=True)
    elif missing:
        terminalreporter.section("NOT ALL CLIENTS", red=True, bold=True)
        terminalreporter.line(
            f"Not tried at a live tap, for they are missing: {', '.join(missing)}", red=True
        )
