"""The documents name commands and options that exist, and leave out none."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from sensor.cli import command_names

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])

# A command as it is written in a document: the words after `blocktap`, to the end of the code or the line.
CALL = re.compile(r"(?<![\w/-])(?:\.venv/bin/)?blocktap[ \t]+([a-z][^`\n|]*)")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def calls(document: Path) -> list[str]:
    """The commands that a document writes in code, joined where a backslash breaks the line."""
    code = "\n".join(CODE.findall(document.read_text()))
    return [call.strip() for call in CALL.findall(code.replace("\\\n", " "))]


@cache
def help_of(*words: str) -> str:
    """What ``blocktap WORDS --help`` prints, without folding of its lines."""
    environment = os.environ | {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}
    command = [sys.executable, "-m", "sensor", *words, "--help"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    return ended.stdout if ended.returncode == 0 else ""


def command_of(call: str) -> list[str]:
    """The command of a call: its first word, and the second where that is a command of its own."""
    words = re.sub(r"[,;.]", " ", call).split()
    if len(words) > 1 and re.fullmatch(r"[a-z]+", words[1]) and help_of(words[0], words[1]):
        return words[:2]
    return words[:1]


ALL_CALLS = [(path.relative_to(ROOT).as_posix(), call) for path in DOCUMENTS for call in calls(path)]


@pytest.mark.parametrize(("document", "call"), ALL_CALLS)
def test_commands_and_options_exist(document: str, call: str) -> None:
    command = command_of(call)
    assert command[0] in command_names(), f"{document}: blocktap {call}"
    known = help_of(*command)
    quoted_left_out = re.sub(r"\"[^\"]*\"|'[^']*'", "", call)
    unknown = [option for option in OPTION.findall(quoted_left_out) if option not in OPTION.findall(known)]
    assert unknown == [], f"{document}: blocktap {call}"


def test_options_named_alone_exist() -> None:
    known = {option for command in command_names() for option in OPTION.findall(help_of(command))}
    named = {
        (document.name, option)
        for document in DOCUMENTS
        for code in CODE.findall(document.read_text())
        if re.match(r"`--", code)
        for option in OPTION.findall(code)
    }
    assert {(document, option) for document, option in named if option not in known} == set()


@pytest.mark.parametrize("command", command_names())
def test_readme_tells_of_every_command(command: str) -> None:
    assert any(call.split()[0].strip(",.;") == command for call in calls(ROOT / "README.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for document in DOCUMENTS
        for code in CODE.findall(document.read_text())
        for target in re.findall(r"(?:^|`|\n)make ([a-z][a-z-]*)", code)
    }
    assert named - targets == set()
