"""``blocktap report``: the numbers as one JSON object."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.study.rows import flow, make_store


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sensor", "report", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return make_store(tmp_path / "store", flows=[flow(day, service="Facebook") for day in range(9)])


def test_one_object_on_standard_output(store: Path) -> None:
    ended = run("--store", str(store), "--json", "-", "--day", "2017-04-02")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["period"]["days"] == 1


def test_two_runs_write_the_same_bytes(store: Path, tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "other.json"]
    for file in files:
        assert run("--store", str(store), "--json", str(file)).returncode == 0
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--timezone", "Mars/Base"), "no time zone"),
        (("--day", "yesterday"), "is no day"),
        (("--from", "2017-05-01", "--to", "2017-04-01"), "before it begins"),
        (("--expectation", "/nowhere.csv"), "cannot be read"),
    ],
)
def test_wrong_words(store: Path, words: tuple[str, ...], complaint: str) -> None:
    ended = run("--store", str(store), *words)
    assert ended.returncode == 2
    assert complaint in ended.stderr


def test_no_store(tmp_path: Path) -> None:
    ended = run("--store", str(tmp_path))
    assert ended.returncode == 1
    assert "is no store" in ended.stderr
