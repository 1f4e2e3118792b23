"""What the tests of data sets share: one store and one data set, which none of them changes."""

import shutil
from pathlib import Path

import pytest

from sensor.dataset import export as export_module
from tests.dataset.stores import export, make


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("dataset") / "store")


@pytest.fixture(scope="session")
def exported(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(store, tmp_path_factory.mktemp("dataset") / "exported")


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of an export's time."""
    monkeypatch.setattr(export_module, "_page", lambda told, simulated: "")


@pytest.fixture
def dataset(exported: Path, tmp_path: Path) -> Path:
    """A copy that may be spoilt."""
    return Path(shutil.copytree(exported, tmp_path / "dataset"))
