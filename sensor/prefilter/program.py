"""The two programs: for packet sockets and for the driver's hook (XDP), and how they load, count and return."""

from typing import Final

from sensor.prefilter.assembler import Assembler, Helper, Register
from sensor.prefilter.judgement import (
    CONTEXT,
    ETHERNET_BYTES,
    FILTERED,
    HEADER,
    HEADER_BYTES,
    PASSED,
    PLACE,
    SLOT,
    TYPE_AT,
    TYPES_BYTES,
    Judgement,
    Load,
    Way,
    emit_headers,
    emit_types,
    emit_versions,
)
from sensor.prefilter.maps import Map

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FRAME = Register

# Fields of the socket program's context, struct __sk_buff.
_SKB_LENGTH: Final = 0
_SKB_PROTOCOL: Final = 16
_SKB_VLAN_PRESENT: Final = 20
_SKB_INTERFACE: Final = 40
# Fields of the XDP program's context, struct xdp_md.
_XDP_INTERFACE: Final = 12

_LEAST_LINK_HEADER_BYTES: Final = 10

_FROM_LINK_HEADER: Final = 0
_FROM_NETWORK_HEADER: Final = 1

XDP_DROP: Final = 1
XDP_PASS: Final = 2

STRIPPED_TAG_BYTES: Final = 4
COUNTER_BYTES: Final = 32
"""Four numbers of 64 bits: packets and bytes passed, packets and bytes filtered."""
FILTERED_AT: Final = 16
_IF_NEW: Final = 1


def socket_program(judgement: Judgement, counters: Map, snap_bytes: int) -> bytes:
    """Return the program of a packet socket.

    It asks the kernel where the network header is, so it fits links with and without link header. That
    reaches only what the kernel holds in one piece, which may be the Ethernet header alone (some drivers, and
    senders that map their packets). Then, if it can only be that, the rest is read by offsets in the frame.
    """
    code = Assembler()
    code.move(CONTEXT, R1)
    in_piece = Way("piece", _load_from_header, "scattered")
    code.load(4, R1, CONTEXT, _SKB_PROTOCOL)
    code.move(R7, _FROM_NETWORK_HEADER)
    code.move(PLACE, 0)
    emit_versions(code, in_piece)
    # Tags: the network header may be that of IP already (sent packets), so count from the link header.
    code.move(R7, _FROM_LINK_HEADER)
    _emit_load_types(code, in_piece)
    emit_types(code, in_piece)
    emit_headers(code, in_piece, judgement)

    by_offset = Way("offset", _loader(Helper.SKB_LOAD_BYTES), PASSED)
    code.label(in_piece.lacking)
    _emit_pass_unless_ethernet(code)
    _emit_load_types(code, by_offset)
    emit_types(code, by_offset)
    emit_headers(code, by_offset, judgement)

    _emit_verdict(code)
    code.load(4, R8, CONTEXT, _SKB_LENGTH)
    code.load(4, R1, CONTEXT, _SKB_VLAN_PRESENT)
    code.jump_if("eq", R1, 0, "untagged")
    # The core puts the tag back that the kernel took out.
    code.arithmetic("add", R8, STRIPPED_TAG_BYTES)
    code.label("untagged")
    code.load(4, R1, CONTEXT, _SKB_INTERFACE)
    _emit_count(code, counters, passed=snap_bytes, filtered=0)
    return code.assemble()


def xdp_program(judgement: Judgement, counters: Map) -> bytes:
    """Return the program of a driver's hook, for Ethernet frames in one or several buffers."""
    code = Assembler()
    code.move(CONTEXT, R1)
    by_offset = Way("offset", _loader(Helper.XDP_LOAD_BYTES), PASSED)
    code.move(PLACE, TYPE_AT)
    by_offset.load(code, TYPES_BYTES, PASSED)
    emit_types(code, by_offset)
    emit_headers(code, by_offset, judgement)

    _emit_verdict(code)
    code.move(R1, CONTEXT)
    code.call(Helper.XDP_BUFFER_LENGTH)
    code.move(R8, R0)
    code.load(4, R1, CONTEXT, _XDP_INTERFACE)
    _emit_count(code, counters, passed=XDP_PASS, filtered=XDP_DROP)
    return code.assemble()


