"""A world, and the data set of its records."""

import hashlib
from pathlib import Path

import pytest

from sensor.dataset.package import Resource
from sensor.dataset.records import RecordOptions, write_records
from tests.dataset.records.exported import Exported
from tests.dataset.records.world import make_world

SECRET = hashlib.sha256(b"a key for tests").digest()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store."""
    return make_world(tmp_path_factory.mktemp("world") / "store")


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that is the same every time, so that what meets by chance meets always."""
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session", params=["truncated", "encrypted", "kept"])
def exported(
    request: pytest.FixtureRequest, world: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    """The records of the world, for each choice of outside addresses."""
    folder = tmp_path_factory.mktemp("data-set")
    options = RecordOptions(key_file, outside=request.param)
    resources: list[Resource] = write_records(world, folder, options)
    return Exported(folder, options, resources)
