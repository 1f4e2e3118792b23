"""Links of a test's own, senders that lay packets out differently, and a packet socket with a prefilter."""

import mmap
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

SO_ATTACH_BPF = 50
SOL_PACKET = 263
PACKET_TX_RING = 13
PACKET_VERSION = 10
PACKET_AUXDATA = 8
_TPACKET_V2 = 1
_FRAME_BYTES = 2048
_FRAMES = 2
_SEND_REQUEST = 1
_TPACKET2_HEADER_BYTES = 32
_EVERYTHING = 3


def make_pair(*, mtu: int = 1500, names: tuple[str, str] = ("tap", "sender")) -> None:
    """Two interfaces with a wire between them, up, that say nothing by themselves."""
    with IPRoute() as netlink:
        netlink.link("add", ifname=names[0], kind="veth", peer={"ifname": names[1]})
        for name in names:
            # No IPv6 address of the link: nothing is sent but by the test.
            Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
            netlink.link("set", index=index_of(name), mtu=mtu, state="up")


def make(name: str, kind: str, **options: object) -> None:
    """An interface of another kind; the test is skipped where the kernel has none of it."""
    try:
        with IPRoute() as netlink:
            netlink.link("add", ifname=name, kind=kind, **options)
    except NetlinkError as error:
        pytest.skip(f"no interface of the kind {kind} in this kernel: {error}")


def change(name: str, **options: object) -> None:
    """Change an interface, as by ``ip link set``."""
    with IPRoute() as netlink:
        netlink.link("set", index=index_of(name), **options)


def add_address(name: str, address: str, prefix_length: int) -> None:
    """Give an interface an address."""
    if ":" in address:
        Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("0")
    with IPRoute() as netlink:
        netlink.addr("add", index=index_of(name), address=address, prefixlen=prefix_length)


def index_of(name: str) -> int:
    return socket.if_nametoindex(name)


@contextmanager
def receiver(interface: str, program: int | None = None) -> Iterator[socket.socket]:
    """A packet socket; the program is attached before the first packet comes."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as one:
        if program is not None:
            one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program)
        one.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
        one.bind((interface, _EVERYTHING))
        one.settimeout(0.3)
        yield one


def received(one: socket.socket) -> list[bytes]:
    """What has come, until nothing comes any more."""
    frames = []
    while True:
        try:
            frames.append(one.recv(1 << 17))
        except TimeoutError:
            return frames


def send(interface: str, frames: list[bytes]) -> None:
    """Send frames that the kernel keeps in one piece."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as one:
        one.bind((interface, 0))
        for frame in frames:
            one.send(frame)


def send_mapped(interface: str, frames: list[bytes]) -> None:
    """Send frames from mapped memory: the kernel has but their Ethernet header in one piece."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as one:
        one.setsockopt(SOL_PACKET, PACKET_VERSION, _TPACKET_V2)
        request = struct.pack("IIII", _FRAME_BYTES * _FRAMES, 1, _FRAME_BYTES, _FRAMES)
        one.setsockopt(SOL_PACKET, PACKET_TX_RING, request)
        one.bind((interface, 0))
        with mmap.mmap(one.fileno(), _FRAME_BYTES * _FRAMES) as ring:
            for number, frame in enumerate(frames):
                place = number % _FRAMES * _FRAME_BYTES
                ring[place + _TPACKET2_HEADER_BYTES : place + _TPACKET2_HEADER_BYTES + len(frame)] = frame
                ring[place : place + 8] = struct.pack("II", _SEND_REQUEST, len(frame))
                one.send(b"")
