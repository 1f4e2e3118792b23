"""Community ID version 1 with seed 0: one text for a flow, whichever sensor saw it.

The identifier is a SHA-1 over addresses, protocol and ports, the numerically smaller end first.
Specification: https://github.com/corelight/community-id-spec
"""

from __future__ import annotations

import base64
import hashlib
import socket
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["community_id"]

_Column: TypeAlias = pa.Array | pa.ChunkedArray
_Flags: TypeAlias = npt.NDArray[np.bool_]
_Bytes: TypeAlias = npt.NDArray[np.uint8]

_ICMP, _ICMP6 = 1, 58
_WITH_PORTS = (_ICMP, 6, 17, _ICMP6, 132)

# Requests and their replies: the two directions of one conversation.
_ICMP_PAIRS = ((8, 0), (13, 14), (15, 16), (10, 9), (17, 18))
_ICMP6_PAIRS = ((128, 129), (130, 131), (133, 134), (135, 136), (139, 140), (144, 145))
_ONE_WAY = -1


def community_id(
    inside_ip: _Column,
    outside_ip: _Column,
    inside_port: _Column,
    outside_port: _Column,
    protocol: _Column,
    initiator: _Column,
) -> pa.Array:
    """Community IDs of flows, given the columns of the flows table.

    The first packet of an ICMP flow has its type in ``inside_port`` and its code in ``outside_port``,
    whoever sent it; where the initiator is unknown, inside counts as its sender.

    Returns
    -------
    pyarrow.StringArray
        ``1:`` and base64; NULL where an address is missing, malformed, or of another family than its peer.
    """
    inside_bytes, inside_family = _addresses(inside_ip)
    outside_bytes, outside_family = _addresses(outside_ip)
    from_outside = _equal(initiator, "outside")
    protocols = _numbers(protocol)
    source = np.where(from_outside[:, None], outside_bytes, inside_bytes)
    target = np.where(from_outside[:, None], inside_bytes, outside_bytes)
    first, second = _numbers(inside_port), _numbers(outside_port)
    counterpart = _counterparts(protocols, first)
    is_icmp = (protocols == _ICMP) | (protocols == _ICMP6)
    has_counterpart = is_icmp & (counterpart != _ONE_WAY)
    # ICMP columns hold (type, code) as sent; other ports belong to the ends and turn with them.
    source_port = np.where(from_outside & ~is_icmp, second, first)
    target_port = np.where(from_outside & ~is_icmp, first, second)
    target_port = np.where(has_counterpart, counterpart, target_port)
    swap = _is_greater(source, source_port, target, target_port) & (~is_icmp | has_counterpart)
    rows = _Rows(
        family=np.where(inside_family == outside_family, inside_family, 0),
        low=np.where(swap[:, None], target, source),
        high=np.where(swap[:, None], source, target),
        protocol=protocols,
        low_port=np.where(swap, target_port, source_port),
        high_port=np.where(swap, source_port, target_port),
    )
    return pa.array(rows.identifiers(), pa.utf8())


class _Rows:
    """Flows in the order in which their fields are hashed."""

    def __init__(
        self,
        *,
        family: npt.NDArray[np.int64],
        low: _Bytes,
        high: _Bytes,
        protocol: npt.NDArray[np.int64],
        low_port: npt.NDArray[np.int64],
        high_port: npt.NDArray[np.int64],
    ) -> None:
        self._family, self._low, self._high = family, low, high
        self._protocol = protocol.astype(np.uint8)[:, None]
        self._ports = np.stack([low_port, high_port], axis=1).astype(">u2").view(np.uint8)
        self._has_ports = np.isin(protocol, _WITH_PORTS)

    def identifiers(self) -> list[str | None]:
        """The identifier of every row."""
        found: list[str | None] = [None] * len(self._family)
        for address_bytes in (4, 16):
            for has_ports in (True, False):
                rows = np.flatnonzero((self._family == address_bytes) & (self._has_ports == has_ports))
                keys = self._keys(rows, address_bytes, has_ports)
                digests = {key: _digest(key) for key in set(keys)}
                for row, key in zip(rows.tolist(), keys, strict=True):
                    found[row] = digests[key]
        return found

    def _keys(self, rows: npt.NDArray[np.int64], address_bytes: int, has_ports: bool) -> list[bytes]:
        zero = np.zeros((len(rows), 1), np.uint8)
        parts = [
            zero,
            zero,
            self._low[rows, :address_bytes],
            self._high[rows, :address_bytes],
            self._protocol[rows],
            zero,
        ]
        if has_ports:
            parts.append(self._ports[rows])
        packed = np.concatenate(parts, axis=1)
        width, data = packed.shape[1], packed.tobytes()
        return [data[start : start + width] for start in range(0, len(data), width)]


def _digest(key: bytes) -> str:
    digest = hashlib.sha1(key, usedforsecurity=False).digest()
    return "1:" + base64.b64encode(digest).decode("ascii")


def _addresses(column: _Column) -> tuple[_Bytes, npt.NDArray[np.int64]]:
    """Addresses as 16 bytes each (IPv4 in the first four), and how many of them count: 4, 16, or 0 for none."""
    encoded = _one_array(column)
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    packed = [_pack(text) for text in texts] + [b""]
    table = np.frombuffer(b"".join(address.ljust(16, b"\0") for address in packed), np.uint8).reshape(-1, 16)
    families = np.array([len(address) for address in packed], np.int64)
    rows = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    return table[rows], families[rows]


def _pack(text: str | None) -> bytes:
    if text is None:
        return b""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        return b""


def _numbers(column: _Column) -> npt.NDArray[np.int64]:
    values: npt.NDArray[np.int64] = (
        _one_array(column).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    return values


def _equal(column: _Column, text: str) -> _Flags:
    array = _one_array(column)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return np.array([value == text for value in array.to_pylist()], np.bool_)


def _one_array(column: _Column) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    combined = column.combine_chunks()
    return combined.combine_chunks() if isinstance(combined, pa.ChunkedArray) else combined


def _counterparts(protocols: npt.NDArray[np.int64], types: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    kinds = np.clip(types, 0, 255)
    four, six = _counterpart_table(_ICMP_PAIRS), _counterpart_table(_ICMP6_PAIRS)
    return np.where(protocols == _ICMP, four[kinds], six[kinds])


def _counterpart_table(pairs: tuple[tuple[int, int], ...]) -> npt.NDArray[np.int64]:
    table = np.full(256, _ONE_WAY, np.int64)
    for request, reply in pairs:
        table[request], table[reply] = reply, request
    return table


def _is_greater(
    left: _Bytes, left_port: npt.NDArray[np.int64], right: _Bytes, right_port: npt.NDArray[np.int64]
) -> _Flags:
    """Whether (left, port) comes after (right, port) in network byte order."""
    greater: _Flags = left_port > right_port
    left_halves = np.ascontiguousarray(left).view(">u8")
    right_halves = np.ascontiguousarray(right).view(">u8")
    for half in (1, 0):
        one, other = left_halves[:, half], right_halves[:, half]
        greater = (one > other) | ((one == other) & greater)
    return greater
