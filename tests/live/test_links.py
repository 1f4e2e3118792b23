"""An interface goes down, is renamed, is removed, and comes back, under traffic: the daemon goes on and says so."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from tests.functional.built import Talk
from tests.live.compare import differences, replayed, stored
from tests.live.daemon import Daemon, running
from tests.live.namespaces import Namespace, cable, mirror, namespaces, need, wait_for
from tests.live.tap import SERVER, Recorder, tap

FRAME = bytes(Talk().out(0, size=100)[1])
EVERY_S = 0.002
RENAMED = "the interface has another name now: captured from until one of this name appears"


class Traffic:
    """A frame every few milliseconds into an interface, whatever becomes of it."""

    def __init__(self, namespace: Namespace, interface: str) -> None:
        self._namespace = namespace
        self._interface = interface
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self.sent = 0

    def _send(self) -> None:
        with self._namespace.entered():
            while not self._stop.is_set():
                try:
                    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
                        sender.bind((self._interface, 0))
                        while not self._stop.is_set():
                            sender.send(FRAME)
                            self.sent += 1
                            time.sleep(EVERY_S)
                except OSError:  # the interface is down, or away
                    time.sleep(0.05)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@contextmanager
def under_traffic(folder: Path) -> Iterator[tuple[Daemon, Namespace, Namespace]]:
    """A daemon at the near end of a cable, and frames that go into the far one."""
    need("ethtool")
    with namespaces("far", "sensor") as (far, sensor):
        cable((far, "far"), (sensor, "near"))
        with running(sensor, folder, "near") as daemon, Traffic(far, "far"):
            flows(daemon)
            yield daemon, far, sensor


def flows(daemon: Daemon) -> None:
    """Packets come, and the counters go on from where they were."""
    before = daemon.seen()
    wait_for("packets are counted", lambda: daemon.seen() > before + 20)


def ceases(daemon: Daemon) -> None:
    """Packets come no longer, and what has been counted stays."""
    before = daemon.wait_until_quiet(quiet_s=0.3)
    assert daemon.seen() == before > 0


def ends_well(daemon: Daemon) -> None:
    """It ends as it should, and every packet that it counted is in the store."""
    seen = daemon.metric("blocktap_packets_total")
    ended = daemon.stop()
    assert ended.status == 0
    accounts = stored(daemon.store, "accounting")
    total = sum(row["packets_seen"] for row in accounts)
    assert total >= seen > 0
    rows = stored(daemon.store, "flows")
    assert sum(row["packets_out"] + row["packets_in"] for row in rows) == total
    assert not [line for line in ended.log if line.get("level") not in ("info", "warning")]


def test_down_and_up(tmp_path: Path) -> None:
    with under_traffic(tmp_path) as (daemon, _, sensor):
        for count in (1, 2):
            sensor.ip("link", "set", "near", "down")
            daemon.wait_for_event("the link is down, waiting for it", count)
            ceases(daemon)
            assert daemon.status()["links_down"] == ["near"]
            sensor.ip("link", "set", "near", "up")
            daemon.wait_for_event("the link is up", count)
            flows(daemon)
            assert daemon.status()["links_down"] == []
        assert daemon.ready()
        ends_well(daemon)


def test_the_other_end_is_unplugged(tmp_path: Path) -> None:
    with under_traffic(tmp_path) as (daemon, far, _):
        far.ip("link", "set", "far", "down")
        daemon.wait_for_event("the link is down, waiting for it")
        ceases(daemon)
        far.ip("link", "set", "far", "up")
        daemon.wait_for_event("the link is up")
        flows(daemon)
        ends_well(daemon)


def test_renamed_and_back(tmp_path: Path) -> None:
    with under_traffic(tmp_path) as (daemon, _, sensor):
        sensor.ip("link", "set", "near", "name", "other")
        daemon.wait_for_event(RENAMED)
        flows(daemon)
        sensor.ip("link", "set", "other", "name", "near")
        daemon.wait_for_event("the interface is there")
        flows(daemon)
        assert daemon.status()["links_down"] == []
        ends_well(daemon)


def test_removed_and_made_again(tmp_path: Path) -> None:
    with under_traffic(tmp_path) as (daemon, far, sensor):
        for count in (1, 2):
            sensor.ip("link", "delete", "near")
            daemon.wait_for_event("the link is gone, waiting for it", count)
            ceases(daemon)
            cable((far, "far"), (sensor, "near"))
            daemon.wait_for_event("the interface is there", count)
            flows(daemon)
        assert daemon.status()["links_down"] == []
        ends_well(daemon)


def test_one_that_takes_the_name(tmp_path: Path) -> None:
    """What has the name is captured from, and what had it is not."""
    with under_traffic(tmp_path) as (daemon, far, sensor):
        sensor.ip("link", "set", "near", "name", "other")
        daemon.wait_for_event(RENAMED)
        cable((far, "far2"), (sensor, "near"))
        daemon.wait_for_event("the interface is there")
        ceases(daemon)
        with Traffic(far, "far2"):
            flows(daemon)
        ends_well(daemon)


def test_renamed_and_removed(tmp_path: Path) -> None:
    with under_traffic(tmp_path) as (daemon, far, sensor):
        sensor.ip("link", "set", "near", "name", "other")
        daemon.wait_for_event(RENAMED)
        sensor.ip("link", "delete", "other")
        daemon.wait_for_event("the link is gone, waiting for it")
        assert daemon.status()["links_down"] == ["near"]
        cable((far, "far"), (sensor, "near"))
        daemon.wait_for_event("the interface is there")
        flows(daemon)
        assert daemon.status()["links_down"] == []
        ends_well(daemon)


def test_not_there_at_the_start_is_refused(tmp_path: Path) -> None:
    need("ethtool")
    with namespaces("sensor") as (sensor,):
        daemon = Daemon(sensor, tmp_path, ("nowhere",))
        with pytest.raises(pytest.fail.Exception, match="nowhere"):
            daemon.start()
        assert daemon.process.wait(10) == 1
        daemon.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_two_interfaces_are_the_two_directions(tmp_path: Path, workers: int) -> None:
    """What one direction of a tap has on each of two interfaces is joined into the flows of a whole capture."""
    settings = {"rules": {"watch": ["192.0.2.0/24"]}}
    with tap() as made:
        cable((made.server, "out-copies"), (made.sensor, "out"))
        cable((made.server, "back-copies"), (made.sensor, "back"))
        mirror(made.server, "wire", "out-copies", directions=["ingress"])
        mirror(made.server, "wire", "back-copies", directions=["egress"])
        made.server.start("python3", "-m", "http.server", "80", "--bind", SERVER, cwd=tmp_path)
        recorder = Recorder(made.sensor, "tap", tmp_path / "whole.pcap")
        options = ["--workers", str(workers)]
        with running(made.sensor, tmp_path, "out", "back", settings=settings, options=options) as daemon:
            ask = ("curl", "--silent", "--show-error", "--fail", "--retry", "5", "--retry-connrefused",
                   f"http://{SERVER}/")  # fmt: skip
            for number in range(12):
                made.client.run(*ask, "-H", f"Host: site-{number}.example")
            daemon.wait_until_quiet()
            ended = daemon.stop()
        recorder.stop()
        assert ended.status == 0
        found, whole = stored(daemon.store, "flows"), replayed(recorder.path, "192.0.2.0/24")["flows"]
        assert not differences(found, whole, times_within_ns=50_000_000)
        assert {f"site-{number}.example" for number in range(12)} <= {row["name"] for row in found}
        seen = {row["interface"] for row in stored(daemon.store, "accounting") if row["packets_seen"]}
        assert seen == {"out", "back"}
