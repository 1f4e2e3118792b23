"""Settings, rules and databases that are cut short or noise, and a second writer: an error that says which file."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sensor.config import load_config
from sensor.errors import ConfigError, RuleError, StoreError
from sensor.rules import load_plan
from sensor.rules.country import CountryDatabase
from sensor.rules.names import load_names
from sensor.store import StoreWriter
from tests.rules.mmdb import write_mmdb
from tests.trust.faults.stores import ROOT, commands, replay_words

SEED = 9
CUTS = 120


def spoiled(content: bytes, chance: random.Random) -> bytes:
    """A file cut short, or with noise in it, or noise alone."""
    place = chance.randrange(len(content))
    noise = chance.randbytes(chance.randrange(1, 60))
    return chance.choice(
        (content[:place], content[:place] + noise + content[place:], noise, content[:place] + b"\0")
    )


def is_refused(work: Callable[[], object], kind: type[Exception], name: str) -> bool:
    """Whether work fails with an error of this kind, which then names the file; no other is expected."""
    try:
        work()
    except kind as error:
        told = str(error)
    else:
        return False
    assert name in told
    return True


def test_settings_cut_short_or_noise(tmp_path: Path) -> None:
    chance, path = random.Random(SEED), tmp_path / "blocktap.toml"
    content = (ROOT / "deploy/blocktap.toml").read_bytes()
    refused = 0
    for _ in range(CUTS):
        path.write_bytes(spoiled(content, chance))
        refused += is_refused(lambda: load_config(path), ConfigError, str(path))
    assert refused > CUTS / 4


def test_blocks_cut_short_or_noise(tmp_path: Path) -> None:
    chance, path = random.Random(SEED), tmp_path / "blocks.toml"
    content = (ROOT / "rules/blocks.toml").read_bytes()
    refused = 0
    for _ in range(CUTS):
        path.write_bytes(spoiled(content, chance))
        refused += is_refused(lambda: load_plan([path], []), RuleError, str(path))
    assert refused > CUTS / 4


def test_services_cut_short_or_noise(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    source = min((ROOT / "rules/services").glob("*.toml"))
    (tmp_path / "services").mkdir()
    path, refused = tmp_path / "services" / source.name, 0
    for _ in range(CUTS // 4):
        path.write_bytes(spoiled(source.read_bytes(), chance))
        refused += is_refused(lambda: load_names([tmp_path]), RuleError, path.name)
    assert refused > 0


@pytest.fixture
def places(tmp_path: Path) -> Path:
    path = tmp_path / "places.mmdb"
    networks = {f"{number}.0.0.0/8": {"country": {"iso_code": "DE"}} for number in range(1, 9)}
    write_mmdb(path, networks, database_type="Test-Country", build_epoch=1_500_000_000)
    return path


def test_a_database_of_places_that_is_spoiled(places: Path) -> None:
    import pyarrow as pa

    chance, content = random.Random(SEED), places.read_bytes()
    addresses = pa.array([f"{number}.1.1.1" for number in range(1, 12)])
    refused = 0
    for _ in range(CUTS):
        places.write_bytes(spoiled(content, chance))
        refused += is_refused(lambda: CountryDatabase(places).lookup(addresses), ConfigError, str(places))
    assert refused > CUTS / 4


def test_a_database_cut_short_while_it_is_used(places: Path) -> None:
    """Whoever maps a file is ended by a file that shrinks; rows would be lost."""
    import pyarrow as pa

    database = CountryDatabase(places)
    places.write_bytes(b"")
    assert database.lookup(pa.array(["1.1.1.1", "100.1.1.1"])).to_pylist() == ["DE", None]
    places.unlink()
    assert database.lookup(pa.array(["8.8.8.8"])).to_pylist() == ["DE"]


def test_a_missing_database_is_told(places: Path, tmp_path: Path) -> None:
    config = tmp_path / "blocktap.toml"
    config.write_text(f'[country]\ndatabase = "{places}"\n')
    with commands(tmp_path) as program:
        assert program.run(*replay_words(tmp_path / "store", "--config", str(config))).status == 0
        places.write_bytes(b"no database")
        for _ in range(2):
            ended = program.run(*replay_words(tmp_path / "other", "--config", str(config)))
            assert ended.status == 2
            assert str(places) in ended.said
            assert not (tmp_path / "other").exists(), "nothing is begun"
            places.unlink(missing_ok=True)


def test_a_second_writer_of_the_same_name(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with StoreWriter(store, "replay"), commands(tmp_path) as program:
        ended = program.run(*replay_words(store))
        assert ended.status == 1
        assert "sensor 'replay' is being written to" in ended.said
        assert "process" in ended.said
        assert program.run(*replay_words(store, "--sensor", "other")).status == 0
        with pytest.raises(StoreError, match="is being written"):
            StoreWriter(store, "replay")
    shutil.rmtree(store)
