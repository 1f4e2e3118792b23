"""What the tests of the study share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensor.study import StudyOptions, study
from tests.study.rows import make_store


@pytest.fixture
def report(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Study rows: tables by name, options under ``options``."""

    def run(options: StudyOptions | None = None, **tables: list[dict[str, Any]]) -> dict[str, Any]:
        return study(make_store(tmp_path / "store", **tables), options or StudyOptions(resamples=200))

    return run
