"""What every test may ask for."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "captures"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud that the tests against real captures did not run."""
    if not SHARED.is_dir():
        terminalreporter.section("NO REAL CAPTURES", red=True, bold=True)
        terminalreporter.line(
            f"Nothing was checked against real captures: there are none at {SHARED}", red=True
        )


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def own_captures() -> Path:
    """The folder of the project's own captures."""
    return ROOT / "tests" / "golden" / "captures"


@pytest.fixture(scope="session")
def shared_captures() -> Path:
    """The folder of real captures beside the checkout; tests that want it are skipped where it is not."""
    if not SHARED.is_dir():
        pytest.skip(f"no captures at {SHARED}")
    return SHARED
