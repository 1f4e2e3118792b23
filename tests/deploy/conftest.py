"""Say aloud what could not be tried."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.machine import Machine, MachineRefusedError, development_folders

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


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A throw-away copy of this machine with a cable in it."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a machine to throw away")
    try:
        made = Machine(tmp_path, development_folders())
    except MachineRefusedError as error:
        pytest.skip(f"no machine to throw away: {error}")
    with made:
        made.make_tap()
        yield made
