"""Lists of CIDRs, addresses and ranges: plain text, FireHOL ``.netset`` and ``.ipset``, PeerGuardian."""

from sensor.rules.address import Prefix, pack_address, parse_cidr, parse_range
from sensor.rules.formats.lines import read_lines
from sensor.rules.gather import ListReader
from sensor.rules.source import Source

MOST_COLONS_OF_AN_ADDRESS = 8


def read(source: Source, reader: ListReader) -> None:
    """Read CIDRs, addresses and ranges; ``#`` begins a comment anywhere in a line."""

    def parse(text: str, number: int) -> None:
        if "#" in text:
            text = text.partition("#")[0].rstrip()
        if "-" not in text:
            reader.add(parse_cidr(text), number)
            return
        for prefix in named_range(text):
            reader.add(prefix, number)

    read_lines(source, reader, parse)


def read_named_ranges(source: Source, reader: ListReader) -> None:
    """Read ``name:start-end``; the name may hold ``#``, ``-`` and ``:``, and is not kept."""

    def parse(text: str, number: int) -> None:
        prefixes = named_range(text) if "-" in text else [parse_cidr(text)]
        for prefix in prefixes:
            reader.add(prefix, number)

    read_lines(source, reader, parse)


def named_range(text: str) -> list[Prefix]:
    """Parse ``start-end`` or ``name:start-end``."""
    left, _, last = text.rpartition("-")
    left, last = left.strip(), last.strip()
    if ":" not in last:
        return parse_range(left.rpartition(":")[2].strip(), last)
    return parse_range(_ipv6_start(left, last), last)


def _ipv6_start(left: str, last: str) -> str:
    """Return the address at the end of ``name:address``.

    The end of a name may look like the front of an address (``be:2001:db8::``), and a wrong cut would
    watch half the Internet. So a start in the /16 of the range's end is preferred, then the longest.
    """
    pieces = left.split(":")
    shortest_name = max(0, len(pieces) - 1 - MOST_COLONS_OF_AN_ADDRESS)
    starts = [":".join(pieces[cut:]).strip() for cut in range(shortest_name, len(pieces) - 1)]
    packed = [(start, address) for start in starts if (address := pack_address(start)) is not None]
    end = pack_address(last) or b""
    near = next((start for start, address in packed if address[:2] == end[:2] and address <= end), None)
    return near or next((start for start, _ in packed), left)
