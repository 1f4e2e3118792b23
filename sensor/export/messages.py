"""IPFIX messages (RFC 7011, section 3): a header, then sets of templates or of data records."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np

from sensor.export.elements import TEMPLATES, Template
from sensor.export.records import Records

__all__ = ["HEADER_BYTES", "MOST_MESSAGE_BYTES", "Messages"]

_VERSION: Final = 10
_TEMPLATE_SET: Final = 2
_MESSAGE = struct.Struct(">HHIII")
_SET = struct.Struct(">HH")
_ENTERPRISE_BIT: Final = 0x8000

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
        self._template_records = [_template_record(template, enterprise) for template in TEMPLATES]
        self.sequence = 0
        """Data records so far, modulo 2^32: a collector sees by it what it missed."""

    def templates(self, export_time_s: int) -> list[bytes]:
        """Messages with every template."""
        messages: list[bytes] = []
        room = self._most_bytes - HEADER_BYTES - _SET.size
        waiting: list[bytes] = []
        for record in self._template_records:
            if waiting and sum(map(len, waiting)) + len(record) > room:
                messages.append(self._message(_TEMPLATE_SET, b"".join(waiting), export_time_s))
                waiting = []
            waiting.append(record)
        return [*messages, self._message(_TEMPLATE_SET, b"".join(waiting), export_time_s)]

    def data(self, records: Records, export_time_s: int) -> Iterator[tuple[bytes, int]]:
        """Messages with these records, and how many each has; as many as fit."""
        room = self._most_bytes - HEADER_BYTES - _SET.size
        offsets = records.offsets
        first = 0
        while first < len(records):
            fitting = int(np.searchsorted(offsets, offsets[first] + room, side="right")) - 1
            after = max(first + 1, fitting)
            payload = bytes(records.data[int(offsets[first]) : int(offsets[after])])
            yield self._message(records.template.number, payload, export_time_s), after - first
            self.sequence = (self.sequence + after - first) & 0xFFFF_FFFF
            first = after

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
