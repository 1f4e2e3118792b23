"""The program on packet sockets with real packets: what comes through, and what is counted."""

import fcntl
import os
import struct
import threading
import time
from collections.abc import Callable

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q
from scapy.packet import Packet, Raw

from sensor.config import TUNNELS
from sensor.prefilter import Count, Prefilter
from sensor.rules import load_plan
from tests.prefilter.frames import WATCH, ethernet, seeded, whole
from tests.prefilter.oracle import Oracle
from tests.prefilter.wire import change, index_of, make_pair, received, receiver, send, send_mapped

pytestmark = pytest.mark.usefixtures("namespace")
Load = Callable[..., Prefilter]


def ip(source: str) -> Packet:
    return IP(src=source, dst="203.0.113.1") / UDP(sport=7, dport=9) / Raw(b"x" * 30)


WATCHED = bytes(ethernet() / ip("175.45.176.1"))
OTHER = bytes(ethernet() / ip("192.0.2.1"))


def arrives(frame: bytes) -> bool:
    """The kernel itself drops frames that end in a tag or right behind it, or in their Ethernet header."""
    return len(frame) > 14 and (len(frame) >= 20 or frame[12:14] not in {b"\x81\0", b"\x88\xa8"})


def longest_tags(frame: bytes) -> int:
    """The kernel takes out the first tag where it is one of its own types, so one more is understood."""
    return 3 if frame[12:14] in {b"\x81\0", b"\x88\xa8"} else 2


@pytest.mark.parametrize("sender", [send, send_mapped])
def test_exact_counts(load: Load, sender: Callable[[str, list[bytes]], None]) -> None:
    make_pair()
    prefilter = load(*WATCH)
    with receiver("tap", prefilter.descriptor) as tap:
        sender("sender", [WATCHED] * 30 + [OTHER] * 50)
        assert received(tap) == [WATCHED] * 30
    assert prefilter.counts() == {index_of("tap"): Count(30, 30 * len(WATCHED), 50, 50 * len(OTHER))}


def test_interfaces_are_counted_apart(load: Load) -> None:
    make_pair()
    make_pair(names=("tap2", "sender2"))
    prefilter = load(*WATCH)
    with receiver("tap", prefilter.descriptor), receiver("tap2", prefilter.descriptor):
        send("sender", [OTHER] * 3)
        send("sender2", [OTHER] * 5 + [WATCHED])
        time.sleep(0.1)
    counts = prefilter.counts()
    assert counts[index_of("tap")] == Count(0, 0, 3, 3 * len(OTHER))
    assert counts[index_of("tap2")] == Count(1, len(WATCHED), 5, 5 * len(OTHER))


@pytest.mark.parametrize("sender", [send, send_mapped])
@pytest.mark.parametrize(
    "tags", [[Dot1Q], [Dot1AD, Dot1Q], [Dot1Q, Dot1Q, Dot1Q]], ids=["one", "two", "three"]
)
@pytest.mark.parametrize("version", [4, 6])
def test_tags_count_as_on_the_wire(
    load: Load, sender: Callable[[str, list[bytes]], None], tags: list[type[Packet]], version: int
) -> None:
    make_pair()
    frames = []
    for source4, source6 in (("175.45.176.1", "2001:db8:77::1"), ("192.0.2.1", "2001:db8:78::1")):
        packet = ethernet()
        for number, tag in enumerate(tags):
            packet /= tag(vlan=10 + number)
        packet /= IP(src=source4, dst="1.1.1.1") if version == 4 else IPv6(src=source6, dst="2001:db8:99::")
        frames.append(bytes(packet / TCP() / Raw(b"x" * 20)))
    watched, other = frames
    prefilter = load(*WATCH)
    with receiver("tap", prefilter.descriptor) as tap:
        sender("sender", [watched, other])
        got = received(tap)
    # The socket gets the frame without the first tag, which the ring's header has.
    assert got == [watched[:12] + watched[16:]]
    assert prefilter.counts() == {index_of("tap"): Count(1, len(watched), 1, len(other))}


