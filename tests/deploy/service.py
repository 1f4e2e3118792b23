"""A sensor in a throw-away machine: its settings, its start, what it says of itself, its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.deploy.dashboards import DEPLOY
from tests.deploy.machine import ROOT, Machine, development_folders

METRICS = "http://127.0.0.1:9477"
DEMO_PACKETS = 2558  # of its frames one is too short for any link
DEMO = ROOT / "tests" / "golden" / "captures" / "demo.pcap"
SETTINGS = "/etc/blocktap/blocktap.toml"
START_S = 30.0


def settings(**chosen: str) -> str:
    """The example settings with an interface and some others chosen, in TOML."""
    text = (DEPLOY / "blocktap.toml").read_text()
    for name, value in {"interfaces": '["tap"]', **chosen}.items():
        lines = text.splitlines()
        (place,) = [at for at, line in enumerate(lines) if line.removeprefix("#").startswith(f"{name} =")]
        lines[place] = f"{name} = {value}"
        text = "\n".join(lines) + "\n"
    return text


def install_checkout(machine: Machine) -> None:
    """Put the command, settings and user there that a package would bring, with the code of this checkout."""
    machine.run("useradd", "--system", "--no-create-home", "--home-dir", "/var/lib/blocktap", "blocktap")
    machine.write(
        "/usr/bin/blocktap", f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m sensor "$@"\n'
    )
    machine.run("chmod", "755", "/usr/bin/blocktap")
    machine.write("/etc/blocktap/blocks.toml", (ROOT / "rules" / "blocks.toml").read_text())


def wait_until(true: Callable[[], Any], what: str, seconds: float = START_S) -> Any:
    """Ask again and again until the answer is yes."""
    deadline = time.monotonic() + seconds
    while not (answer := true()):
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
        time.sleep(0.1)
    return answer


class Service:
    """``blocktap run`` as systemd would start it: under the unit's restrictions, telling when it is ready.

    Parameters
    ----------
    machine
        Where it runs.
    units
        The unit and its drop-ins; without any it is started as root and under no restrictions.
    """

    def __init__(self, machine: Machine, *units: Path) -> None:
        self.machine = machine
        self._units = units
        self.log = machine.folder / "sensor.log"
        self._said: list[str] = []
        place = machine.folder / "notify"
        place.unlink(missing_ok=True)
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notified.bind(str(place))
        self._notified.setblocking(False)
        place.chmod(0o666)
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": str(place)}
        command = self._confined("ExecStart") if units else ["/usr/bin/blocktap", "run", "--config", SETTINGS]
        self.process = machine.start(*command, log=self.log, env=self._environment)

    def _confined(self, directive: str) -> list[str | Path]:
        """What executes a directive of the unit under its restrictions."""
        kept = [*development_folders(), self.machine.folder]
        sandbox = [sys.executable, "-m", "tests.deploy.confine", "--unit", *self._units, "--keep", *kept]
        return [*sandbox, "--execute", directive]

    def reload(self) -> None:
        """Read the rules again, as ``systemctl reload`` would ask for it."""
        self.machine.run(*self._confined("ExecReload"), env=self._environment)

    def said(self) -> list[str]:
        """Every line that the service manager was told."""
        with suppress(BlockingIOError):
            while True:
                self._said += self._notified.recv(1 << 16).decode().splitlines()
        return self._said

    def wait_ready(self) -> None:
        """Wait until it says that it captures."""
        wait_until(lambda: self.ended() or "READY=1" in self.said(), "ready")
        assert not self.ended(), self.log.read_text()

    def ended(self) -> bool:
        return self.process.poll() is not None

    def metric(self, name: str) -> float:
        """The sum of a metric's samples, of all labels."""
        lines = self.machine.fetch(f"{METRICS}/metrics").splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))
        )

    def pid(self) -> str:
        """Of the sensor itself, as seen there."""
        found = self.machine.run(
            "pgrep", "--full", "--newest", "(sensor|/usr/bin/blocktap) run --config"
        ).stdout.split()
        return found[0]

    def stop(self) -> float:
        """Send SIGTERM; return how many seconds the end took."""
        began = time.monotonic()
        self.machine.run("kill", f"-{signal.SIGTERM.value}", self.pid())
        self.process.wait(20)
        return time.monotonic() - began


def play(machine: Machine, capture: Path = DEMO, *words: str) -> None:
    """Send a capture into the cable."""
    machine.run("tcpreplay", "--quiet", "--intf1=far", *(words or ("--pps=4000",)), capture)


def start_playing(machine: Machine, *words: str | Path) -> subprocess.Popen[str]:
    """Send captures into the cable for as long as the test lasts."""
    return machine.start("tcpreplay", "--quiet", "--intf1=far", *words, log=machine.folder / "tcpreplay.log")
