"""The mark by which a simulated capture is known: the application in the header of its pcapng section."""

import struct
from pathlib import Path

SECTION = 0x0A0D0D0A
BYTE_ORDER = 0x1A2B3C4D
USER_APPLICATION = 4
PROGRAM = "blocktap simulate "
_HEAD_BYTES = 4_096


def simulated_by(path: str | Path) -> str | None:
    """The scenario that a capture says it was simulated from; None for any other file."""
    if not Path(path).is_file():
        return None
    with Path(path).open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head[:4] != struct.pack("<I", SECTION) or head[8:12] != struct.pack("<I", BYTE_ORDER):
        return None
    at, end = 24, min(struct.unpack_from("<I", head, 4)[0], len(head)) - 4
    while at + 4 <= end:
        kind, length = struct.unpack_from("<HH", head, at)
        value = head[at + 4 : at + 4 + length].decode("utf-8", "replace")
        if kind == USER_APPLICATION and value.startswith(PROGRAM):
            return value.removeprefix(PROGRAM)
        at += 4 + length + -length % 4
    return None
