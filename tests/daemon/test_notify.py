"""What a service manager is told, over a real datagram socket of each kind."""

import os
import socket
from pathlib import Path

import pytest

from sensor.daemon.notify import Notifier


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path):
    name = f"{tmp_path}/notify" if request.param == "file" else f"@blocktap-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0"))
        listener.settimeout(2)
        yield name, lambda: listener.recv(4096).decode().split("\n")


def test_told(manager) -> None:
    name, heard = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    assert notifier.listens
    assert notifier.ready("3 blocks\nwatched")
    assert heard() == ["READY=1", "STATUS=3 blocks watched"]
    notifier.reloading()
    reloading, since = heard()
    assert reloading == "RELOADING=1"
    assert since.startswith("MONOTONIC_USEC=")
    assert since.removeprefix("MONOTONIC_USEC=").isdecimal()
    notifier.stopping("flushing")
    assert heard() == ["STOPPING=1", "STATUS=flushing"]
    notifier.status("x" * 1000)
    assert len(heard()[0]) < 300


def test_watchdog(manager, monkeypatch: pytest.MonkeyPatch) -> None:
    name, heard = manager
    environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "4000000", "WATCHDOG_PID": str(os.getpid())}
    now = [100.0]
    monkeypatch.setattr("sensor.daemon.notify.time.monotonic", lambda: now[0])
    notifier = Notifier(environment)
    assert notifier.watchdog_interval_s == 2.0
    assert notifier.alive()
    assert heard() == ["WATCHDOG=1"]
    now[0] = 101.9
    assert not notifier.alive()
    now[0] = 102.0
    assert notifier.alive()


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}],
)
def test_no_watchdog(environment: dict[str, str]) -> None:
    notifier = Notifier(environment)
    assert notifier.watchdog_interval_s is None
    assert not notifier.alive()


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/notify", "@nobody-listens-here"])
def test_nobody_listens(name: str) -> None:
    assert not Notifier({"NOTIFY_SOCKET": name}).ready()
