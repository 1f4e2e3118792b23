"""What a command does to a folder, call by call, as strace saw it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.trust.faults.stores import ROOT

CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir"
_LINE = re.compile(
    r"^\d+ +(?P<call>\w+)\((?P<words>.*)\) += (?P<result>-?\d+)(?P<file><[^>]*>)?(?P<error> E\w+ .*)?$"
)
_UNFINISHED = re.compile(r"^(?P<thread>\d+) +(?P<begin>.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(?P<thread>\d+) +<\.\.\. \w+ resumed>(?P<rest>.*)$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FILE = re.compile(r"^(\d+)<((?:\\x[0-9a-f]{2}|[^>])*)>")


def need_strace() -> None:
    """Skip, loudly, where there is none."""
    if shutil.which("strace") is None:
        pytest.skip("NOT TESTED: missing strace")


@dataclass(frozen=True)
class Step:
    """One call that changed something, or made it durable; paths are inside the folder.

    ``call`` is create, write, cut, sync, rename, remove or mkdir.
    """

    call: str
    path: str
    target: str = ""
    offset: int | None = None
    content: bytes = b""


def traced(folder: Path, words: list[str], log: Path, segment_rows: int | None = None) -> list[Step]:
    """Run a command of the program and give what it did to a folder."""
    need_strace()
    command = [
        "strace", "--follow-forks", "--seccomp-bpf", "-y", "-xx", "-s", "1000000", "-o", str(log),
        "-e", f"trace={CALLS}", sys.executable, *_program(segment_rows), *words,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = (_step(line, folder) for line in _lines(log))
    return [step for step in steps if step is not None]


def _program(segment_rows: int | None) -> list[str]:
    if segment_rows is None:
        return ["-m", "sensor"]
    small = f"from tests.trust.faults.zygote import small_segments; small_segments({segment_rows})"
    return ["-c", f"{small}; from sensor.cli import main; main()"]


def _lines(log: Path) -> list[str]:
    begun: dict[str, str] = {}
    lines = []
    for line in log.read_text().splitlines():
        if match := _UNFINISHED.match(line):
            begun[match["thread"]] = match["begin"]
        elif match := _RESUMED.match(line):
            lines.append(f"{match['thread']} {begun.pop(match['thread'])}{match['rest']}")
        else:
            lines.append(line)
    return lines


def _step(line: str, folder: Path) -> Step | None:  # noqa: PLR0911 # one for each kind of call
    match = _LINE.match(line)
    if match is None or int(match["result"]) < 0:
        return None
    call, words = match["call"], match["words"]
    texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(words)]
    if call in {"write", "pwrite64", "fsync", "fdatasync", "ftruncate"}:
        return _of_descriptor(call, words, texts, folder)
    paths = [_inside(os.fsdecode(text), folder) for text in texts]
    if not paths or any(path is None for path in paths):
        return None
    first = paths[0] or ""
    if call == "openat":
        return _opened(first, words)
    if call.startswith("rename"):
        return Step("rename", first, paths[1] or "")
    if call.startswith("mkdir"):
        return Step("mkdir", first)
    return Step("remove", first) if call in {"unlink", "unlinkat", "rmdir"} else None


def _opened(path: str, words: str) -> Step | None:
    if "O_TRUNC" in words:
        return Step("create", path)
    return Step("open", path) if "O_CREAT" in words else None


def _of_descriptor(call: str, words: str, texts: list[bytes], folder: Path) -> Step | None:
    match = _FILE.match(words)
    if match is None:
        return None
    name = re.sub(r"\\x([0-9a-f]{2})", lambda byte: chr(int(byte[1], 16)), match[2])
    path = _inside(name, folder)
    if path is None:
        return None
    if call == "ftruncate":
        return Step("cut", path, offset=int(words.rpartition(", ")[2]))
    if call == "pwrite64":
        return Step("write", path, offset=int(words.rpartition(", ")[2]), content=texts[0])
    return Step("write", path, content=texts[0]) if call == "write" else Step("sync", path)


def _inside(path: str, folder: Path) -> str | None:
    full = os.path.normpath(path.removesuffix(" (deleted)"))
    if full == str(folder):
        return ""
    return full.removeprefix(f"{folder}/") if full.startswith(f"{folder}/") else None
