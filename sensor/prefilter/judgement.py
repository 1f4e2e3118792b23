"""From a frame to a verdict: the part of the program that both kinds share.

The code is written once for each way to load bytes. It jumps to ``passed`` as soon as anything is watched or
not understood, and to ``filtered`` when a whole header was read and nothing in it is watched.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sensor.prefilter.assembler import Assembler, Helper, Register, network16
from sensor.prefilter.maps import Map
from sensor.prefilter.tunnels import UDP, Signs

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FRAME = Register

# What the registers hold that calls leave alone; R7 belongs to the way of loading.
CONTEXT: Final = R6
PLACE: Final = R8
"""Offset of the header at hand from where the way of loading counts."""
PROTOCOL: Final = R9

# The stack: a header, the trie in use, the key of the map that holds the trie.
HEADER_BYTES: Final = 40
HEADER: Final = -HEADER_BYTES
TRIE: Final = -48
SLOT: Final = -56

PASSED: Final = "passed"
FILTERED: Final = "filtered"

TYPE_IP4: Final = 0x0800
TYPE_IP6: Final = 0x86DD
TAGS: Final = (0x8100, 0x88A8, 0x9100, 0x9200, 0x9300)
"""Ethertypes of VLAN tags: a tag of two bytes and the type behind it."""
TYPE_AT: Final = 12
"""Where an Ethernet frame tells its type."""
ETHERNET_BYTES: Final = 14
TAG_BYTES: Final = 4
TYPES_BYTES: Final = 2 + 2 * TAG_BYTES
"""The type of a frame, and those behind its first two tags."""

IP4_BYTES: Final = 20
IP6_BYTES: Final = 40
_FRAGMENT_OFFSET: Final = 0x1FFF

Load = Callable[[Assembler, int, str], None]
"""Emits a load of so many bytes from ``PLACE`` to ``HEADER``; jumps to the label where they lack."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is judged by: the two maps that hold a trie each, and the signs of tunnels."""

    watched4: Map
    watched6: Map
    signs: Signs


@dataclass(frozen=True, slots=True)
class Way:
    """One way to load bytes: ``lacking`` is where the program goes when they are not there."""

    prefix: str
    load: Load
    lacking: str

    def label(self, name: str) -> str:
        """Return a label of this way's copy of the code."""
        return f"{self.prefix}_{name}"


def emit_types(code: Assembler, way: Way) -> None:
    """Go on by the types that were loaded to ``HEADER``: the frame's own, then those behind its tags."""
    for tags in range(TYPES_BYTES // TAG_BYTES + 1):
        code.load(2, R1, FRAME, HEADER + tags * TAG_BYTES)
        code.move(PLACE, ETHERNET_BYTES + tags * TAG_BYTES)
        emit_versions(code, way)
        if tags < TYPES_BYTES // TAG_BYTES:
            tagged = way.label(f"tagged_{tags}")
            for tag in TAGS:
                code.jump_if("eq", R1, network16(tag), tagged)
            code.jump(PASSED)
            code.label(tagged)
    code.jump(PASSED)


def emit_versions(code: Assembler, way: Way) -> None:
    """Go on with an IP header if R1 holds its type."""
    code.jump_if("eq", R1, network16(TYPE_IP4), way.label("ip4"))
    code.jump_if("eq", R1, network16(TYPE_IP6), way.label("ip6"))


def emit_headers(code: Assembler, way: Way, judgement: Judgement) -> None:
    """Judge an IPv4 and an IPv6 header at ``PLACE``."""
    _emit_ip4(code, way, judgement)
    _emit_ip6(code, way, judgement)
    if judgement.signs.ports:
        _emit_ports(code, way, judgement.signs)


def _emit_ip4(code: Assembler, way: Way, judgement: Judgement) -> None:
    code.label(way.label("ip4"))
    way.load(code, IP4_BYTES, way.lacking)
    code.load(1, R1, FRAME, HEADER)
    # Version 4 and a header of 5 words at least, as the core wants it.
    code.jump_if("lt", R1, 0x45, PASSED)
    code.jump_if("gt", R1, 0x4F, PASSED)
    code.load(1, PROTOCOL, FRAME, HEADER + 9)
    _emit_lookups(code, judgement.watched4, bits=32, source=12, destination=16)

    signs = judgement.signs
    if signs.ports:
        code.jump_if("eq", PROTOCOL, UDP, way.label("udp4"))
    for protocol in signs.protocols4:
        code.jump_if("eq", PROTOCOL, protocol, way.label("tunnel4"))
    code.jump(FILTERED)
    if signs.protocols4:
        # The core opens no tunnel in a later fragment.
        code.label(way.label("tunnel4"))
        _emit_filter_later_fragments(code)
        code.jump(PASSED)
    if signs.ports:
        code.label(way.label("udp4"))
        _emit_filter_later_fragments(code)
        code.load(1, R1, FRAME, HEADER)
        code.arithmetic("and", R1, 0x0F)
        code.arithmetic("lsh", R1, 2)
        code.arithmetic("add", PLACE, R1)
        code.jump(way.label("ports"))


def _emit_ip6(code: Assembler, way: Way, judgement: Judgement) -> None:
    code.label(way.label("ip6"))
    way.load(code, IP6_BYTES, way.lacking)
    code.load(1, R1, FRAME, HEADER)
    code.jump_if("lt", R1, 0x60, PASSED)
    code.jump_if("gt", R1, 0x6F, PASSED)
    code.load(1, PROTOCOL, FRAME, HEADER + 6)
    _emit_lookups(code, judgement.watched6, bits=128, source=8, destination=24)

    for protocol in judgement.signs.protocols6:
        code.jump_if("eq", PROTOCOL, protocol, PASSED)
    if not judgement.signs.ports:
        code.jump(FILTERED)
        return
    code.jump_if("ne", PROTOCOL, UDP, FILTERED)
    code.arithmetic("add", PLACE, IP6_BYTES)
    code.jump(way.label("ports"))


def _emit_ports(code: Assembler, way: Way, signs: Signs) -> None:
    code.label(way.label("ports"))
    way.load(code, 4, way.lacking)
    code.load(2, R1, FRAME, HEADER)
    code.load(2, R2, FRAME, HEADER + 2)
    for port in signs.ports:
        code.jump_if("eq", R1, network16(port), PASSED)
        code.jump_if("eq", R2, network16(port), PASSED)
    code.jump(FILTERED)


def _emit_filter_later_fragments(code: Assembler) -> None:
    code.load(2, R1, FRAME, HEADER + 6)
    code.jump_if("set", R1, network16(_FRAGMENT_OFFSET), FILTERED)


def _emit_lookups(code: Assembler, lists: Map, *, bits: int, source: int, destination: int) -> None:
    """Pass if either address of the header is watched.

    A key is the prefix length and the address, so the length is written over the four bytes before the
    address; what stood there has been read by then.
    """
    code.store(4, FRAME, SLOT, 0)
    code.load_map(R1, lists.descriptor)
    code.address(R2, SLOT)
    code.call(Helper.MAP_LOOKUP)
    code.jump_if("eq", R0, 0, PASSED)
    # Both addresses are looked up in one trie, even while lists are swapped.
    code.store(8, FRAME, TRIE, R0)
    for address in (source, destination):
        code.store(4, FRAME, HEADER + address - 4, bits)
        code.load(8, R1, FRAME, TRIE)
        code.address(R2, HEADER + address - 4)
        code.call(Helper.MAP_LOOKUP)
        code.jump_if("ne", R0, 0, PASSED)
