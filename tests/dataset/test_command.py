"""The commands, as somebody types them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dataset.stores import K


def blocktap(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sensor", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_export_verify_and_report(store: Path, tmp_path: Path) -> None:
    written = blocktap("dataset", "export", "--store", store, "-o", tmp_path / "new", "--k", K, "--licence", "CC0-1.0",
                       "--title", "A week", "--json")  # fmt: skip
    assert written.returncode == 0, written.stderr
    said = json.loads(written.stdout)
    assert said["k"] == K
    assert (tmp_path / "new/README.md").read_text().startswith("# A week\n")
    checked = blocktap("dataset", "verify", tmp_path / "new", "--json")
    assert checked.returncode == 0, checked.stderr
    found = json.loads(checked.stdout)
    assert found["holds"]
    assert found["sha256"] == said["sha256"]
    assert "all" in checked.stderr
    page, numbers = tmp_path / "page.html", tmp_path / "numbers.json"
    shown = blocktap("report", "--dataset", tmp_path / "new", "-o", page, "--json", numbers)
    assert shown.returncode == 0, shown.stderr
    assert numbers.read_text() == (tmp_path / "new/report.json").read_text()
    assert page.read_text() == (tmp_path / "new/report.html").read_text()


def test_what_does_not_hold_ends_with_1(dataset: Path) -> None:
    data = dataset / "data" / "use.parquet"
    data.write_bytes(data.read_bytes() + b"\0")
    checked = blocktap("dataset", "verify", dataset, "--json")
    assert checked.returncode == 1
    found = json.loads(checked.stdout)
    assert not found["holds"]
    assert found["faults"][0]["file"] == "data/use.parquet"
    assert "data/use.parquet: has another hash" in checked.stderr
    shown = blocktap("report", "--dataset", dataset)
    assert shown.returncode == 1
    assert "data/use.parquet" in shown.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["report"],
        ["report", "--store", "a", "--dataset", "b"],
        ["report", "--dataset", "b", "--from", "2017-04-01"],
        ["dataset", "export", "--store", "a", "-o", "b", "--records"],
        ["dataset", "export", "--store", "a", "-o", "b", "--key", "c"],
        ["dataset", "export", "--store", "a", "-o", "b", "--licence", "mine"],
        ["dataset", "verify"],
    ],
)
def test_words_that_do_not_go_together_end_with_2(words: list[str]) -> None:
    assert blocktap(*words).returncode == 2


def test_a_store_that_is_none_ends_with_1(tmp_path: Path) -> None:
    ended = blocktap("dataset", "export", "--store", tmp_path / "none", "-o", tmp_path / "new")
    assert ended.returncode == 1
    assert "is no store" in ended.stderr


def test_records_come_with_it(store: Path, tmp_path: Path) -> None:
    written = blocktap("dataset", "export", "--store", store, "-o", tmp_path / "new", "--records", "--key",
                       tmp_path / "key")  # fmt: skip
    assert written.returncode == 0, written.stderr
    assert list((tmp_path / "new" / "flows").rglob("*.parquet"))
    checked = blocktap("dataset", "verify", tmp_path / "new")
    assert checked.returncode == 0, checked.stderr
    assert "## Flow records" in (tmp_path / "new/README.md").read_text()
