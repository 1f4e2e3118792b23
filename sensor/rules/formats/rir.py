"""Delegation statistics of the regional Internet registries, plain and extended.

``registry|cc|type|start|value|date|status[|...]``: of IPv4 the value is a number of addresses, which
need not be a power of two; of IPv6 it is a prefix length.
"""

from sensor.rules.address import MAPPED, integer_range, pack_address, parse_cidr
from sensor.rules.formats.lines import read_lines
from sensor.rules.gather import ListReader
from sensor.rules.mistake import TextError
from sensor.rules.source import Source

DELEGATED = frozenset({"allocated", "assigned"})
NOT_DELEGATED = frozenset({"available", "reserved"})
LEAST_FIELDS = 7
FIRST_IPV4 = int.from_bytes(MAPPED + bytes(4), "big")
LAST_IPV4 = FIRST_IPV4 + 2**32 - 1


def read(source: Source, reader: ListReader) -> None:
    """Read what is allocated or assigned, of one country where the source asks for one.

    Version, summary and AS number lines are skipped, and so are ranges a registry still holds.
    """

    def parse(text: str, number: int) -> None:
        fields = text.split("|")
        if _is_heading(fields):
            return
        if len(fields) < LEAST_FIELDS:
            raise TextError("too few fields", "write registry|cc|ipv4|start|count|date|status")
        _, country, family, start, value, _, status = fields[:LEAST_FIELDS]
        if source.country and country.upper() != source.country:
            return
        if family == "asn" or status in NOT_DELEGATED:
            return
        if status not in DELEGATED:
            raise TextError("an unknown status", f"known are {', '.join(sorted(DELEGATED | NOT_DELEGATED))}")
        if family == "ipv4":
            _add_ipv4(reader, start, value, number)
        elif family == "ipv6":
            reader.add(parse_cidr(f"{start}/{value}"), number)
        else:
            raise TextError("an unknown type", "known are ipv4, ipv6, asn")

    read_lines(source, reader, parse)


def _is_heading(fields: list[str]) -> bool:
    return fields[-1] == "summary" or fields[0].replace(".", "").isdigit()


def _add_ipv4(reader: ListReader, start: str, count: str, number: int) -> None:
    packed = pack_address(start)
    if packed is None or not packed.startswith(MAPPED):
        raise TextError("the start is not an IPv4 address", "write an address such as 192.0.2.0")
    if not (count.isascii() and count.isdigit() and len(count) <= 10 and int(count)):
        raise TextError("the count is not a number of addresses", "write a number from 1 to 4294967296")
    first = int.from_bytes(packed, "big")
    last = first + int(count) - 1
    if last > LAST_IPV4:
        raise TextError(
            "the range ends behind the last IPv4 address", f"write at most {LAST_IPV4 - first + 1}"
        )
    for prefix in integer_range(first, last):
        reader.add(prefix, number)
