"""A cable in a network namespace of its own: frames put in at one end, and a recording at the other."""

import ctypes
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dpkt
import pytest

NEAR, FAR = "bt-near", "bt-far"
"""The ends: what goes into the far one comes out of the near one."""

ETHERNET_BYTES = 14

_CLONE_NEWNET = 0x4000_0000
_ALL_PROTOCOLS = 0x0003
_SO_TIMESTAMPNS = 35
_PACKET_OUTGOING = 4
_PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, 1)


@contextmanager
def cable() -> Iterator[None]:
    """Put the calling thread, and those it starts, into a namespace with a cable; skip where that can't be."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("NOT TESTED: live capture needs root and iproute2")
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open("rb") as home:
        if libc.unshare(_CLONE_NEWNET) != 0:
            pytest.skip("NOT TESTED: no network namespace can be made here")
        try:
            # Else each end says hello to its neighbours.
            Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
            for words in (
                f"link add {NEAR} mtu 9000 type veth peer name {FAR} mtu 9000",
                f"link set {NEAR} arp off up",
                f"link set {FAR} arp off up",
            ):
                subprocess.run(["ip", *words.split()], check=True)
            yield
        finally:
            libc.setns(home.fileno(), _CLONE_NEWNET)


class Sender:
    """Puts frames into the far end."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind((FAR, 0))

    def send(self, frames: Iterable[bytes]) -> int:
        """Send frames; give their number."""
        count = 0
        for frame in frames:
            self._socket.send(frame)
            count += 1
        return count

    def close(self) -> None:
        """Send no more."""
        self._socket.close()


class Recorder:
    """Writes what comes out of the near end to a capture, with the kernel's times."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 28)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.settimeout(0.2)
        self._socket.bind((NEAR, _ALL_PROTOCOLS))
        self._stop = threading.Event()
        self.packets = 0
        self._thread = threading.Thread(target=self._record, daemon=True)
        self._thread.start()

    def _record(self) -> None:
        with self.path.open("wb") as file:
            file.write(_PCAP_HEADER)
            while True:
                try:
                    frame, extra, _, address = self._socket.recvmsg(1 << 17, 64)
                except TimeoutError:
                    if self._stop.is_set():
                        return
                    continue
                if address[2] == _PACKET_OUTGOING:
                    continue
                seconds, nanoseconds = struct.unpack("qq", extra[0][2])
                file.write(struct.pack("<IIII", seconds, nanoseconds, len(frame), len(frame)) + frame)
                self.packets += 1

    def stop(self) -> None:
        """Write what has come and end."""
        self._stop.set()
        self._thread.join()
        self._socket.close()


def frames_of(path: Path) -> list[bytes]:
    """The frames of a pcap that a kernel is willing to send."""
    with path.open("rb") as file:
        return [frame for _, frame in dpkt.pcap.UniversalReader(file) if len(frame) >= ETHERNET_BYTES]
