"""The command line as a whole: help at once, failures told in one line with the right status."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import sensor.cli
from sensor.errors import CaptureError, ConfigError, RuleError, StoreError

HEAVY = ["duckdb", "numpy", "pyarrow", "pydantic", "pyroute2", "scapy", "sensor._core", "typer"]


def blocktap(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sensor", *words], check=False, capture_output=True, text=True
    )


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys, runpy; sys.argv = ['blocktap', '--help']\n"
        "try: runpy.run_module('sensor', run_name='__main__')\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert ended.stderr.strip() == "[]"


def test_version_is_told() -> None:
    ended = blocktap("--version")
    assert ended.returncode == 0
    assert ended.stdout.startswith("blocktap ")


def test_unknown_command_is_the_wrong_word() -> None:
    assert blocktap("no-such-command").returncode == 2


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CaptureError("a.pcap: no capture"), 1),
        (RuleError("blocks.toml, line 3: no prefix"), 1),
        (StoreError("store of a newer schema"), 1),
        (ConfigError("no such setting"), 2),
        (FileNotFoundError(2, "No such file or directory", "a.pcap"), 1),
    ],
)
def test_failure_becomes_message_and_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, status: int
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(sensor.cli, "command_names", lambda: ["failing"])
    monkeypatch.setattr(sensor.cli, "import_module", lambda _: SimpleNamespace(failing=fail))
    monkeypatch.setattr(sys, "argv", ["blocktap", "failing"])
    with pytest.raises(SystemExit) as ended:
        sensor.cli.main()
    assert ended.value.code == status
    assert capsys.readouterr().err == f"blocktap: {error}\n"


def test_every_command_is_a_file_of_its_own() -> None:
    folder = Path(sensor.cli.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
    assert set(sensor.cli.command_names()) == files
