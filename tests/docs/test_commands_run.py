"""Each shell command of the documents is run, in their order, in a folder that has what they speak of.

What is not run here is listed with who runs it instead; a command that is neither run nor listed fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
DEMO = ROOT / "tests" / "golden" / "captures" / "demo.pcap"

ELSEWHERE = {
    "make": "the targets are named by test_docs, and run when a change lands or by hand",
    "cargo": "run by hand: it builds for minutes",
    ".venv/bin/pytest": "the tests themselves",
    "pip install": "tests/functional/test_wheel.py (long)",
    "sudo": "tests/deploy",
    "apt install": "tests/deploy",
    "systemctl": "tests/deploy: there is no systemd to talk to",
    "journalctl": "tests/deploy: there is no systemd to talk to",
    "nfcapd": "tests/export",
    "nfdump": "tests/export",
    "blocktap run": "tests/daemon, tests/live: it runs until it is stopped",
    "blocktap export": "tests/export, which have a collector",
    "blocktap report --store /mnt/taps": "tests/engines, which have a cluster",
    "blocktap report --store s3://": "tests/objects and tests/engines, which have a server",
    "podman": "tests/deploy: nothing can be pulled here",
}
"""Beginnings of commands that are not run here, and who runs them."""

STORES = ("DIR", "STORE", "store ")
"""What documents call a store that they do not make."""

SMALLER = {"--flows 100000000": "--flows 20000"}
"""Sizes that take hours, made small."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TIMEOUT_S = 120


def commands(document: Path) -> list[str]:
    """The commands in the shell blocks of a document, without the comments behind them."""
    found: list[str] = []
    for language, block in _FENCE.findall(document.read_text()):
        if language != "sh":
            continue
        open_quote = False
        for line in block.replace("\\\n", " ").splitlines():
            command = re.sub(r"(^|\s+)#\s.*", "", line)
            if open_quote:
                found[-1] += "\n" + line
            elif command:
                found.append(command)
            open_quote ^= command.count("'") % 2 == 1
    return found


def listed(command: str) -> bool:
    """Whether a command is run elsewhere."""
    return any(
        command.removeprefix("sudo ").startswith(start) or command.startswith(start) for start in ELSEWHERE
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a command of ours, the project's captures, and what the documents call theirs."""
    program = tmp_path / ".venv" / "bin" / "blocktap"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m sensor "$@"\n')
    program.chmod(0o755)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    shutil.copy(DEMO, tmp_path / "trace.pcapng")
    (tmp_path / "my-blocks.txt").write_text("192.0.2.0/24\n")
    return tmp_path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_commands_work(document: Path, place: Path) -> None:
    to_run = [command for command in commands(document) if not listed(command)]
    if not to_run:
        pytest.skip("no command to run")
    environment = os.environ | {"PATH": f"{place / '.venv' / 'bin'}:{os.environ['PATH']}"}
    for store in STORES:
        if any(f" {store}" in command for command in to_run):
            run(f"blocktap simulate model-2017 --store {store} --flows 20000", place, environment)
    for command in to_run:
        for large, small in SMALLER.items():
            command = command.replace(large, small)  # noqa: PLW2901
        run(command, place, environment)


def run(command: str, folder: Path, environment: dict[str, str]) -> None:
    """Run a command as a shell without a terminal would; fail with what it said."""
    ended = subprocess.run(
        ["bash", "-euc", command], check=False, capture_output=True, text=True,
        cwd=folder, env=environment, input="a password\n", timeout=TIMEOUT_S, start_new_session=True,
    )  # fmt: skip
    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
