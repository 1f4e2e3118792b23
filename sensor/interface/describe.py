"""One interface as the kernel describes it, without changing anything; no privilege is needed."""

import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from sensor.errors import CaptureError
from sensor.interface import ethtool
from sensor.interface.model import HARDWARE_TYPES, Feature, Interface, Offloads
from sensor.rules.mistake import nearest, printable

IFF_UP = 1
_POSSIBLE_NAME = re.compile(r"[^\s/:\0]{1,15}")
_MAIN_TABLE = 254

Found = TypeVar("Found")


def names() -> list[str]:
    """The interfaces of this network namespace, in the kernel's order."""
    with IPRoute() as route:
        return [str(link.get_attr("IFLA_IFNAME")) for link in route.link("dump")]


def index_of(name: str) -> int | None:
    """The kernel's number of an interface, None where there is no such interface."""
    with IPRoute() as route:
        link = _find(route, name)
    return None if link is None else int(link["index"])


def name_of(index: int) -> str | None:
    """The name that an interface has now, None where it is gone."""
    with IPRoute() as route:
        return _name_of(route, index) or None


def describe(name: str) -> Interface:
    """Describe an interface.

    Raises
    ------
    CaptureError
        There is no such interface; the message names the nearest one.
    """
    with IPRoute() as route:
        link = _find(route, name)
        if link is None:
            there = [str(other.get_attr("IFLA_IFNAME")) for other in route.link("dump")]
            raise CaptureError(f"no interface {printable(name)}; {nearest(name, there)}")
        index = int(link["index"])
        addresses = tuple(
            f"{address.get_attr('IFA_ADDRESS')}/{address['prefixlen']}"
            for address in route.get_addr(index=index)
        )
        default_route = any(
            hop == index for entry in route.get_default_routes(table=_MAIN_TABLE) for hop in _hops(entry)
        )
        master = link.get_attr("IFLA_MASTER")
        master_name = _name_of(route, master) if master else ""
    return _with_driver_facts(link, addresses, default_route, master_name)


def _find(route: Any, name: str) -> Any | None:
    if not _POSSIBLE_NAME.fullmatch(name):
        return None
    try:
        found = route.link("get", ifname=name)
    except NetlinkError as error:
        if error.code in {errno.ENODEV, errno.EINVAL, errno.ENOENT}:
            return None
        raise CaptureError(f"{printable(name)}: {error}") from None
    return found[0] if found else None


def _name_of(route: Any, index: int) -> str:
    try:
        return str(route.link("get", index=index)[0].get_attr("IFLA_IFNAME"))
    except (NetlinkError, IndexError):
        return ""


def _hops(route: Any) -> list[int]:
    """The interfaces that a route leaves by; a multipath route has several."""
    several = route.get_attr("RTA_MULTIPATH") or ()
    return [*(hop["oif"] for hop in several), route.get_attr("RTA_OIF")]


def _with_driver_facts(link: Any, addresses: tuple[str, ...], default_route: bool, master: str) -> Interface:
    name = str(link.get_attr("IFLA_IFNAME"))
    unseen: list[str] = []

    def seen(what: str, ask: Callable[[str], Found]) -> Found | None:
        try:
            return ask(name)
        except ethtool.UnseenError as reason:
            unseen.append(f"{what}: {reason}")
            return None

    info = link.get_attr("IFLA_LINKINFO")
    kind = str(info.get_attr("IFLA_INFO_KIND") or "") if info else ""
    xdp = link.get_attr("IFLA_XDP")
    return Interface(
        name=name,
        index=int(link["index"]),
        kind=kind,
        driver=seen("driver", ethtool.driver) or "",
        mtu=int(link.get_attr("IFLA_MTU") or 0),
        link_type=HARDWARE_TYPES.get(link["ifi_type"], str(link["ifi_type"])),
        mac=str(link.get_attr("IFLA_ADDRESS") or ""),
        addresses=addresses,
        default_route=default_route,
        admin_up=bool(link["flags"] & IFF_UP),
        carrier=bool(link.get_attr("IFLA_CARRIER")),
        promiscuity=int(link.get_attr("IFLA_PROMISCUITY") or 0),
        rx_queues=int(link.get_attr("IFLA_NUM_RX_QUEUES") or 1),
        master=master,
        xdp=bool(xdp and xdp.get_attr("IFLA_XDP_ATTACHED")),
        namespace=_namespace(),
        peer_namespace=link.get_attr("IFLA_LINK_NETNSID"),
        speed_mbps=seen("speed", ethtool.speed_mbps),
        rx_ring=seen("receive ring", ethtool.rx_ring),
        channels=seen("channels", ethtool.channels),
        hardware_timestamps=seen("time stamps", ethtool.hardware_timestamps),
        offloads=_offloads(seen("offloads", ethtool.features)),
        unseen=tuple(unseen),
    )


def _namespace() -> int:
    try:
        return Path("/proc/self/ns/net").stat().st_ino
    except OSError:
        return 0  # after a change of user, the process may not look at itself


def _offloads(features: dict[str, Feature] | None) -> Offloads:
    if not features:
        return Offloads()

    def active(*names: str) -> bool:
        # A switch that is not listed is one that the interface does not have.
        return any(name in features and features[name].active for name in names)

    by_card = features.get(ethtool.GRO_BY_CARD)
    return Offloads(
        gro=active(ethtool.GRO),
        gro_hw=active(ethtool.GRO_BY_CARD),
        gro_hw_fixed=by_card is not None and by_card.active and not by_card.changeable,
        lro=active(ethtool.LRO),
        gso=active("tx-generic-segmentation"),
        tso=active("tx-tcp-segmentation", "tx-tcp6-segmentation"),
        rx_vlan_offload=active("rx-vlan-hw-parse"),
        rx_vlan_filter=active("rx-vlan-filter"),
        rx_checksum=active("rx-checksum"),
    )
