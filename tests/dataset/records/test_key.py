"""The key is made once, for its owner alone, and does not leave."""

import os
from pathlib import Path

import pytest

from sensor.dataset.records import Key, RecordOptions, read_or_make_key, write_records
from sensor.errors import ConfigError


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    folder = tmp_path / "data-set"
    folder.mkdir()
    return folder


def test_a_key_is_made_where_there_is_none_and_then_kept(tmp_path: Path, data_set: Path) -> None:
    path = tmp_path / "key"
    previous = os.umask(0)
    try:
        key = read_or_make_key(path, data_set)
    finally:
        os.umask(previous)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == key.secret
    assert read_or_make_key(path, data_set) == key
    assert read_or_make_key(tmp_path / "other", data_set) != key


def test_no_key_within_the_data_set(tmp_path: Path, data_set: Path) -> None:
    for path in (
        data_set / "key",
        data_set / "deep" / ".." / "key",
        tmp_path / "data-set" / ".." / "data-set" / "k",
    ):
        with pytest.raises(ConfigError, match="may not leave"):
            read_or_make_key(path, data_set)
    assert list(data_set.iterdir()) == []


def test_no_key_within_the_data_set_by_links(tmp_path: Path, data_set: Path) -> None:
    (data_set / "key").write_bytes(os.urandom(32))
    (tmp_path / "link").symlink_to(data_set / "key")
    (tmp_path / "folder").symlink_to(data_set)
    outside = tmp_path / "outside"
    outside.write_bytes(os.urandom(32))
    outside.chmod(0o600)
    (data_set / "there").symlink_to(outside)
    for path in (tmp_path / "link", tmp_path / "folder" / "new", data_set / "there"):
        with pytest.raises(ConfigError, match="may not leave"):
            read_or_make_key(path, data_set)


@pytest.mark.parametrize("secret", [b"", b"short", bytes(33), bytes(32)])
def test_what_is_no_key_is_refused_and_stays(tmp_path: Path, data_set: Path, secret: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(secret)
    path.chmod(0o600)
    with pytest.raises(ConfigError):
        read_or_make_key(path, data_set)
    assert path.read_bytes() == secret


def test_a_key_that_others_read_is_refused(tmp_path: Path, data_set: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(os.urandom(32))
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_or_make_key(path, data_set)


def test_odd_files_are_refused(tmp_path: Path, data_set: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("pipe", "dangling", "missing/key"):
        with pytest.raises(ConfigError):
            read_or_make_key(tmp_path / name, data_set)
    with pytest.raises(ConfigError):
        read_or_make_key(tmp_path, data_set)
    assert not (tmp_path / "nowhere").exists()


def test_a_key_is_not_shown_and_has_a_different_one_for_each_purpose() -> None:
    key = Key(bytes(range(32)))
    for text in (repr(key), str(key), f"{key}"):
        assert key.secret.hex() not in text
        assert repr(key.secret) not in text
    assert len({key.secret, key.derived("one").secret, key.derived("other").secret}) == 3
    assert key.derived("one") == key.derived("one")


def test_nothing_is_written_without_a_key(world: Path, data_set: Path) -> None:
    with pytest.raises(ConfigError):
        write_records(world, data_set, RecordOptions(data_set / "key"))
    assert list(data_set.iterdir()) == []
