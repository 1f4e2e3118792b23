"""Say aloud what could not be tried."""

import os
import shutil

import pytest

WANTED = {
    "promtool": "the rules of Prometheus", "prometheus": "the queries of the dashboards",
    "systemd-analyze": "the service's exposure and its restrictions", "tcpreplay": "a sensor with traffic",
    "dpkg-shlibdeps": "the Debian package",
}  # fmt: skip


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = {command: what for command, what in WANTED.items() if shutil.which(command) is None}
    if os.geteuid() != 0:
        missing["root"] = "everything that runs a sensor"
    if missing:
        terminalreporter.section("PARTS OF DEPLOY NOT TRIED", red=True, bold=True)
        for command, what in missing.items():
            terminalreporter.line(f"Without {command}: {what}.", red=True)
