"""Rows of the flows table to the bytes of IPFIX data records, a batch at a time.

Fields of fixed length are columns of one array of bytes; texts are encoded once a distinct value and joined to
them by Arrow, so that no row is touched by the interpreter.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sensor.community_id import community_id
from sensor.export.elements import OWN_TEXTS, TEMPLATES, Template

__all__ = ["Records", "encode"]

_Bytes = npt.NDArray[np.uint8]
_Numbers = npt.NDArray[Any]

MOST_TEXT_BYTES: Final = 254
"""Longer texts are cut; up to here one byte says the length (RFC 7011, 7)."""

_NTP_EPOCH_S: Final = 2_208_988_800
"""From 1900, where the times of RFC 7011 (6.1.9) begin, to 1970."""
_NANOSECONDS: Final = 1_000_000_000

_ICMP_OF: Final[dict[int, int]] = {4: 1, 6: 58}

# RFC 5102, flowEndReason.
_END_REASONS: Final = {"idle": 1, "active": 2, "fin": 3, "rst": 3, "end": 4, "evicted": 5}
# RFC 5103, biflowDirection: the source is the initiator, or arbitrary.
_BY_INITIATOR, _ARBITRARY = 1, 0
# As an element: 0 is unknown.
_NO, _YES = 1, 2


@dataclass(frozen=True)
class Records:
    """Data records of one template, one after the other; record i is ``data[offsets[i]:offsets[i + 1]]``."""

    template: Template
    data: memoryview
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


def encode(batch: pa.RecordBatch) -> list[Records]:
    """Data records of a batch of flows, each in the template that fits it.

    The source of a record is the end that began the flow, and the inside where that is unknown.
    Rows whose addresses are missing or of two families have no template and are left out.
    """
    rows = _Rows(batch)
    found = []
    for template in TEMPLATES:
        chosen = np.flatnonzero(
            (rows.ip_version == template.ip_version)
            & ((rows.protocol == _ICMP_OF[template.ip_version]) == template.icmp)
        )
        if len(chosen):
            found.append(_join(template, rows, chosen))
    return found


def _join(template: Template, rows: _Rows, chosen: npt.NDArray[np.int64]) -> Records:
    columns = [rows.fixed(element.name, template)[chosen] for element in template.fixed]
    fixed = np.ascontiguousarray(np.concatenate(columns, axis=1))
    width = fixed.shape[1]
    head = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(chosen), [None, pa.py_buffer(fixed)]
    ).cast(pa.large_binary())
    indices = pa.array(chosen)
    texts = [rows.text(element.name).take(indices) for element in OWN_TEXTS]
    joined = pc.binary_join_element_wise(head, *texts, pa.scalar(b"", pa.large_binary()))
    offsets = np.frombuffer(joined.buffers()[1], np.int64)[joined.offset : joined.offset + len(joined) + 1]
    return Records(template, memoryview(joined.buffers()[2]), offsets)


class _Rows:
    """The columns of a batch as the fields of records, each made when it is first asked for."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self._texts: dict[str, pa.Array] = {}
        self.protocol = self._numbers("protocol")
        self._from_outside = self._equal("initiator", "outside")
        inside, inside_version = _addresses(batch.column("inside_ip"))
        outside, outside_version = _addresses(batch.column("outside_ip"))
        self.ip_version = np.where(inside_version == outside_version, inside_version, 0)
        turned = self._from_outside[:, None]
        self._source = np.where(turned, outside, inside)
        self._target = np.where(turned, inside, outside)
        self._fields = self._plain_fields()

    def fixed(self, name: str, template: Template) -> _Bytes:
        """A field of fixed length: its bytes, in network order, a row each."""
        address_bytes = 4 if template.ip_version == 4 else 16
        if name.startswith("sourceIP"):
            return self._source[:, :address_bytes]
        if name.startswith("destinationIP"):
            return self._target[:, :address_bytes]
        return self._fields[name]

    def text(self, name: str) -> pa.Array:
        """A field of text: its length and its bytes, a row each."""
        if name not in self._texts:
            self._texts[name] = _lengthened(self._text_column(name))
        return self._texts[name]

    def _plain_fields(self) -> dict[str, _Bytes]:
        forward_bytes, reverse_bytes = self._turned("bytes_out", "bytes_in")
        forward_packets, reverse_packets = self._turned("packets_out", "packets_in")
        forward_flags, reverse_flags = self._turned("tcp_flags_out", "tcp_flags_in")
        source_port, target_port = self._turned("inside_port", "outside_port")
        start, end = self._times("start_time"), self._times("end_time")
        # The columns hold type and code whoever sent them.
        icmp = self._numbers("inside_port") << 8 | self._numbers("outside_port") & 0xFF
        unknown = self._equal("initiator", "unknown")
        return {
            "flowStartNanoseconds": _network(_ntp(start), 8),
            "flowEndNanoseconds": _network(_ntp(end), 8),
            "flowStartMilliseconds": _network(start // 1_000_000, 8),
            "flowEndMilliseconds": _network(end // 1_000_000, 8),
            "sourceTransportPort": _network(source_port, 2),
            "destinationTransportPort": _network(target_port, 2),
            "icmpTypeCodeIPv4": _network(icmp, 2),
            "icmpTypeCodeIPv6": _network(icmp, 2),
            "octetDeltaCount": _network(forward_bytes, 8),
            "packetDeltaCount": _network(forward_packets, 8),
            "reverseOctetDeltaCount": _network(reverse_bytes, 8),
            "reversePacketDeltaCount": _network(reverse_packets, 8),
            "protocolIdentifier": _network(self.protocol, 1),
            "tcpControlBits": _network(forward_flags, 1),
            "reverseTcpControlBits": _network(reverse_flags, 1),
            "flowEndReason": _network(self._codes("end_reason", _END_REASONS), 1),
            "biflowDirection": _network(np.where(unknown, _ARBITRARY, _BY_INITIATOR), 1),
            "flowId": _network(self._numbers("flow_id"), 8),
            "record": _network(self._numbers("record"), 4),
            "answered": _network(self._answered(), 1),
        }

    def _text_column(self, name: str) -> pa.Array:
        if name == "applicationName":
            return self._batch.column("application")
        if name != "community_id":
            return self._batch.column(name)
        names = ("inside_ip", "outside_ip", "inside_port", "outside_port", "protocol", "initiator")
        return community_id(*(self._batch.column(one) for one in names))

    def _turned(self, of_inside: str, of_outside: str) -> tuple[_Numbers, _Numbers]:
        """What belongs to the source, and what to the destination."""
        inside, outside = self._numbers(of_inside), self._numbers(of_outside)
        return np.where(self._from_outside, outside, inside), np.where(self._from_outside, inside, outside)

    def _numbers(self, name: str) -> _Numbers:
        values: _Numbers = self._batch.column(name).fill_null(0).to_numpy(zero_copy_only=False)
        return values if values.dtype == np.uint64 else values.astype(np.int64)

    def _times(self, name: str) -> npt.NDArray[np.int64]:
        column = self._batch.column(name).cast(pa.int64()).fill_null(0)
        values: npt.NDArray[np.int64] = column.to_numpy(zero_copy_only=False)
        return values

    def _answered(self) -> _Numbers:
        column = self._batch.column("answered")
        codes = pc.if_else(column, pa.scalar(_YES, pa.int64()), pa.scalar(_NO, pa.int64())).fill_null(0)
        values: _Numbers = codes.to_numpy(zero_copy_only=False)
        return values

    def _equal(self, name: str, text: str) -> npt.NDArray[np.bool_]:
        equal: npt.NDArray[np.bool_] = self._codes(name, {text: 1}) == 1
        return equal

    def _codes(self, name: str, codes: dict[str, int]) -> npt.NDArray[np.int64]:
        encoded = _dictionary(self._batch.column(name))
        texts = encoded.dictionary.to_pylist()
        table = np.array([codes.get(text, 0) for text in texts] + [0], np.int64)
        return table[_indices(encoded)]


def _addresses(column: pa.Array) -> tuple[_Bytes, npt.NDArray[np.int64]]:
    """Addresses as 16 bytes each (IPv4 in the first four), and their version; 0 where there is none."""
    encoded = _dictionary(column)
    packed = [_pack(text) for text in encoded.dictionary.to_pylist()] + [b""]
    table = np.frombuffer(b"".join(one.ljust(16, b"\0") for one in packed), np.uint8).reshape(-1, 16)
    versions = np.array([{4: 4, 16: 6}.get(len(one), 0) for one in packed], np.int64)
    rows = _indices(encoded)
    return table[rows], versions[rows]


def _pack(text: str | None) -> bytes:
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in (text or "") else socket.AF_INET, text or "")
    except (OSError, ValueError):
        return b""


def _lengthened(column: pa.Array) -> pa.Array:
    """Texts with their length before them; NULL has length 0."""
    encoded = _dictionary(column)
    values = [_with_length(text) for text in encoded.dictionary.to_pylist()] + [b"\0"]
    return pa.array(values, pa.large_binary()).take(pa.array(_indices(encoded)))


def _with_length(text: str | None) -> bytes:
    data = (text or "").encode("utf-8", "replace")
    if len(data) > MOST_TEXT_BYTES:
        # A character that is cut in two goes as a whole.
        data = data[:MOST_TEXT_BYTES].decode("utf-8", "ignore").encode("utf-8")
    return bytes((len(data),)) + data


def _dictionary(column: pa.Array) -> pa.DictionaryArray:
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _indices(encoded: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """Places in the dictionary; NULL is the place behind its end."""
    places = encoded.indices.cast(pa.int64()).fill_null(len(encoded.dictionary))
    values: npt.NDArray[np.int64] = places.to_numpy(zero_copy_only=False)
    return values


def _ntp(nanoseconds: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Seconds since 1900 in the upper half, parts of 2^32 of a second in the lower, rounded up.

    Rounded up, so that a reader who rounds down gets the same nanosecond back.
    """
    seconds = (nanoseconds // _NANOSECONDS + _NTP_EPOCH_S).astype(np.uint64) & np.uint64(0xFFFF_FFFF)
    rest = (nanoseconds % _NANOSECONDS).astype(np.uint64)
    parts = ((rest << np.uint64(32)) + np.uint64(_NANOSECONDS - 1)) // np.uint64(_NANOSECONDS)
    return (seconds << np.uint64(32)) | parts


def _network(numbers: _Numbers, length: int) -> _Bytes:
    """Numbers in network byte order, a row of bytes each."""
    ordered = np.ascontiguousarray(numbers.astype(f">u{length}"))
    return ordered.view(np.uint8).reshape(-1, length)