def _loader(helper: Helper) -> Load:
    """Return the loading by offset in the frame."""

    def load(code: Assembler, count: int, lacking: str) -> None:
        code.move(R1, CONTEXT)
        _emit_arguments(code, count)
        code.call(helper)
        code.jump_if("ne", R0, 0, lacking)

    return load


def _load_from_header(code: Assembler, count: int, lacking: str) -> None:
    """Load from what the kernel holds in one piece, counted from the header that R7 names."""
    code.move(R1, CONTEXT)
    _emit_arguments(code, count)
    code.move(R5, R7)
    code.call(Helper.SKB_LOAD_BYTES_RELATIVE)
    code.jump_if("ne", R0, 0, lacking)


def _emit_arguments(code: Assembler, count: int) -> None:
    code.move(R2, PLACE)
    code.address(R3, HEADER)
    code.move(R4, count)


def _emit_load_types(code: Assembler, way: Way) -> None:
    """Load the frame's types, and pass if the frame's own is not what the kernel calls the packet."""
    code.move(PLACE, TYPE_AT)
    way.load(code, TYPES_BYTES, way.lacking)
    code.load(2, R1, FRAME, HEADER)
    code.load(4, R2, CONTEXT, _SKB_PROTOCOL)
    code.jump_if("ne", R1, R2, PASSED)


def _emit_pass_unless_ethernet(code: Assembler) -> None:
    """Pass unless the network header stands more than ten bytes behind the link header.

    That is proved where so many bytes from the link header on are held in one piece, and ten fewer from the
    network header on are not. How many are held differs: what handles tags pulls them into the piece.
    """
    code.move(PLACE, 0)
    for in_piece in range(ETHERNET_BYTES, HEADER_BYTES, 4):
        code.move(R7, _FROM_LINK_HEADER)
        _load_from_header(code, in_piece, PASSED)
        code.move(R7, _FROM_NETWORK_HEADER)
        _load_from_header(code, in_piece - _LEAST_LINK_HEADER_BYTES, "ethernet")
    code.jump(PASSED)
    code.label("ethernet")


def _emit_verdict(code: Assembler) -> None:
    """R7 = where the counters of the verdict stand; what follows counts."""
    code.label(FILTERED)
    code.move(R7, FILTERED_AT)
    code.jump("count")
    code.label(PASSED)
    code.move(R7, 0)
    code.label("count")


def _emit_count(code: Assembler, counters: Map, *, passed: int, filtered: int) -> None:
    """Count one packet of R8 bytes on the interface in R1 by the verdict in R7, and return it.

    The counters are this CPU's own and the kernel runs one such program at a time on each, so plain additions
    are exact. What cannot be counted, because the map is full of interfaces, passes.
    """
    code.store(4, FRAME, SLOT, R1)
    _emit_find_counters(code, counters)
    code.jump_if("ne", R0, 0, "found")
    for offset in range(0, COUNTER_BYTES, 8):
        code.store(8, FRAME, HEADER + offset, 0)
    code.load_map(R1, counters.descriptor)
    code.address(R2, SLOT)
    code.address(R3, HEADER)
    code.move(R4, _IF_NEW)
    code.call(Helper.MAP_UPDATE)
    _emit_find_counters(code, counters)
    code.jump_if("ne", R0, 0, "found")
    code.leave(passed)
    code.label("found")
    code.jump_if("ne", R7, 0, "count_filtered")
    _emit_add(code, 0)
    code.leave(passed)
    code.label("count_filtered")
    _emit_add(code, FILTERED_AT)
    code.leave(filtered)


def _emit_find_counters(code: Assembler, counters: Map) -> None:
    code.load_map(R1, counters.descriptor)
    code.address(R2, SLOT)
    code.call(Helper.MAP_LOOKUP)


def _emit_add(code: Assembler, offset: int) -> None:
    """Add a packet and its bytes to the counters at R0."""
    code.load(8, R1, R0, offset)
    code.arithmetic("add", R1, 1)
    code.store(8, R0, offset, R1)
    code.load(8, R1, R0, offset + 8)
    code.arithmetic("add", R1, R8)
    code.store(8, R0, offset + 8, R1)
