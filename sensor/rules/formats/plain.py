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
    """Parse ``start-end`` or ``name:start-end``.

    A name may itself look like the front of an IPv6 address, so the shortest name is taken that
    leaves a range whose ends are in order.
    """
    left, _, last = text.rpartition("-")
    left, last = left.strip(), last.strip()
    pieces = left.split(":")
    if ":" not in last:
        return parse_range(pieces[-1].strip(), last)
    end = pack_address(last)
    for begin in range(max(0, len(pieces) - 1 - MOST_COLONS_OF_AN_ADDRESS), len(pieces) - 1):
        first = ":".join(pieces[begin:]).strip()
        start = pack_address(first)
        if start is not None and end is not None and start <= end:
            return parse_range(first, last)
    return parse_range(left, last)
