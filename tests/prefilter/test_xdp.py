"""The program in a driver: dropped before anything sees it, refused where the machine lives, gone with us."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pyroute2 import IPRoute

from sensor.errors import CaptureError
from sensor.prefilter import Count, Prefilter
from tests.prefilter.frames import WATCH
from tests.prefilter.test_socket import OTHER, WATCHED
from tests.prefilter.wire import add_address, change, index_of, make, make_pair, received, receiver, send

pytestmark = pytest.mark.usefixtures("namespace")
Load = Callable[..., Prefilter]


def attached(name: str) -> str | None:
    """The mode in which a program is on an interface."""
    with IPRoute() as netlink:
        (link,) = netlink.get_links(index_of(name))
        mode: str | None = link.get_attr("IFLA_XDP").get_attr("IFLA_XDP_ATTACHED")
        return mode


@pytest.mark.parametrize("mtu", [1500, 9000])
def test_dropped_before_sockets(load: Load, mtu: int) -> None:
    make_pair(mtu=mtu)
    tail = bytes(8_000 if mtu > 1500 else 0)
    prefilter = load(*WATCH, kind="xdp")
    assert prefilter.attach("tap")
    assert attached("tap") == "xdp"
    with receiver("tap") as tap:
        send("sender", [WATCHED + tail] * 20 + [OTHER + tail] * 30)
        assert received(tap) == [WATCHED + tail] * 20
        length = len(WATCHED + tail)
        assert prefilter.counts() == {index_of("tap"): Count(20, 20 * length, 30, 30 * length)}
        prefilter.detach("tap")
        assert attached("tap") is None
        send("sender", [OTHER])
        assert received(tap) == [OTHER]


def test_two_interfaces(load: Load) -> None:
    make_pair()
    make_pair(names=("tap2", "sender2"))
    prefilter = load(*WATCH, kind="xdp")
    prefilter.attach("tap")
    prefilter.attach("tap2")
    send("sender", [OTHER] * 3)
    send("sender2", [OTHER] * 4)
    time.sleep(0.1)
    counts = prefilter.counts()
    assert [counts[index_of(name)].packets_filtered for name in ("tap", "tap2")] == [3, 4]
    prefilter.close()
    assert (attached("tap"), attached("tap2")) == (None, None)


def refusal(prefilter: Prefilter, name: str) -> str:
    with pytest.raises(CaptureError) as caught:
        prefilter.attach(name)
    return str(caught.value)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_refused_where_the_machine_has_an_address(load: Load, address: str) -> None:
    make_pair()
    add_address("tap", address, 30)
    prefilter = load(*WATCH, kind="xdp")
    message = refusal(prefilter, "tap")
    assert f"tap has the address {address}" in message
    assert "--prefilter socket, or --yes-drop" in message
    assert attached("tap") is None
    prefilter.attach("tap", yes_drop=True)
    assert attached("tap") == "xdp"


def test_an_address_of_the_link_alone_says_nothing(load: Load) -> None:
    make_pair()
    Path("/proc/sys/net/ipv6/conf/tap/disable_ipv6").write_text("0")
    load(*WATCH, kind="xdp").attach("tap")


@pytest.mark.parametrize(
    "way", [{"family": 2}, {"family": 10}, {"family": 2, "table": 77}], ids=["4", "6", "another table"]
)
def test_refused_where_a_default_route_leads(load: Load, way: dict[str, int]) -> None:
    make_pair()
    Path("/proc/sys/net/ipv6/conf/tap/disable_ipv6").write_text("0")
    with IPRoute() as netlink:
        netlink.route("add", dst="default", oif=index_of("tap"), **way)
    assert "a default route leads through tap" in refusal(load(*WATCH, kind="xdp"), "tap")


def test_refused_where_one_way_of_a_default_route_leads(load: Load) -> None:
    make_pair()
    ways = [{"oif": index_of(name)} for name in ("sender", "tap")]
    with IPRoute() as netlink:
        netlink.route("add", dst="default", family=2, multipath=ways)
    assert "a default route leads through tap" in refusal(load(*WATCH, kind="xdp"), "tap")


def test_refused_where_a_vlan_on_it_has_an_address(load: Load) -> None:
    make_pair()
    make("upper", "macvlan", link=index_of("tap"))
    add_address("upper", "192.0.2.1", 24)
    assert "upper has the address 192.0.2.1" in refusal(load(*WATCH, kind="xdp"), "tap")


def test_refused_on_what_is_not_there_or_not_ethernet(load: Load) -> None:
    prefilter = load(*WATCH, kind="xdp")
    assert refusal(prefilter, "nothing0") == "there is no interface nothing0"
    assert "Ethernet" in refusal(prefilter, "lo")


def test_refused_where_another_program_is(load: Load) -> None:
    make_pair()
    load(*WATCH, kind="xdp").attach("tap")
    assert "another XDP program is on it" in refusal(load(*WATCH, kind="xdp"), "tap")


def test_attached_again_when_an_interface_comes_back(load: Load) -> None:
    make_pair()
    prefilter = load(*WATCH, kind="xdp")
    prefilter.attach("tap")
    assert refusal(prefilter, "tap") == "the prefilter is on tap already"
    with IPRoute() as netlink:
        netlink.link("del", index=index_of("tap"))
    make_pair()
    prefilter.attach("tap")
    assert attached("tap") == "xdp"


def test_a_socket_program_is_not_attached_to_an_interface(load: Load) -> None:
    with pytest.raises(ValueError, match="not attached to an interface"):
        load(*WATCH).attach("tap")


def test_generic_where_the_driver_cannot(load: Load) -> None:
    """A bridge port's upper kinds of devices have no XDP of their own."""
    make_pair()
    make("plain", "ifb")
    prefilter = load(*WATCH, kind="xdp")
    assert "its driver has no XDP" in refusal(prefilter, "plain")
    assert not prefilter.attach("plain", generic=True)
    assert attached("plain") == "xdpgeneric"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_gone_when_the_process_dies(root: Path, number: signal.Signals) -> None:
    make_pair()
    program = (
        "import time\n"
        "from sensor.prefilter import Prefilter\n"
        "from sensor.rules import load_plan\n"
        "prefilter = Prefilter.load(load_plan([], ['192.0.2.0/24']), kind='xdp')\n"
        "prefilter.attach('tap')\n"
        "print('attached', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE) as sensor:
        assert sensor.stdout is not None
        assert sensor.stdout.readline() == b"attached\n"
        assert attached("tap") == "xdp"
        sensor.send_signal(number)
        sensor.wait()
    deadline = time.monotonic() + 5
    while attached("tap") is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert attached("tap") is None


def test_refused_where_it_is_part_of_a_bridge(load: Load) -> None:
    make_pair()
    make("bridge0", "bridge")
    change("tap", master=index_of("bridge0"))
    assert "it is part of bridge0" in refusal(load(*WATCH, kind="xdp"), "tap")
    assert "tap is part of it" in refusal(load(*WATCH, kind="xdp"), "bridge0")
