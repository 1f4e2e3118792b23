"""``blocktap check``: what it prints, and its exit status."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from sensor.cli.check import check


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(check)
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})

    def invoke(*arguments: object) -> Result:
        return runner.invoke(app, [str(argument) for argument in arguments])

    return invoke


def test_shipped_blocks(run) -> None:
    result = run()
    assert result.exit_code == 0
    assert "3 blocks, 3 prefixes" in result.stdout
    assert "star-jv" in result.stdout
    assert "1,024" in result.stdout


def test_json(run, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("192.0.2.0/24\n192.0.2.0/24\nbad\n")
    result = run("--blocks", tmp_path / "list", "--watch", "::/0", "--json", "--store", tmp_path / "new")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["ok"] is True
    assert [(block["name"], block["addresses"]) for block in answer["blocks"]] == [
        ("list", 256),
        ("::/0", 2**128),
    ]
    assert answer["refused"][0]["line"] == 3
    assert len(answer["warnings"]) == 1
    assert answer["store"].endswith("would be created")


def test_nothing_from_a_file_reaches_the_terminal_unescaped(run, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("192.0.2.0/24\n\x1b[31m[bold]x[/nonsense]\n")
    result = run("--blocks", tmp_path / "list")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "\\x1b[31m[bold]x[/nonsense]" in result.stdout


@pytest.mark.parametrize("arguments", [["--watch", "10.0.0.1/8"], ["--watch", "[/x]"], ["--format", "what"]])
def test_mistakes_go_to_stderr(run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert arguments[1] in result.stderr
    answer = run(*arguments, "--json")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["ok"] is False


def test_settings_and_their_override(run, tmp_path: Path) -> None:
    (tmp_path / "blocktap.toml").write_text('[rules]\nwatch = ["192.0.2.0/24"]\n')
    assert "192.0.2.0/24" in run("--config", tmp_path / "blocktap.toml").stdout
    overridden = run("--config", tmp_path / "blocktap.toml", "--watch", "10.0.0.0/8").stdout
    assert "10.0.0.0/8" in overridden
    assert "192.0.2.0/24" not in overridden


def test_bad_settings(run, tmp_path: Path) -> None:
    (tmp_path / "blocktap.toml").write_text("[flwo]\n")
    result = run("--config", tmp_path / "blocktap.toml")
    assert result.exit_code == 1
    assert "did you mean flow?" in result.stderr


def test_stores(run, tmp_path: Path) -> None:
    (tmp_path / "store.toml").write_text("")
    assert "would be appended to" in run("--store", tmp_path).stdout
    assert run("--store", tmp_path / "store.toml").exit_code == 1
    other = tmp_path / "other"
    other.mkdir()
    assert "would be created" in run("--store", other).stdout
    (other / "letter.txt").write_text("")
    assert run("--store", other).exit_code == 1
    # Nothing listens there.
    away = run("--store", "s3://bucket/x?endpoint_override=127.0.0.1:9&scheme=http")
    assert (away.exit_code, away.stdout) == (1, "")
    assert "bucket" in away.stderr
