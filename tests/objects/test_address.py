"""Addresses of stores."""

from pathlib import Path

import pytest

from sensor.errors import StoreError
from sensor.store import StoreWriter
from sensor.store.engine.duckdb import connect
from sensor.store.place import place_of
from sensor.store.place.address import open_file_system, parse_address
from sensor.store.place.local import LocalPlace
from sensor.store.place.objects import object_place
from sensor.store.place.state import State


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://bucket/a/b/?region=eu-west-1", "s3://bucket/a/b"),
        ("s3://bucket/a%20b?scheme=http&endpoint_override=localhost:9000", "s3://bucket/a b"),
        ("gs://bucket/a", "gs://bucket/a"),
        ("abfss://box@account.dfs.core.windows.net/a", "abfs://box@account.dfs.core.windows.net/a"),
    ],
)
def test_names_have_no_query(text, name):
    assert parse_address(text).name == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("s3://KEY:SECRET@bucket/a", "no keys in an address"),
        ("s3://bucket/a?regoin=x", "unknown 'regoin'"),
        ("s3:///a", "no bucket"),
        ("http://host/a", "no place for a store"),
    ],
)
def test_refused(text, reason):
    with pytest.raises(StoreError, match=reason) as refused:
        parse_address(text)
    assert "KEY:SECRET" not in str(refused.value)


def test_a_path_cannot_name_one():
    with pytest.raises(StoreError, match="cannot be named here"):
        place_of(Path("s3://bucket/a"))


def test_a_file_address_is_a_folder(tmp_path, flows):
    address = f"file://{tmp_path}/a%20store"
    with StoreWriter(address, "tap") as writer:
        writer.write("flows", flows([1]))
    assert isinstance(place_of(address), LocalPlace)
    with connect(tmp_path / "a store") as connection:
        assert connection.execute("SELECT count(*) FROM flows").fetchall() == [(1,)]


def test_the_environment_says_which_server(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert parse_address("s3://bucket/a").server == "http://127.0.0.1:1"
    assert parse_address("s3://bucket/a?endpoint_override=x:1").server == "x:1"


def test_spools_of_two_servers_are_two(monkeypatch, tmp_path):
    place, state = object_place("s3://bucket/a"), State(tmp_path)
    folders = set()
    for server in ("http://one", "http://other"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", server)
        folders.add(state.store_folder(place))
    assert len(folders) == 2


def test_other_storages_by_the_same_code():
    file_system, path = open_file_system(parse_address("gs://bucket/a/b"))
    assert (file_system.type_name, path) == ("gcs", "bucket/a/b")
