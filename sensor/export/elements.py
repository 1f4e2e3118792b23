"""What an exported record has: the information elements, and the templates that put them in order.

Elements of the registry are RFC 7012's; reverse elements have the enterprise number of RFC 5103. What no
registered element can say is an element of an enterprise of the user's choice, numbered here once and for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["DEFAULT_ENTERPRISE", "OWN_TEXTS", "TEMPLATES", "VARIABLE", "Element", "Template"]

VARIABLE: Final = 65535
"""As a length: each value says its own."""

REVERSE_ENTERPRISE: Final = 29305
"""RFC 5103: the element of the same number, of the other direction."""

DEFAULT_ENTERPRISE: Final = 32473
"""RFC 5612: reserved for examples and documentation, so that it is nobody's."""

Owner = Literal["registry", "reverse", "own"]


@dataclass(frozen=True)
class Element:
    """One field of a template: what it holds, its number, whose number that is, and its length in bytes."""

    name: str
    number: int
    length: int
    owner: Owner = "registry"

    def enterprise(self, own: int) -> int | None:
        """The enterprise number, ``own`` being that of our own elements; None for the registry's elements."""
        return {"registry": None, "reverse": REVERSE_ENTERPRISE, "own": own}[self.owner]


@dataclass(frozen=True)
class Template:
    """A template: its number, the version of IP it is for, whether of ICMP, and its fields in order.

    The fields of fixed length come first, so that they are one column of bytes.
    """

    number: int
    ip_version: Literal[4, 6]
    icmp: bool
    elements: tuple[Element, ...]

    @property
    def fixed(self) -> tuple[Element, ...]:
        """The fields of fixed length."""
        return tuple(element for element in self.elements if element.length != VARIABLE)


_COUNTS = (
    Element("octetDeltaCount", 1, 8),
    Element("packetDeltaCount", 2, 8),
    Element("reverseOctetDeltaCount", 1, 8, "reverse"),
    Element("reversePacketDeltaCount", 2, 8, "reverse"),
    Element("protocolIdentifier", 4, 1),
    # Two bytes in the registry; all the flags that a store keeps are in the lower one (RFC 7011, 6.2).
    Element("tcpControlBits", 6, 1),
    Element("reverseTcpControlBits", 6, 1, "reverse"),
    Element("flowEndReason", 136, 1),
    Element("biflowDirection", 239, 1),
)

# Two of each: nanoseconds keep what the store has, and collectors that know no nanoseconds still get a time.
_TIMES = (
    Element("flowStartNanoseconds", 156, 8),
    Element("flowEndNanoseconds", 157, 8),
    Element("flowStartMilliseconds", 152, 8),
    Element("flowEndMilliseconds", 153, 8),
)

_IDENTITY = (
    Element("flowId", 148, 8),
    Element("record", 1, 4, "own"),
    Element("answered", 2, 1, "own"),
)

OWN_TEXTS: Final = (
    Element("applicationName", 96, VARIABLE),
    Element("name", 16, VARIABLE, "own"),
    Element("name_source", 17, VARIABLE, "own"),
    Element("service", 18, VARIABLE, "own"),
    Element("organisation", 19, VARIABLE, "own"),
    Element("category", 20, VARIABLE, "own"),
    Element("country", 21, VARIABLE, "own"),
    Element("block", 22, VARIABLE, "own"),
    Element("outside_block", 23, VARIABLE, "own"),
    Element("scope", 24, VARIABLE, "own"),
    Element("tunnel", 25, VARIABLE, "own"),
    Element("initiator", 26, VARIABLE, "own"),
    Element("ja4", 27, VARIABLE, "own"),
    Element("sensor", 28, VARIABLE, "own"),
    Element("community_id", 29, VARIABLE, "own"),
)
"""Fields of text, in the order of a record; NULL is a text of no bytes."""

_ADDRESSES: dict[Literal[4, 6], tuple[Element, ...]] = {
    4: (Element("sourceIPv4Address", 8, 4), Element("destinationIPv4Address", 12, 4)),
    6: (Element("sourceIPv6Address", 27, 16), Element("destinationIPv6Address", 28, 16)),
}
_PORTS = (Element("sourceTransportPort", 7, 2), Element("destinationTransportPort", 11, 2))
_ICMP: dict[Literal[4, 6], tuple[Element, ...]] = {
    4: (Element("icmpTypeCodeIPv4", 32, 2),),
    6: (Element("icmpTypeCodeIPv6", 139, 2),),
}


def _template(number: int, ip_version: Literal[4, 6], icmp: bool) -> Template:
    middle = _ICMP[ip_version] if icmp else _PORTS
    elements = (*_TIMES, *_ADDRESSES[ip_version], *middle, *_COUNTS, *_IDENTITY, *OWN_TEXTS)
    return Template(number, ip_version, icmp, elements)


TEMPLATES: Final = (
    _template(256, 4, icmp=False),
    _template(257, 4, icmp=True),
    _template(258, 6, icmp=False),
    _template(259, 6, icmp=True),
)
"""Every template; a row belongs to exactly one."""
