"""What is said of an interface is what was set."""

import json
import socket
import time

import pytest
from pyroute2.netlink.exceptions import NetlinkError

from sensor.errors import CaptureError
from sensor.interface import (
    Amount,
    Counters,
    Meter,
    Reading,
    clock_state,
    describe,
    messages,
    names,
    statistics,
)
from sensor.interface.clock import judge
from sensor.interface.statistics import difference
from tests.interface.conftest import ip


def test_facts(tap: str) -> None:
    ip("link", "set", "tap", "mtu", "9000", "up")
    ip("address", "add", "192.0.2.1/24", "dev", "tap")
    ip("route", "add", "default", "via", "192.0.2.2")
    found = describe(tap)
    assert (found.name, found.kind, found.driver, found.mtu) == ("tap", "veth", "veth", 9000)
    assert (found.link_type, found.admin_up, found.carrier) == ("ethernet", True, True)
    assert found.default_route
    assert "192.0.2.1/24" in found.addresses
    assert (found.speed_mbps, found.channels) == (10_000, Amount(1, found.channels.maximum))  # type: ignore[union-attr]
    assert None not in (found.offloads.gro, found.offloads.lro, found.offloads.rx_vlan_filter)
    assert json.loads(json.dumps(found.as_json()))["mtu"] == 9000
    assert not describe("far").default_route


def test_default_route_over_several_hops_and_promiscuity(tap: str) -> None:
    ip("link", "set", "tap", "up", "promisc", "on")
    ip("address", "add", "192.0.2.1/24", "dev", "tap")
    ip("route", "add", "default", "nexthop", "via", "192.0.2.2", "nexthop", "via", "192.0.2.3")
    assert describe(tap).default_route
    assert describe(tap).promiscuity == 1


def test_without_the_family_ioctl_tells_the_same(tap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = describe(tap)

    def refuse(*_: object) -> None:
        raise NetlinkError(2, "no such family")

    monkeypatch.setattr(messages, "request", refuse)
    assert describe(tap) == before


def test_far_down_is_no_carrier(tap: str) -> None:
    ip("link", "set", "tap", "up")
    ip("link", "set", "far", "down")
    assert (describe(tap).admin_up, describe(tap).carrier) == (True, False)


@pytest.mark.parametrize("name", ["no", "", "../lo", "a name", "x" * 16, "a\0b", "%d"])
def test_impossible_names(name: str) -> None:
    with pytest.raises(CaptureError, match="no interface"):
        describe(name)


def test_names_are_listed() -> None:
    assert "lo" in names()


def test_statistics_advance(tap: str) -> None:
    ip("link", "set", "tap", "up")
    meter = Meter(tap)
    assert meter.since() == Counters()
    frame = b"\xff" * 6 + b"\x02" * 6 + b"\x88\xb5" + bytes(86)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("far", 0))
        for _ in range(50):
            sender.send(frame)
    time.sleep(0.1)
    came = meter.since()
    assert came.packets >= 50
    assert came.bytes >= 5000
    # Nothing takes these frames: the kernel gives them up, and says so.
    assert came.lost >= 50
    ip("link", "delete", "tap")
    assert meter.since() == Counters()
    ip("link", "add", "tap", "type", "veth", "peer", "name", "far")
    assert meter.since().packets == 0
    with pytest.raises(CaptureError):
        statistics("gone")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Counters(packets=10, missed=2), Counters(packets=15, missed=3), Counters(packets=5, missed=1)),
        (Counters(packets=2**32 - 5), Counters(packets=7), Counters(packets=12)),
        (
            Counters(packets=900, dropped=30),
            Counters(packets=20, dropped=40),
            Counters(packets=20, dropped=40),
        ),
        (Counters(packets=10, fifo=9), Counters(packets=12, fifo=2), Counters(packets=2, fifo=2)),
    ],
    ids=["advanced", "wrapped", "driver loaded anew", "one counter reset"],
)
def test_differences(before: Counters, after: Counters, expected: Counters) -> None:
    assert difference(Reading(1, before), Reading(1, after)) == expected


def test_another_interface_counts_from_nothing() -> None:
    last, now = Reading(1, Counters(packets=10)), Reading(2, Counters(packets=30))
    assert difference(last, now) == Counters(packets=30)


def test_one_loss_told_twice_counts_once() -> None:
    assert Counters(dropped=1, missed=5, over=5, fifo=4, no_buffer=2).lost == 8


def test_clock() -> None:
    assert clock_state().synchronised in {True, False, None}
    assert judge(synchronised=True, estimated_error_s=0.01, maximum_error_s=0.1).warning == ""
    assert "not synchronised" in judge(synchronised=False, estimated_error_s=16, maximum_error_s=16).warning
    assert "2.0 s" in judge(synchronised=True, estimated_error_s=2, maximum_error_s=9).warning
