"""Events of real links, in their order, also after the kernel had to drop notices."""

import select
import socket
import time

import pytest

from sensor.interface import LinkEvent, LinkWatch, index_of
from tests.interface.conftest import ip

SOON_S = 5.0
NEVER_S = 0.2


def kinds(watch: LinkWatch, count: int) -> list[str]:
    """The kinds of the next events, at least ``count`` of them unless they do not come."""
    found: list[LinkEvent] = []
    deadline = time.monotonic() + SOON_S
    while len(found) < count and time.monotonic() < deadline:
        found += watch.events(NEVER_S)
    return [event.kind for event in found]


def test_up_and_down(tap: str) -> None:
    with LinkWatch([tap]) as watch:
        assert not watch.running(tap)
        ip("link", "set", "tap", "up")
        assert kinds(watch, 1) == ["up"]
        assert watch.running(tap)
        ip("link", "set", "tap", "down")
        assert kinds(watch, 1) == ["down"]


def test_lost_carrier_is_down(tap: str) -> None:
    ip("link", "set", "tap", "up")
    with LinkWatch([tap]) as watch:
        assert watch.running(tap)
        ip("link", "set", "far", "down")
        assert kinds(watch, 1) == ["down"]
        ip("link", "set", "far", "up")
        assert kinds(watch, 1) == ["up"]


def test_renamed_and_another_takes_the_name(tap: str) -> None:
    with LinkWatch([tap]) as watch:
        index = index_of(tap)
        ip("link", "set", "tap", "name", "other")
        assert watch.events(SOON_S) == [LinkEvent("renamed", "tap", index or 0, "other")]
        ip("link", "add", "tap", "type", "bridge")
        assert kinds(watch, 1) == ["appeared"]
        assert watch.index("tap") not in {None, index}


@pytest.mark.usefixtures("tap")
def test_renamed_to_the_watched_name_has_appeared() -> None:
    ip("link", "set", "tap", "up")
    with LinkWatch(["new"]) as watch:
        ip("link", "set", "tap", "down")
        ip("link", "set", "tap", "name", "new")
        ip("link", "set", "new", "up")
        assert kinds(watch, 2) == ["appeared", "up"]


def test_removed_and_back(tap: str) -> None:
    with LinkWatch([tap]) as watch:
        ip("link", "delete", "tap")
        assert kinds(watch, 1) == ["removed"]
        assert watch.index(tap) is None
        ip("link", "add", "tap", "type", "veth", "peer", "name", "far")
        assert kinds(watch, 1) == ["appeared"]


def test_moved_to_another_namespace_is_removed(tap: str) -> None:
    with LinkWatch([tap]) as watch:
        ip("netns", "add", "blocktap-iface-test")
        try:
            ip("link", "set", "tap", "netns", "blocktap-iface-test")
            assert kinds(watch, 1) == ["removed"]
        finally:
            ip("netns", "delete", "blocktap-iface-test")


def test_port_that_leaves_a_bridge_is_not_removed(tap: str) -> None:
    ip("link", "add", "bridge", "type", "bridge")
    ip("link", "set", "tap", "master", "bridge")
    with LinkWatch([tap]) as watch:
        ip("link", "set", "tap", "nomaster")
        assert kinds(watch, 1) == []
        assert watch.index(tap) == index_of(tap)


def test_others_are_not_told(tap: str) -> None:
    with LinkWatch([tap]) as watch:
        ip("link", "set", "far", "down")
        ip("link", "add", "more", "type", "bridge")
        assert [event for event in watch.events(NEVER_S) if event.name != tap] == []


def test_descriptor_tells_of_events(tap: str) -> None:
    with LinkWatch([tap]) as watch:
        assert watch.events() == []
        ip("link", "set", "tap", "up")
        assert select.select([watch], [], [], SOON_S)[0] == [watch]
        assert "up" in kinds(watch, 1)


@pytest.mark.parametrize("left", ["up", "gone"])
def test_dropped_notices_are_made_up_for(tap: str, left: str) -> None:
    with LinkWatch([tap]) as watch:
        watch._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(20):
            ip("link", "set", "far", "down")
            ip("link", "set", "far", "up")
        ip("link", "set", "tap", "up")
        if left == "gone":
            ip("link", "delete", "tap")
        assert (watch.running(tap), "up" in kinds(watch, 1) or left == "gone") == (False, True)
        assert watch.running(tap) == (left == "up")
        assert watch.index(tap) == (index_of(tap) if left == "up" else None)
        ip("link", "add", "after", "type", "bridge")
        watch.events(NEVER_S)
        assert watch.index("after") is not None
