"""A pcapng file that says of itself that its packets are simulated."""

from __future__ import annotations

import struct
from typing import BinaryIO

from sensor.simulate.mark import BYTE_ORDER, PROGRAM, SECTION, USER_APPLICATION

_INTERFACE, _PACKET = 1, 6
_ETHERNET = 1
_COMMENT, _INTERFACE_NAME, _RESOLUTION = 1, 2, 9
_NANOSECONDS = b"\x09"
_SNAP_BYTES = 262_144


class Writer:
    """Writes frames of one Ethernet interface with nanoseconds."""

    def __init__(self, file: BinaryIO, scenario: str) -> None:
        self._file = file
        comment = f"Simulated traffic: nothing in this capture happened. Scenario {scenario}."
        options = _option(_COMMENT, comment.encode()) + _option(
            USER_APPLICATION, (PROGRAM + scenario).encode()
        )
        self._block(SECTION, struct.pack("<IHHq", BYTE_ORDER, 1, 0, -1) + options + bytes(4))
        options = _option(_INTERFACE_NAME, b"simulated") + _option(_RESOLUTION, _NANOSECONDS)
        self._block(_INTERFACE, struct.pack("<HHI", _ETHERNET, 0, _SNAP_BYTES) + options + bytes(4))

    def write(self, time_ns: int, captured: bytes, original: int) -> None:
        """Write one frame."""
        head = struct.pack("<IIIII", 0, time_ns >> 32, time_ns & 0xFFFF_FFFF, len(captured), original)
        self._block(_PACKET, head + _padded(captured))

    def _block(self, kind: int, body: bytes) -> None:
        length = struct.pack("<I", 12 + len(body))
        self._file.write(struct.pack("<I", kind) + length + body + length)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)
