"""What makes the commands start fast: nothing heavy imported, and what stands in for it says the same."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import dpkt
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from sensor.cli import command_names, make_app
from sensor.cli._defaults import DEFAULTS, default_settings
from sensor.cli._help import SUMMARIES
from sensor.cli._summary import print_rows
from sensor.cli._words import QuickCommand
from sensor.config import Config
from sensor.rules.compile import write_compiled
from sensor.rules.compiled import COMPILED_FILE, digest_of, read_compiled
from sensor.rules.location import shipped
from sensor.rules.names import read_shipped

HEAVY_FOR_REPLAY = [
    "duckdb", "idna", "pyarrow.compute", "pydantic", "pyroute2", "rich.console", "scapy", "scipy", "structlog",
]  # fmt: skip


def test_small_replay_imports_nothing_heavy(own_captures: Path, tmp_path: Path) -> None:
    target = tmp_path / COMPILED_FILE
    write_compiled(target)
    capture = tmp_path / "ten.pcap"
    with capture.open("wb") as file, (own_captures / "demo.pcap").open("rb") as all_packets:
        writer = dpkt.pcap.Writer(file)
        for time, frame in islice(dpkt.pcap.Reader(all_packets), 10):
            writer.writepkt(frame, time)
    words = ["blocktap", "replay", str(capture), "--store", str(tmp_path / "store")]
    script = (
        "import sys, runpy, sensor.rules.names as names, sensor.rules.compiled as compiled\n"
        f"rules = compiled.read_compiled(compiled.Path({str(target)!r}).parent, compiled.shipped())\n"
        "assert rules; names.read_compiled = lambda: rules\n"
        f"sys.argv = {[*words, '--watch', '0.0.0.0/0']!r}\n"
        "try: runpy.run_module('sensor', run_name='__main__')\n"
        "except SystemExit as ended: assert not ended.code\n"
        f"print([name for name in {HEAVY_FOR_REPLAY!r} if name in sys.modules])\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("columns", ["60", "80", "132"])
def test_help_is_what_the_commands_say(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    command = [sys.executable, "-m", "sensor"]
    quick = subprocess.run([*command, "--help"], check=True, capture_output=True, text=True).stdout
    # With a word more, typer draws it.
    whole = subprocess.run([*command, "--help", "--help"], check=True, capture_output=True, text=True).stdout
    assert quick.split() == whole.split()


def test_help_knows_every_command() -> None:
    assert sorted(SUMMARIES) == command_names()


def test_defaults_are_those_of_the_settings() -> None:
    assert Config().model_dump() == DEFAULTS
    assert default_settings().flow.idle_timeout_s == Config().flow.idle_timeout_s


class TestCompiledRules:
    def test_say_what_the_files_say(self, tmp_path: Path) -> None:
        write_compiled(tmp_path / COMPILED_FILE)
        assert read_compiled(tmp_path, shipped()) == read_shipped()

    def test_are_those_of_the_files_where_there_are_any(self) -> None:
        assert read_compiled() in (None, read_shipped())

    def test_are_not_used_once_a_file_has_changed(self, tmp_path: Path) -> None:
        rules = tmp_path / "rules"
        (rules / "services").mkdir(parents=True)
        (rules / "protocols.toml").write_text("")
        (rules / "services" / "a.toml").write_text("")
        document = {"digest": digest_of(rules), "services": [], "owners": {}, "categories": {}}
        (rules / COMPILED_FILE).write_text(json.dumps(document))
        assert read_compiled(rules) is not None
        (rules / "services" / "b.toml").write_text("")
        assert read_compiled(rules) is None

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"digest": 1}', "\0", "nonsense"])
    def test_are_not_used_where_they_are_damaged(self, tmp_path: Path, content: str) -> None:
        (tmp_path / COMPILED_FILE).write_text(content)
        assert read_compiled(tmp_path, shipped()) is None


def values_of(words: list[str], *, quick: bool) -> tuple[int, str, dict[str, Any]]:
    """Status, output and values of a command with a parameter of every kind."""
    got: dict[str, Any] = {}

    def show(
        files: Annotated[list[Path], typer.Argument()],
        text: Annotated[str | None, typer.Option("--text")] = None,
        number: Annotated[int, typer.Option("--number", min=2, max=9)] = 3,
        folder: Annotated[Path | None, typer.Option("--folder", exists=True, file_okay=False)] = None,
        share: Annotated[float, typer.Option("--share")] = 0.5,
        many: Annotated[list[str] | None, typer.Option("--many")] = None,
        flag: Annotated[bool, typer.Option("--flag")] = False,
    ) -> None:
        got.update(locals())

    app = typer.Typer()
    app.command("show", cls=QuickCommand if quick else None)(show)
    ended = CliRunner().invoke(app, words)
    return ended.exit_code, ended.output, {key: got[key] for key in got if key != "got"}


@pytest.mark.parametrize(
    "words",
    [
        ["a", "b"],
        [],
        ["a", "--text", "", "--many", "x", "--many", "", "--flag"],
        *(["a", "--number", number] for number in ("2", "9", "1", "10", "007", "+4", " 5", "1_0", "x", "5.0", "٣")),
        *(["a", "--folder", folder] for folder in (".", "/", "/no/such/folder", sys.executable)),
        *(["a", "--share", share] for share in ("0.25", "1", "x", "nan")),
        ["a", "--unknown"],
        ["a", "--number"],
    ],
)  # fmt: skip
def test_plain_words_come_to_what_typer_makes_of_them(words: list[str]) -> None:
    assert repr(values_of(words, quick=True)) == repr(values_of(words, quick=False))


def test_every_option_of_a_replay_is_plain() -> None:
    command = get_command(make_app(["replay"])).commands["replay"]  # type: ignore[attr-defined]
    with command.make_context(
        "replay", ["a.pcap", "--store", "s", "--workers", "2", "--rules", "r"]
    ) as context:
        assert context.params["workers"] == 2
        assert context.params["rules"] == [Path("r")]
        assert context.params["captures"] == ["a.pcap"]


def test_summary_is_the_same_off_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("packets", "1,234", "bytes on the wire"), ("time", "0.10 s", "packets/s")]
    print_rows(rows)
    plain = capsys.readouterr().err
    monkeypatch.setattr("sensor.cli._summary.os", SimpleNamespace(environ={"FORCE_COLOR": "1"}))
    print_rows(rows)
    assert capsys.readouterr().err == plain
