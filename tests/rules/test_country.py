"""Countries of addresses, by registration and by a database."""

from __future__ import annotations

import ipaddress
from datetime import date
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pytest

from sensor.errors import ConfigError
from sensor.rules import country
from sensor.rules.country import CountryDatabase

Value: TypeAlias = "str | bytes | dict[str, Value] | list[Value]"
"""What a record holds; bytes stand for a value that is encoded already."""

_METADATA_MARKER = b"\xab\xcd\xefMaxMind.com"
_SEPARATOR_BYTES = 16
_UINT16, _UINT32, _UINT64 = 5, 6, 9


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
    _write_mmdb(path, networks, database_type="Test-Country", build_epoch=1_500_000_000)
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


def _write_mmdb(path: Path, networks: dict[str, Value], database_type: str, build_epoch: int) -> None:
    """Write a database that maps each network to its record, so that tests need no publisher's file.

    Only what the tests use of the MaxMind DB File Format Specification 2.0: IPv4 networks in a
    tree of 24-bit records; maps, texts, lists.
    """
    nodes: list[list[int | bytes | None]] = [[None, None]]
    for text, record in networks.items():
        network = ipaddress.IPv4Network(text)
        bits = format(int(network.network_address), "032b")[: network.prefixlen]
        node = 0
        for bit in bits[:-1]:
            following = nodes[node][int(bit)]
            if not isinstance(following, int):
                nodes.append([None, None])
                following = len(nodes) - 1
                nodes[node][int(bit)] = following
            node = following
        nodes[node][int(bits[-1])] = _encode(record)
    data = b""
    tree = b""
    for pair in nodes:
        for side in pair:
            if side is None:
                pointer = len(nodes)
            elif isinstance(side, int):
                pointer = side
            else:
                pointer = len(nodes) + _SEPARATOR_BYTES + len(data)
                data += side
            tree += pointer.to_bytes(3, "big")
    header: Value = {
        "binary_format_major_version": _unsigned(_UINT16, 2),
        "binary_format_minor_version": _unsigned(_UINT16, 0),
        "build_epoch": _unsigned(_UINT64, build_epoch),
        "database_type": database_type,
        "description": {"en": "test"},
        "ip_version": _unsigned(_UINT16, 4),
        "languages": ["en"],
        "node_count": _unsigned(_UINT32, len(nodes)),
        "record_size": _unsigned(_UINT16, 24),
    }
    path.write_bytes(tree + bytes(_SEPARATOR_BYTES) + data + _METADATA_MARKER + _encode(header))


def _encode(value: Value) -> bytes:
    if isinstance(value, str):
        text = value.encode()
        return _control(2, len(text)) + text
    if isinstance(value, bytes):
        return value
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(_encode(item) for item in value)
    pairs = b"".join(_encode(key) + _encode(item) for key, item in value.items())
    return _control(7, len(value)) + pairs


def _unsigned(kind: int, number: int) -> bytes:
    digits = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return _control(kind, len(digits)) + digits


def _control(kind: int, size: int) -> bytes:
    assert size < 29, "longer values need a size extension that these tests have no use for"
    return bytes([(kind << 5) | size]) if kind < 8 else bytes([size, kind - 7])
