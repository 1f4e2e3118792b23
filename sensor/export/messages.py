"""IPFIX messages (RFC 7011, section 3): a header, then sets of templates or of data records."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np

from sensor.export.elements import TEMPLATES, VARIABLE, Element, Template
from sensor.export.records import Records

__all__ = ["HEADER_BYTES", "MOST_MESSAGE_BYTES", "Messages"]

_VERSION: Final = 10
_TEMPLATE_SET: Final = 2
_OPTIONS_SET: Final = 3
_MESSAGE = struct.Struct(">HHIII")
_SET = struct.Struct(">HH")
_ENTERPRISE_BIT: Final = 0x8000

# RFC 5610: what an enterprise's elements are called and hold.
_DESCRIPTION_NUMBER: Final = 260
_SCOPE = ((346, 4), (303, 2))  # privateEnterpriseNumber, informationElementId
_DESCRIBED = ((339, 1), (344, 1), (341, VARIABLE))  # ...DataType, ...Semantics, ...Name
_DESCRIPTION = struct.Struct(">IHBBB")
_TEXT_TYPE: Final = 13
_NUMBER_TYPES: Final = {1: 1, 2: 2, 4: 3, 8: 4}
_DEFAULT_SEMANTICS, _IDENTIFIER_SEMANTICS = 0, 4

HEADER_BYTES: Final = _MESSAGE.size
MOST_MESSAGE_BYTES: Final = 65_535


class Messages:
    """Makes the messages of one observation domain and counts their data records.

    Parameters
    ----------
    observation_domain
        Tells the exporters behind one address apart.
    enterprise
        Number of the enterprise whose elements hold what the registry's cannot.
    most_bytes
        Of a message. A record that is longer has a message to itself.
    """

    def __init__(self, observation_domain: int, enterprise: int, most_bytes: int) -> None:
        self._domain = observation_domain
        self._most_bytes = min(most_bytes, MOST_MESSAGE_BYTES)
        self._templates = [_template_record(template, enterprise) for template in TEMPLATES]
        own = {
            element.number: element for one in TEMPLATES for element in one.elements if element.owner == "own"
        }
        self._descriptions = [_description(element, enterprise) for element in own.values()]
        self.sequence = 0
        """Data records so far, modulo 2^32: a collector sees by it what it missed."""

    def templates(self, export_time_s: int) -> list[bytes]:
        """Messages with every template."""
        return [
            self._message(_TEMPLATE_SET, b"".join(some), export_time_s)
            for some in self._fitting(self._templates)
        ]

    def descriptions(self, export_time_s: int) -> list[bytes]:
        """Messages that say what the elements of our own are called and hold (RFC 5610)."""
        messages = [self._message(_OPTIONS_SET, _options_template(), export_time_s)]
        for some in self._fitting(self._descriptions):
            messages.append(self._message(_DESCRIPTION_NUMBER, b"".join(some), export_time_s))
            self._count(len(some))
        return messages

    def data(self, records: Records, export_time_s: int) -> Iterator[tuple[bytes, int]]:
        """Messages with these records, and how many each has; as many as fit."""
        room = self._most_bytes - HEADER_BYTES - _SET.size
        offsets = records.offsets
        first = 0
        while first < len(records):
            fitting = int(np.searchsorted(offsets, offsets[first] + room, side="right")) - 1
            after = max(first + 1, fitting)
            payload = bytes(records.data[int(offsets[first]) : int(offsets[after])])
            message = self._message(records.template.number, payload, export_time_s)
            self._count(after - first)
            yield message, after - first
            first = after

    def _fitting(self, records: list[bytes]) -> Iterator[list[bytes]]:
        """Records in their order, as many at once as a message holds."""
        room = self._most_bytes - HEADER_BYTES - _SET.size
        some: list[bytes] = []
        for record in records:
            if some and sum(map(len, some)) + len(record) > room:
                yield some
                some = []
            some.append(record)
        yield some

    def _count(self, records: int) -> None:
        self.sequence = (self.sequence + records) & 0xFFFF_FFFF

    def _message(self, set_number: int, payload: bytes, export_time_s: int) -> bytes:
        set_bytes = _SET.size + len(payload)
        header = _MESSAGE.pack(
            _VERSION,
            _MESSAGE.size + set_bytes,
            export_time_s & 0xFFFF_FFFF,
            self.sequence,
            self._domain,
        )
        return header + _SET.pack(set_number, set_bytes) + payload


def _template_record(template: Template, own_enterprise: int) -> bytes:
    parts = [_SET.pack(template.number, len(template.elements))]
    for element in template.elements:
        enterprise = element.enterprise(own_enterprise)
        if enterprise is None:
            parts.append(struct.pack(">HH", element.number, element.length))
        else:
            parts.append(struct.pack(">HHI", element.number | _ENTERPRISE_BIT, element.length, enterprise))
    return b"".join(parts)


def _options_template() -> bytes:
    fields = (*_SCOPE, *_DESCRIBED)
    head = struct.pack(">HHH", _DESCRIPTION_NUMBER, len(fields), len(_SCOPE))
    return head + b"".join(struct.pack(">HH", *field) for field in fields)


def _description(element: Element, enterprise: int) -> bytes:
    kind = _TEXT_TYPE if element.length == VARIABLE else _NUMBER_TYPES[element.length]
    meaning = _DEFAULT_SEMANTICS if element.length == VARIABLE else _IDENTIFIER_SEMANTICS
    name = element.name.encode("ascii")
    return _DESCRIPTION.pack(enterprise, element.number, kind, meaning, len(name)) + name
