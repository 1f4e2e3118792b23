"""A store of the project's own capture, made once."""

from pathlib import Path

import pytest

from sensor.capture import Replaying
from sensor.rules import load_plan
from sensor.store import RunInfo, StoreWriter, fingerprint


@pytest.fixture(scope="session")
def demo(own_captures: Path) -> Path:
    return own_captures / "demo.pcap"


@pytest.fixture(scope="session")
def store(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "store"
    run = RunInfo((fingerprint(demo),), "digest")
    with (
        Replaying([str(demo)], load_plan([], [])) as replaying,
        StoreWriter(str(path), "replay", run) as writer,
    ):
        replaying.run(writer)
    return path
