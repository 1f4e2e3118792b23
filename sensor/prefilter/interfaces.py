"""Whether an interface may be cut off from the machine behind it, as a filter in the driver does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pyroute2 import IPRoute

from sensor.errors import CaptureError

_ETHERNET: Final = 1
_SCOPE_LINK: Final = 253
_FAMILY_IP6: Final = 10


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface as the kernel numbers it."""

    name: str
    index: int
    mtu: int


def find_interface(name: str, *, yes_drop: bool) -> Interface:
    """Return an interface on whose packets a filter may drop.

    Parameters
    ----------
    name : str
        The interface.
    yes_drop : bool
        Whether the operator knows that the machine loses what no block holds.

    Raises
    ------
    CaptureError
        There is no such interface; it is not Ethernet; or the machine uses it itself and ``yes_drop`` is
        false. The message says how.
    """
    with IPRoute() as netlink:
        links = list(netlink.get_links())
        found = next((link for link in links if link.get_attr("IFLA_IFNAME") == name), None)
        if found is None:
            message = f"there is no interface {name}"
            raise CaptureError(message)
        if found["ifi_type"] != _ETHERNET:
            message = f"the prefilter xdp reads Ethernet frames, {name} has none: use --prefilter socket"
            raise CaptureError(message)
        if not yes_drop:
            uses = list(_uses(netlink, found, links))
            if uses:
                message = (
                    f"the prefilter xdp on {name} would drop the machine's own traffic: {'; '.join(uses)}. "
                    "It is for dedicated tap ports; use --prefilter socket, or --yes-drop if this is meant"
                )
                raise CaptureError(message)
        return Interface(name, found["index"], found.get_attr("IFLA_MTU"))


def _uses(netlink: IPRoute, link: Any, links: list[Any]) -> Iterator[str]:
    """Say what the machine uses the interface for, by itself or through interfaces made on top of it."""
    names = {link["index"]: link.get_attr("IFLA_IFNAME")}
    grown = True
    while grown:
        upper = {
            other["index"]: other.get_attr("IFLA_IFNAME")
            for other in links
            if other["index"] not in names
            and other.get_attr("IFLA_LINK") in names
            and other.get_attr("IFLA_LINK_NETNSID") is None
        }
        names |= upper
        grown = bool(upper)
    for other in links:
        if other.get_attr("IFLA_MASTER") == link["index"]:
            yield f"{other.get_attr('IFLA_IFNAME')} is part of it"
    if link.get_attr("IFLA_MASTER") is not None:
        by_index = {other["index"]: other.get_attr("IFLA_IFNAME") for other in links}
        yield f"it is part of {by_index.get(link.get_attr('IFLA_MASTER'), 'a bridge or bond')}"
    for address in netlink.get_addr():
        # Every interface that is up has an IPv6 address of its link; that says nothing.
        own_link = address["family"] == _FAMILY_IP6 and address["scope"] == _SCOPE_LINK
        if address["index"] in names and not own_link:
            text = address.get_attr("IFA_LOCAL") or address.get_attr("IFA_ADDRESS")
            yield f"{names[address['index']]} has the address {text}"
    for route in netlink.get_routes():
        if route["dst_len"] == 0:
            for index in sorted(_ways_out(route) & names.keys()):
                yield f"a default route leads through {names[index]}"


def _ways_out(route: Any) -> set[int]:
    """Return the interfaces that a route leads through."""
    hops = route.get_attr("RTA_MULTIPATH") or ()
    return {index for index in (route.get_attr("RTA_OIF"), *(hop["oif"] for hop in hops)) if index}
