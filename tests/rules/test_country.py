"""Countries of addresses, by registration and by a database."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from sensor.errors import ConfigError
from sensor.rules import country
from sensor.rules.country import CountryDatabase
from tests.rules.mmdb import Value, write_mmdb


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "places.mmdb"
    networks: dict[str, Value] = {
        "175.45.176.0/22": {"country": {"iso_code": "KP"}},
        "8.8.8.0/24": {"country_code": "us"},
        "9.9.9.0/24": {"registered_country": {"iso_code": "CH"}},
        "7.7.7.0/24": {"city": "nowhere"},
        "10.0.0.0/8": {"country": "ZW"},
    }
    write_mmdb(path, networks, database_type="Test-Country", build_epoch=1_500_000_000)
    return path


class TestShapes:
    def test_dictionary_in_order_with_nulls(self, database: Path) -> None:
        addresses = pa.array(["8.8.8.8", "175.45.176.1", None, "8.8.8.8"]).dictionary_encode()
        found = CountryDatabase(database).lookup(addresses)
        assert isinstance(found, pa.DictionaryArray)
        assert found.to_pylist() == ["US", "KP", None, "US"]
        assert found.dictionary.to_pylist() == ["US", "KP"]

    def test_slices_and_chunks(self, database: Path) -> None:
        lookup = CountryDatabase(database).lookup
        addresses = pa.array(["8.8.8.8", "175.45.176.1", "8.8.8.8"]).dictionary_encode()
        assert lookup(addresses.slice(1, 1)).to_pylist() == ["KP"]
        assert lookup(pa.chunked_array([["8.8.8.8"], ["175.45.176.1"]])).to_pylist() == ["US", "KP"]

    def test_empty(self, database: Path) -> None:
        assert CountryDatabase(database).lookup(pa.array([], pa.string())).to_pylist() == []

    def test_each_distinct_address_is_asked_once(
        self, database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        monkeypatch.setattr(CountryDatabase, "_country", lambda _self, address: asked.append(address))
        CountryDatabase(database).lookup(pa.array(["8.8.8.8"] * 1000 + ["8.8.4.4"]))
        assert sorted(asked) == ["8.8.4.4", "8.8.8.8"]

    def test_columns_of_flows_are_filled_in(self, database: Path) -> None:
        nothing = pa.nulls(3, pa.dictionary(pa.int32(), pa.string()))
        flows = pa.record_batch(
            {
                "outside_ip": ["8.8.8.8", "10.0.0.1", "175.45.176.1"],
                "country": nothing,
                "country_source": nothing,
            }
        )
        filled = CountryDatabase(database).fill_in(flows)
        assert filled["country"].to_pylist() == ["US", None, "KP"]
        source = "Test-Country 2017-07-14"
        assert filled["country_source"].to_pylist() == [source, None, source]
        assert filled.schema.names == flows.schema.names


class TestDatabase:
    def test_shapes_of_records(self, database: Path) -> None:
        addresses = pa.array(["175.45.179.255", "8.8.8.8", "9.9.9.9", "7.7.7.7", "1.2.3.4", "nonsense"])
        assert CountryDatabase(database).lookup(addresses).to_pylist() == ["KP", "US", "CH", None, None, None]

    def test_private_and_other_family_have_none(self, database: Path) -> None:
        found = CountryDatabase(database).lookup(pa.array(["10.0.0.1", "2001:4860:4860::8888"]))
        assert found.to_pylist() == [None, None]

    def test_source_is_its_type_and_date(self, database: Path) -> None:
        lookup = CountryDatabase(database)
        assert lookup.data_date == date(2017, 7, 14)
        assert lookup.country_source == "Test-Country 2017-07-14"

    def test_cache_is_bounded_and_right(self, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(country, "CACHE_LIMIT", 3)
        lookup = CountryDatabase(database)
        addresses = [f"8.8.8.{last}" for last in range(20)] + ["175.45.176.1"]
        for _ in range(3):
            assert lookup.lookup(pa.array(addresses)).to_pylist() == ["US"] * 20 + ["KP"]
        assert len(lookup._new) + len(lookup._old) <= 6

    def test_a_file_that_is_none_is_refused(self, tmp_path: Path) -> None:
        wrong = tmp_path / "wrong.mmdb"
        wrong.write_bytes(b"no database")
        with pytest.raises(ConfigError, match=r"wrong\.mmdb"):
            CountryDatabase(wrong)
        with pytest.raises(ConfigError, match=r"missing\.mmdb"):
            CountryDatabase(tmp_path / "missing.mmdb")
