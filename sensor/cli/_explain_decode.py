"""How the packets of a flow were decoded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sensor.cli._explain_case import Case, Finding, Step, counted, listed
from sensor.cli._explain_flows import PROTOCOLS, end_text

if TYPE_CHECKING:
    from sensor._core import Level, TracedPacket

MOST_SHAPES = 10
MOST_NUMBERS = 10

# Link types that captures commonly have, after the registry at tcpdump.org.
_LINK_TYPES = {
    0: "BSD loopback", 1: "Ethernet", 9: "PPP", 12: "raw IP", 50: "PPP over serial", 51: "PPPoE", 101: "raw IP",
    104: "Cisco HDLC", 105: "IEEE 802.11", 107: "Frame Relay", 108: "OpenBSD loopback", 113: "Linux cooked",
    119: "Prism and IEEE 802.11", 127: "radiotap and IEEE 802.11", 192: "PPI", 228: "raw IPv4",
    229: "raw IPv6", 276: "Linux cooked, version 2",
}  # fmt: skip

_Shape = tuple[int, int, tuple[tuple[int, str | None, int], ...]]


def decode_step(case: Case) -> Step:
    """The headers of the flow's packets, each shape once, and the fragments."""
    packets = case.traced["packets"]
    shapes: dict[_Shape, list[TracedPacket]] = {}
    for packet in packets:
        shapes.setdefault(_shape(packet), []).append(packet)
    findings = [_shape_finding(alike) for alike in list(shapes.values())[:MOST_SHAPES]]
    if len(shapes) > MOST_SHAPES:
        findings.append(Finding(f"{len(shapes) - MOST_SHAPES:,} more shapes of packets"))
    for word, meaning in (("first", "first fragment"), ("later", "later fragment")):
        numbers = [one["number"] for one in packets if one["levels"][one["level"]]["fragment"] == word]
        if numbers:
            ports = ("ports are in the first ones",) if word == "later" else ()
            findings.append(
                Finding(f"{counted(len(numbers), meaning)}: packets {_some(numbers)}", numbers[0], ports)
            )
    return Step("decode", tuple(findings))


def _shape(packet: TracedPacket) -> _Shape:
    levels = tuple((level["version"], level["tunnel"], level["offset"]) for level in packet["levels"])
    return packet["link"], packet["level"], levels


def _shape_finding(alike: list[TracedPacket]) -> Finding:
    packet = alike[0]
    link = _LINK_TYPES.get(packet["link"], "")
    shown = f"link type {packet['link']}" + (f" ({link})" if link else "")
    tunnels = [level["tunnel"] for level in packet["levels"] if level["tunnel"]]
    chain = " > ".join([f"IPv{packet['levels'][0]['version']}", *map(str, tunnels)])
    evidence = [_level_text(place, level, packet) for place, level in enumerate(packet["levels"])]
    if len(packet["levels"]) > 1:
        inner = len(packet["levels"]) - 1 - packet["level"]
        evidence.append(
            "counted by the innermost header that has a watched address"
            + (f"; the {inner} inside it {'has' if inner == 1 else 'have'} none" if inner else "")
        )
    return Finding(f"{shown}, {chain}: {counted(len(alike), 'packet')}", packet["number"], tuple(evidence))


def _level_text(place: int, level: Level, packet: TracedPacket) -> str:
    mark = "counted" if place == packet["level"] else "around" if place < packet["level"] else "inside"
    wrapped = f" in {level['tunnel']}" if level["tunnel"] else ""
    protocol = PROTOCOLS.get(level["protocol"], f"protocol {level['protocol']}")
    blocks = [block for block in (level["source_block"], level["destination_block"]) if block]
    watched = f"watched by {listed(dict.fromkeys(blocks))}" if blocks else "no watched address"
    return (
        f"{mark}: IPv{level['version']}{wrapped} at byte {level['offset']}, {_end(level, 'source')} > "
        f"{_end(level, 'destination')} {protocol}, {level['ip_bytes']:,} bytes, TTL {level['ttl']}; {watched}"
    )


def _end(level: Level, which: str) -> str:
    source = which == "source"
    address = level["source"] if source else level["destination"]
    port = level["source_port"] if source else level["destination_port"]
    return end_text(address, port) if level["protocol"] in {6, 17, 132} else address


def _some(numbers: Iterable[int]) -> str:
    all_of_them = list(numbers)
    more = f" and {len(all_of_them) - MOST_NUMBERS:,} more" if len(all_of_them) > MOST_NUMBERS else ""
    return listed(all_of_them[:MOST_NUMBERS]) + more
