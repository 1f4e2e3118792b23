"""What is known of one network interface."""

from dataclasses import asdict, dataclass
from typing import Any, Final

HARDWARE_TYPES: Final = {
    1: "ethernet", 32: "infiniband", 512: "ppp", 519: "raw-ip", 768: "ipip", 769: "ip6tnl", 772: "loopback",
    776: "sit", 778: "gre", 801: "wifi", 803: "wifi-radiotap", 823: "ip6gre", 824: "netlink", 65534: "none",
}  # fmt: skip
"""Words for the ARPHRD numbers that a capture may meet; ``none`` is bare IP, as of a TUN device."""


@dataclass(frozen=True)
class Feature:
    """A switch of an interface: on or off, and whether anyone can change that."""

    active: bool
    changeable: bool


@dataclass(frozen=True)
class Offloads:
    """What card and kernel do to frames before a capture sees them; None where it could not be seen.

    ``gro`` and ``lro`` merge received frames into larger ones; ``gro_hw`` is the card doing so, and
    ``gro_hw_fixed`` that nobody can change that (as where a hypervisor does it). ``rx_vlan_offload`` moves the
    outer VLAN tag into the frame's metadata; ``rx_vlan_filter`` discards tags that no VLAN interface stands
    for.
    """

    gro: bool | None = None
    gro_hw: bool | None = None
    gro_hw_fixed: bool = False
    lro: bool | None = None
    gso: bool | None = None
    tso: bool | None = None
    rx_vlan_offload: bool | None = None
    rx_vlan_filter: bool | None = None
    rx_checksum: bool | None = None


@dataclass(frozen=True)
class Amount:
    """How many descriptors or queues there are, and how many there could be."""

    current: int
    maximum: int


@dataclass(frozen=True)
class Interface:
    """One interface as the kernel describes it.

    Attributes
    ----------
    kind
        The kernel's word for a virtual interface (``veth``, ``vlan``, ``bond``...), empty for hardware.
    link_type
        A word of `HARDWARE_TYPES`, else the ARPHRD number as text.
    speed_mbps, rx_ring, channels, hardware_timestamps, offloads
        None where driver or kernel do not tell. ``rx_ring`` is the card's own, in frames.
    promiscuity
        How many users hold the interface promiscuous.
    namespace
        Inode of the network namespace it was seen in, 0 where that cannot be read.
    peer_namespace
        The kernel's number of the namespace that the other end (of a veth, say) is in.
    unseen
        What could not be read, and why.
    """

    name: str
    index: int
    kind: str
    driver: str
    mtu: int
    link_type: str
    mac: str
    addresses: tuple[str, ...]
    default_route: bool
    admin_up: bool
    carrier: bool
    promiscuity: int
    rx_queues: int
    master: str
    xdp: bool
    namespace: int
    peer_namespace: int | None
    speed_mbps: int | None = None
    rx_ring: Amount | None = None
    channels: Amount | None = None
    hardware_timestamps: bool | None = None
    offloads: Offloads = Offloads()
    unseen: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return asdict(self)
