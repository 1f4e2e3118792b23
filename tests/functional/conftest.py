"""What the functional tests share."""

from pathlib import Path

import pytest

from tests.functional.built import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Replays built packets."""
    return Bench(tmp_path)
