"""The attack on a whole data set: tables, report, page and records together."""

from collections import defaultdict
from pathlib import Path

import pytest

from sensor.dataset.export import ExportOptions, export_dataset
from sensor.dataset.records import Key, RecordOptions
from sensor.errors import ConfigError
from tests.dataset.records.attack import (
    Everything,
    addresses_found,
    hashes_found,
    identifiers_found,
    key_found,
    read_everything,
)
from tests.dataset.records.conftest import SECRET
from tests.dataset.records.flow_ids import nanoseconds
from tests.dataset.records.world import INSIDE, OWN_SITE, rows

K = 5


@pytest.fixture(scope="module")
def everything(world: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Everything:
    folder = tmp_path_factory.mktemp("whole") / "data-set"
    options = ExportOptions(k=K, records=lambda window, k: RecordOptions(key_file, k, window=window))
    export_dataset(world, folder, "test", options)
    return read_everything(folder)


def test_the_key_does_not_lie_in_the_data_set_that_is_replaced(world: Path, tmp_path: Path) -> None:
    """While a data set is written it has another name."""
    folder = tmp_path / "data-set"
    folder.mkdir()
    key = folder / "key"
    key.write_bytes(SECRET)
    key.chmod(0o600)
    options = ExportOptions(records=lambda window, k: RecordOptions(key, k, window=window), replace=True)
    with pytest.raises(ConfigError, match="may not leave"):
        export_dataset(world, folder, "test", options)
    assert [path.name for path in tmp_path.rglob("*")] == ["data-set", "key"]


def test_no_inside_address(everything: Everything) -> None:
    assert addresses_found(everything, INSIDE) == []
    assert hashes_found(everything, INSIDE) == []


def test_no_identifier_and_no_key(everything: Everything) -> None:
    known = [row | {"first_ns": nanoseconds(row["start_time"])} for row in rows()[::40]]
    assert identifiers_found(everything, known, INSIDE) == []
    for key in (
        SECRET,
        Key(SECRET).derived("order of flows").secret,
        Key(SECRET).derived("outside addresses").secret,
    ):
        assert not key_found(everything, key)


def test_no_text_of_fewer_hosts_than_k(everything: Everything) -> None:
    hosts: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows():
        for text in (row.get("name"), *(row.get("names") or []), row.get("service"), row.get("ja4")):
            if text is not None:
                hosts[text].add(row["inside_ip"])
    few = [text for text, those in hosts.items() if len(those) < K]
    assert len(few) > 1000
    assert [text for text in few if text in everything.text] == []
    assert OWN_SITE not in everything.text
    assert "www.all.example" in everything.text
