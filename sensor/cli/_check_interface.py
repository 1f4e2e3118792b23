"""What is wrong with an interface, before it bites: each finding with the command that mends it."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Final

from sensor.cli._check_finding import Finding, error, hint, warning
from sensor.config import CaptureSettings
from sensor.errors import CaptureError
from sensor.interface import Interface, describe

# What a capture can decode, by the words of `sensor.interface.model`.
_DECODED: Final = {
    "ethernet", "loopback", "none", "raw-ip", "ppp", "ipip", "ip6tnl", "sit", "wifi", "wifi-radiotap",
}  # fmt: skip
# Fewest blocks of a capture ring, and the shortest block, into which every frame fits.
_LEAST_RING_BYTES: Final = 8 << 18
_ETHERNET_MTU: Final = 1500


@dataclass(frozen=True)
class Seen:
    """An interface, None where there is none of that name, and what was found."""

    name: str
    interface: Interface | None
    findings: tuple[Finding, ...]


def look_at(name: str, settings: CaptureSettings, workers: int) -> Seen:
    """Describe an interface and say what is wrong with it."""
    try:
        interface = describe(name)
    except CaptureError as failed:
        return Seen(name, None, (error(name, str(failed), "ip link show"),))
    return Seen(name, interface, tuple(findings_of(interface, settings, workers)))


def findings_of(interface: Interface, settings: CaptureSettings, workers: int) -> Iterator[Finding]:
    """Say what is wrong with an interface, as the settings would use it."""
    yield from _link(interface, settings)
    if interface.link_type != "loopback":
        yield from _merging(interface, settings)
    yield from _room(interface, settings)
    yield from _queues(interface, workers)
    if settings.prefilter == "xdp":
        yield from _xdp(interface)


def memory_for_rings(names: list[str], settings: CaptureSettings, workers: int) -> Iterator[Finding]:
    """Say whether the memory is enough for one capture ring a worker on each interface."""
    least = _LEAST_RING_BYTES * workers * len(names)
    if settings.memory_bytes < least:
        yield error(
            "capture memory",
            f"capture.memory_bytes = {settings.memory_bytes} is too little for {workers} workers on "
            f"{len(names)} interfaces: a block of a ring is to hold the longest frame",
            f"capture.memory_bytes = {least}",
        )


def _link(interface: Interface, settings: CaptureSettings) -> Iterator[Finding]:
    name, quoted = interface.name, shlex.quote(interface.name)
    if interface.link_type not in _DECODED:
        text = f"frames of the type {interface.link_type} cannot be decoded; capture on the interface beneath"
        yield error(name, text, "ip link show")
    if not interface.admin_up:
        if settings.up:
            yield hint(name, "is down; the sensor would set it up, as capture.up says")
        else:
            yield error(name, "is down: nothing is received", f"ip link set {quoted} up", "capture.up = true")
    elif not interface.carrier:
        yield warning(
            name,
            "has no carrier: nothing is received until the other end is there; see to the cable and the port",
            f"ip -s link show {quoted}",
        )


def _merging(interface: Interface, settings: CaptureSettings) -> Iterator[Finding]:
    name, quoted = interface.name, shlex.quote(interface.name)
    offloads = interface.offloads
    for word, on, wish in ("gro", offloads.gro, settings.gro), ("lro", offloads.lro, settings.lro):
        if on and wish == "keep":
            yield warning(
                name,
                f"{word.upper()} is on: frames are merged as they come, so that packets are fewer and larger "
                "than on the wire, and the headers of the merged ones are in no count of bytes",
                f"ethtool -K {quoted} {word} off",
                f'capture.{word} = "off"',
            )
    if offloads.gro_hw and (settings.gro == "keep" or offloads.gro_hw_fixed):
        text = "the card, or the hypervisor behind it, hands over merged frames"
        if offloads.gro_hw_fixed:
            yield warning(name, f"{text}, and the driver does not let that be changed")
        else:
            yield warning(name, text, f"ethtool -K {quoted} rx-gro-hw off", 'capture.gro = "off"')
    if offloads.rx_vlan_filter:
        yield hint(
            name,
            "the card may discard frames of VLANs that no interface here stands for",
            f"ethtool -K {quoted} rx-vlan-filter off",
        )


def _room(interface: Interface, settings: CaptureSettings) -> Iterator[Finding]:
    name, quoted = interface.name, shlex.quote(interface.name)
    ring, size = interface.rx_ring, settings.ring_size
    if ring is not None and size == "keep" and ring.current < ring.maximum:
        yield warning(
            name,
            f"the card's ring has {ring.current:,} frames and could have {ring.maximum:,}: bursts are lost "
            "before the kernel sees them",
            f"ethtool -G {quoted} rx {ring.maximum}",
            'capture.ring_size = "max"',
        )
    if isinstance(size, int) and (ring is None or size > ring.maximum):
        most = f"more than the card's {ring.maximum}" if ring else "set, and the driver tells of no ring"
        yield error(name, f"capture.ring_size = {size} is {most}", 'capture.ring_size = "max"')
    if interface.link_type == "ethernet" and interface.mtu < _ETHERNET_MTU:
        yield warning(
            name,
            f"its MTU is {interface.mtu}: many cards discard longer frames; it is to be that of the network "
            "that is mirrored",
            f"ip link set {quoted} mtu {_ETHERNET_MTU}",
        )


def _queues(interface: Interface, workers: int) -> Iterator[Finding]:
    channels = interface.channels
    if channels is None:
        return
    wanted = min(workers, channels.maximum)
    if channels.current < wanted:
        yield hint(
            interface.name,
            f"receive queues are {channels.current} and workers {workers}: one processor does for the card "
            "what several could",
            f"ethtool -L {shlex.quote(interface.name)} combined {wanted}",
        )


def _xdp(interface: Interface) -> Iterator[Finding]:
    name = interface.name
    reasons = [
        # Every interface that is up has an IPv6 address of its link; that says nothing.
        *(f"has the address {text}" for text in interface.addresses if not ip_interface(text).is_link_local),
        *(["has the default route"] if interface.default_route else []),
        *([f"is part of {interface.master}"] if interface.master else []),
    ]
    if reasons:
        text = f"the prefilter xdp would drop this machine's own traffic: it {' and '.join(reasons)}"
        yield error(name, text, 'capture.prefilter = "socket"')
    if interface.xdp:
        yield error(name, "another XDP program is attached", f"ip link set dev {shlex.quote(name)} xdp off")
    if interface.link_type != "ethernet":
        yield error(name, "the prefilter xdp reads Ethernet alone", 'capture.prefilter = "socket"')
