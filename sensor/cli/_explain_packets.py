"""Packets of a flow, dissected by scapy."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sensor.cli._values import escape_controls

if TYPE_CHECKING:
    from sensor._core import TracedPacket

MOST_LINES = 150
"""Lines of one packet's dissection; the rest is counted."""
MOST_LINE_CHARACTERS = 200
MOST_BYTES = 16_384
"""Bytes of a packet that are dissected: what is longer is payload."""


@dataclass(frozen=True)
class Dissection:
    """One packet: where and when it was, and its fields line by line, safe to print."""

    number: int
    time: str
    is_out: bool
    captured: int
    original: int
    interface: str | None
    lines: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The packet as JSON has it."""
        return {
            "number": self.number,
            "time": self.time,
            "direction": "out" if self.is_out else "in",
            "captured": self.captured,
            "original": self.original,
            "interface": self.interface,
            "dissection": list(self.lines),
        }


def time_text(time_ns: int) -> str:
    """A packet's time in UTC, to the nanosecond."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{time_ns} ns after 1970"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{rest:09}"


def dissected(packet: TracedPacket) -> Dissection:
    """Dissect a packet whose bytes were kept."""
    return Dissection(
        number=packet["number"],
        time=time_text(packet["time_ns"]),
        is_out=packet["is_out"],
        captured=packet["captured"],
        original=packet["original"],
        interface=packet["interface"],
        lines=tuple(_lines(packet)),
    )


def _lines(packet: TracedPacket) -> list[str]:
    frame = packet["frame"] or b""
    link_layers, ip_layers = _scapy_layers()
    notes = []
    if packet["link"] in link_layers:
        layer = link_layers[packet["link"]]
    else:
        outermost = packet["levels"][0]
        notes.append(
            f"scapy does not read link type {packet['link']}: "
            f"dissected from the IP header at byte {outermost['offset']} on"
        )
        frame, layer = frame[outermost["offset"] :], ip_layers[outermost["version"]]
    if len(frame) > MOST_BYTES:
        notes.append(f"only the first {MOST_BYTES:,} bytes are dissected")
    try:
        shown = layer(frame[:MOST_BYTES]).show(dump=True)
    except Exception as error:  # noqa: BLE001 - whatever the wire makes of a dissector, the rest is told
        return [*notes, escape_controls(f"scapy cannot dissect it: {type(error).__name__}: {error}")]
    lines = [line for line in shown.splitlines() if line.strip()]
    notes += [_cut(escape_controls(line)) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        notes.append(f"... {len(lines) - MOST_LINES:,} more lines")
    return notes


def _cut(line: str) -> str:
    if len(line) <= MOST_LINE_CHARACTERS:
        return line
    return f"{line[:MOST_LINE_CHARACTERS]}... {len(line) - MOST_LINE_CHARACTERS:,} more characters"


@cache
def _scapy_layers() -> tuple[dict[int, Any], dict[int, Any]]:
    """What scapy dissects link types and versions of IP with; to load it takes a second."""
    logging.getLogger("scapy").setLevel(logging.CRITICAL)
    import scapy.layers.all  # noqa: F401 - brings every layer's bindings
    from scapy.config import conf
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6
    from scapy.themes import NoTheme

    conf.color_theme = NoTheme()
    return conf.l2types.num2layer, {4: IP, 6: IPv6}