@pytest.mark.parametrize("sender", [send, send_mapped])
def test_seeded_frames(load: Load, sender: Callable[[str, list[bytes]], None]) -> None:
    """What comes through is what passes: also headers cut short, which the kernel does not try out."""
    make_pair()
    oracle = Oracle(load_plan([], WATCH), TUNNELS)
    frames = [frame for frame in seeded(3_000, seed=11) if arrives(frame)]
    prefilter = load(*WATCH)
    with receiver("tap") as everything, receiver("tap", prefilter.descriptor) as tap:
        sender("sender", frames)
        all_of_them, passed = received(everything), received(tap)
    assert len(all_of_them) == len(frames)
    expected = [
        got
        for frame, got in zip(frames, all_of_them, strict=True)
        if oracle.passes(frame, longest_tags(frame))
    ]
    lost = [frame.hex() for frame in expected if frame not in set(passed)]
    assert lost == []
    if sender is send:
        assert passed == expected
    count = prefilter.counts()[index_of("tap")]
    assert count.packets_passed == len(passed)
    assert count.packets_passed + count.packets_filtered == len(frames)
    assert count.bytes_passed + count.bytes_filtered == sum(map(len, frames))


def test_cut_at_every_byte(load: Load) -> None:
    make_pair()
    oracle = Oracle(load_plan([], WATCH), TUNNELS)
    cut = (frame[:length] for frame in whole().values() for length in range(15, len(frame) + 1))
    frames = [frame for frame in cut if arrives(frame)]
    prefilter = load(*WATCH)
    with receiver("tap") as everything, receiver("tap", prefilter.descriptor) as tap:
        send("sender", frames)
        pairs = zip(frames, received(everything), strict=True)
        assert received(tap) == [got for frame, got in pairs if oracle.passes(frame, longest_tags(frame))]


def test_jumbo_frames(load: Load) -> None:
    make_pair(mtu=9000)
    long = [frame + bytes(8_000) for frame in (WATCHED, OTHER)]
    prefilter = load(*WATCH)
    with receiver("tap", prefilter.descriptor) as tap:
        send("sender", long)
        assert received(tap) == long[:1]
    assert prefilter.counts()[index_of("tap")] == Count(1, len(long[0]), 1, len(long[1]))


def test_snap_length(load: Load) -> None:
    make_pair()
    prefilter = load(*WATCH, snap_bytes=40)
    with receiver("tap", prefilter.descriptor) as tap:
        send("sender", [WATCHED, OTHER])
        assert received(tap) == [WATCHED[:40]]
    assert prefilter.counts()[index_of("tap")] == Count(1, len(WATCHED), 1, len(OTHER))


def test_link_without_header(load: Load) -> None:
    """A tunnel device gives IP packets without any link header."""
    no_link_header, no_information = 1, 0x1000
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, 0x400454CA, struct.pack("16sH22x", b"tun0", no_link_header | no_information))
    change("tun0", state="up")
    packets = [WATCHED[14:], OTHER[14:], bytes(IPv6(src="2001:db8:77::1", dst="2001:db8:99::") / TCP())]
    prefilter = load(*WATCH)
    with receiver("tun0", prefilter.descriptor) as tap:
        for packet in packets:
            os.write(device, packet)
        got = [packet for packet in received(tap) if packet in packets]
    os.close(device)
    assert got == [packets[0], packets[2]]


def test_lists_change_under_traffic(load: Load) -> None:
    """What both the old and the new list hold is never lost, however often they are swapped."""
    make_pair()
    prefilter = load("175.45.176.0/22", "10.0.0.0/8")
    plans = [load_plan([], ["175.45.176.0/22", f"10.{n}.0.0/16", "2001:db8::/32"]) for n in range(20)]
    swaps, over = 0, threading.Event()

    def swap() -> None:
        nonlocal swaps
        while not over.is_set():
            prefilter.update(plans[swaps % len(plans)])
            swaps += 1

    with receiver("tap", prefilter.descriptor) as tap:
        swapping = threading.Thread(target=swap)
        swapping.start()
        for _ in range(40):
            send("sender", [WATCHED, OTHER] * 100)
        over.set()
        swapping.join()
        assert received(tap) == [WATCHED] * 4_000
    assert swaps > 5
    assert prefilter.counts()[index_of("tap")] == Count(
        4_000, 4_000 * len(WATCHED), 4_000, 4_000 * len(OTHER)
    )
