"""``blocktap report`` writes what it is asked for."""

import json
from pathlib import Path

import pytest

from tests.cli.commands import blocktap

ZONE = ("--timezone", "Asia/Pyongyang")


def run(*words: str) -> str:
    result = blocktap("report", *words, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_summary_without_files(model_store: Path) -> None:
    said = run("--store", str(model_store), *ZONE)
    assert said.startswith("Simulated data (scenario model-2017)")
    assert "Which services, and for what?" in said
    assert "Facebook" in said


def test_all_views_at_once(model_store: Path, tmp_path: Path) -> None:
    page, numbers, text = (tmp_path / name for name in ("report.html", "report.json", "report.md"))
    said = run(
        "--store", str(model_store), *ZONE, "-o", str(page), "--json", str(numbers), "--markdown", str(text)
    )
    assert said == ""
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(numbers.read_text())["period"]["days"] == 97
    assert text.read_text().startswith("# Who they talk to (simulated data)")
    for path in (page, numbers, text):
        assert path.stat().st_mode & 0o077 == 0


def test_numbers_to_standard_output(model_store: Path) -> None:
    assert json.loads(run("--store", str(model_store), "--json", "-"))["period"]["timezone"] == "UTC"


def test_one_day(model_store: Path, tmp_path: Path) -> None:
    page = tmp_path / "day.html"
    run("--store", str(model_store), *ZONE, "--day", "2017-04-01", "-o", str(page))
    assert (
        "<title>Who they talk to (simulated data): 1 April 2017 (days in Asia/Pyongyang)</title>"
        in page.read_text()
    )


@pytest.mark.parametrize("words", [("-o", "-", "--json", "-"), ("--markdown", "-", "--json", "-")])
def test_only_one_view_goes_to_standard_output(model_store: Path, words: tuple[str, ...]) -> None:
    result = blocktap("report", "--store", model_store, *words)
    assert result.returncode == 2
    assert "standard output" in result.stderr


def test_a_page_that_cannot_be_written_leaves_nothing(model_store: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    result = blocktap("report", "--store", model_store, "-o", tmp_path / "taken", timeout=120)
    assert result.returncode == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]
