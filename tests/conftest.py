"""What every test may ask for."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
    folder = ROOT.parent / "shared" / "captures"
    if not folder.is_dir():
        pytest.skip(f"no captures at {folder}")
    return folder
