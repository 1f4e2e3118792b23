"""Databases in MaxMind's format, written so that tests need no publisher's file."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = "str | bytes | dict[str, Value] | list[Value]"
"""What a record holds; bytes stand for a value that is encoded already."""

_METADATA_MARKER = b"\xab\xcd\xefMaxMind.com"
_SEPARATOR_BYTES = 16
_UINT16, _UINT32, _UINT64 = 5, 6, 9


def write_mmdb(path: Path, networks: dict[str, Value], database_type: str, build_epoch: int) -> None:
    """Write a database that maps each network to its record.

    Only what the tests use of the MaxMind DB File Format Specification 2.0: IPv4 networks in a
    tree of 24-bit records; maps, texts, lists.
    """
    nodes: list[list[int | bytes | None]] = [[None, None]]
    for text, record in networks.items():
        network = ipaddress.IPv4Network(text)
        bits = format(int(network.network_address), "032b")[: network.prefixlen]
        node = 0
        for bit in bits[:-1]:
            following = nodes[node][int(bit)]
            if not isinstance(following, int):
                nodes.append([None, None])
                following = len(nodes) - 1
                nodes[node][int(bit)] = following
            node = following
        nodes[node][int(bits[-1])] = _encode(record)
    data = b""
    tree = b""
    for pair in nodes:
        for side in pair:
            if side is None:
                pointer = len(nodes)
            elif isinstance(side, int):
                pointer = side
            else:
                pointer = len(nodes) + _SEPARATOR_BYTES + len(data)
                data += side
            tree += pointer.to_bytes(3, "big")
    header: Value = {
        "binary_format_major_version": _unsigned(_UINT16, 2),
        "binary_format_minor_version": _unsigned(_UINT16, 0),
        "build_epoch": _unsigned(_UINT64, build_epoch),
        "database_type": database_type,
        "description": {"en": "test"},
        "ip_version": _unsigned(_UINT16, 4),
        "languages": ["en"],
        "node_count": _unsigned(_UINT32, len(nodes)),
        "record_size": _unsigned(_UINT16, 24),
    }
    path.write_bytes(tree + bytes(_SEPARATOR_BYTES) + data + _METADATA_MARKER + _encode(header))


def _encode(value: Value) -> bytes:
    if isinstance(value, str):
        text = value.encode()
        return _control(2, len(text)) + text
    if isinstance(value, bytes):
        return value
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(_encode(item) for item in value)
    pairs = b"".join(_encode(key) + _encode(item) for key, item in value.items())
    return _control(7, len(value)) + pairs


def _unsigned(kind: int, number: int) -> bytes:
    digits = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return _control(kind, len(digits)) + digits


def _control(kind: int, size: int) -> bytes:
    assert size < 29, "longer values need a size extension that these tests have no use for"
    return bytes([(kind << 5) | size]) if kind < 8 else bytes([size, kind - 7])
