"""``blocktap replay`` on a terminal, and interrupted."""

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import DEMO, TIMEOUT_S, blocktap, command, packets_seen, packets_stored

HALF = 200_000
"""Bytes of the demo, whole packets and a piece of one."""

QUICKLY_S = 5


def ended_on_terminal(*words: str | Path) -> tuple[int, str]:
    """Run a command whose standard error is a terminal; give its status and what was shown."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(TIMEOUT_S), shown.decode()


class TestProgress:
    def test_bar_on_a_terminal(self) -> None:
        status, shown = ended_on_terminal("replay", DEMO, "--store", "none")
        assert status == 0
        assert "━" in shown
        assert "\x1b[" in shown
        assert "2,559" in shown

    def test_none_elsewhere(self) -> None:
        ended = blocktap("replay", DEMO, "--store", "none", env={**os.environ, "TERM": "xterm"})
        assert "━" not in ended.stderr
        assert "\x1b" not in ended.stderr


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A replay that has read the first half of the demo from a pipe and waits for more."""
    process = subprocess.Popen(
        command("replay", "-", "--store", tmp_path / "store", "--json"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(DEMO.read_bytes()[:HALF])
    process.stdin.flush()
    run = tmp_path / "store" / "runs"
    for _ in range(TIMEOUT_S * 20):
        if run.is_dir() and any(run.iterdir()):
            break
        time.sleep(0.05)
    # The handler of the signal follows right behind the store.
    time.sleep(0.3)
    yield process
    process.kill()
    process.communicate()


def interrupt(process: subprocess.Popen[bytes], *, sending: bytes) -> tuple[str, str]:
    """Press Ctrl-C, then let the pipe give what is still in it."""
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    said, complaint = process.communicate(sending, timeout=TIMEOUT_S)
    return said.decode(), complaint.decode()


class TestInterrupted:
    def test_writes_what_is_complete_and_says_so(
        self, under_way: subprocess.Popen[bytes], tmp_path: Path
    ) -> None:
        said, complaint = interrupt(under_way, sending=DEMO.read_bytes()[HALF : HALF + 100])
        assert under_way.returncode == 130
        told = json.loads(said)
        assert told["stopped"]
        assert told["packets"] > 1000
        assert packets_seen(tmp_path / "store") == told["packets"]
        assert packets_stored(tmp_path / "store") == told["matched"]
        assert "interrupted" in complaint
        assert "Stopped early" in complaint

    def test_twice_gives_up(self, under_way: subprocess.Popen[bytes]) -> None:
        for _ in range(2):
            under_way.send_signal(signal.SIGINT)
            time.sleep(0.3)
        # Either the program says so itself, or the second signal meets it on its way out.
        assert under_way.wait(QUICKLY_S) in (130, -signal.SIGINT)

    def test_while_the_pipe_is_silent(self, under_way: subprocess.Popen[bytes], tmp_path: Path) -> None:
        under_way.send_signal(signal.SIGINT)
        under_way.wait(QUICKLY_S)
        assert packets_seen(tmp_path / "store") > 1000
