"""A client, a server, the wire between them, and a tap on it that leads to the sensor's interface."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.namespaces import Namespace, cable, mirror, namespaces, need, stop, wait_for

CLIENT, SERVER = "192.0.2.10", "198.51.100.20"
TAP = "tap"
"""The sensor's interface."""


@dataclass(frozen=True)
class Tap:
    """Three namespaces: the two ends of the wire, and where the copies go."""

    client: Namespace
    server: Namespace
    sensor: Namespace


@contextmanager
def tap() -> Iterator[Tap]:
    """Make one; every frame of the wire comes out of the sensor's interface once, as it was."""
    need("ethtool", "tc", "tcpdump")
    with namespaces("client", "server", "sensor") as (client, server, sensor):
        cable((client, "wire"), (server, "wire"))
        cable((server, "copies"), (sensor, TAP))
        client.ip("address", "add", f"{CLIENT}/32", "dev", "wire")
        server.ip("address", "add", f"{SERVER}/32", "dev", "wire")
        client.ip("route", "add", f"{SERVER}/32", "dev", "wire")
        server.ip("route", "add", f"{CLIENT}/32", "dev", "wire")
        mirror(server, "wire", "copies")
        yield Tap(client, server, sensor)


class Recorder:
    """tcpdump on an interface, with the times that the kernel gave the frames."""

    def __init__(self, namespace: Namespace, interface: str, path: Path, *words: str) -> None:
        self.path = path
        self._log = path.with_suffix(".log")
        with self._log.open("wb") as log:
            self._process = namespace.start(
                "tcpdump", "-Z", "root", "-i", interface, "-w", path, "-s", "262144", "-B", "65536",
                "--immediate-mode", "-U", "--time-stamp-precision=nano", "-Q", "in", *words, stderr=log,
            )  # fmt: skip
        wait_for("tcpdump listens", lambda: "listening on" in self._log.read_text())

    def stop(self) -> int:
        """Write what has come and end; how many packets are in the file."""
        stop(self._process, patience_s=20)
        told = self._log.read_text()
        counts = {
            word: int(number) for number, word in re.findall(r"(\d+) packets? (captured|dropped)", told)
        }
        assert counts["dropped"] == 0, (
            f"the recorder lost packets, so there is nothing to compare with: {told}"
        )
        return counts["captured"]


def interface_counts(namespace: Namespace, interface: str) -> dict[str, int]:
    """What the kernel has counted on an interface: received, and dropped on the way in."""
    command = ["ip", "-n", namespace.name, "-j", "-s", "link", "show", interface]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if not told:
        pytest.fail(f"no interface {interface}")
    return {name: told[0]["stats64"]["rx"][name] for name in ("packets", "bytes", "dropped", "errors")}
