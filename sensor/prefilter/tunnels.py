"""What a packet that the core would open as a tunnel looks like from outside."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sensor.config import Tunnel

IP4_IN_IP: Final = 4
UDP: Final = 17
IP6_IN_IP: Final = 41
GRE: Final = 47
AUTHENTICATION: Final = 51
IP6_EXTENSIONS: Final = (0, 43, 44, AUTHENTICATION, 60, 135, 139, 140)
"""What may stand between an IPv6 header and its transport."""

_PROTOCOLS4: Final[dict[int, tuple[Tunnel, ...]]] = {
    IP4_IN_IP: ("ipip",),
    IP6_IN_IP: ("6in4",),
    GRE: ("gre", "erspan"),
}
_PROTOCOLS6: Final[dict[int, tuple[Tunnel, ...]]] = {
    IP4_IN_IP: ("ipip",),
    IP6_IN_IP: ("ipip",),
    GRE: ("gre", "erspan"),
}
_PORTS: Final[dict[int, Tunnel]] = {
    1701: "l2tp",
    2152: "gtp",
    3544: "teredo",
    4789: "vxlan",
    8472: "vxlan",
    4790: "vxlan-gpe",
    6081: "geneve",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """The protocols of IPv4 and of IPv6, and the UDP ports on either side, that pass whatever the addresses.

    Extension headers are passed without a look behind them while any tunnel is opened: what they hide
    cannot be told without a loop, and they are rare.
    """

    protocols4: tuple[int, ...]
    protocols6: tuple[int, ...]
    ports: tuple[int, ...]


def signs_of(tunnels: Collection[Tunnel]) -> Signs:
    """Return what the tunnels that the core opens look like."""
    opened = set(tunnels)
    if not opened:
        return Signs((), (), ())
    protocols4 = tuple(number for number, words in _PROTOCOLS4.items() if opened.intersection(words))
    protocols6 = tuple(number for number, words in _PROTOCOLS6.items() if opened.intersection(words))
    return Signs(
        protocols4=(*protocols4, AUTHENTICATION),
        protocols6=(*protocols6, *IP6_EXTENSIONS),
        ports=tuple(port for port, word in _PORTS.items() if word in opened),
    )
