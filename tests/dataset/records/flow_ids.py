"""The rule of `flow_id`, written down a second time: what an attacker would compute."""

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

_MASK = (1 << 64) - 1
_START, _MULTIPLIER = 0x243F_6A88_85A3_08D3, 0x9E37_79B9_7F4A_7C15
_IPV6, _ONE_WAY_FROM_LOW, _ONE_WAY_FROM_HIGH = 0x10, 0x20, 0x40
_PAIRS = {1: {0: 8, 8: 0, 13: 14, 14: 13}, 58: {128: 129, 129: 128}}


def flow_id(row: dict[str, Any]) -> int:
    """Hash of the tuple, its lower end first, and of the first packet's time; flows outside tunnels."""
    start = row["start_time"]
    return tuple_id(row, start if isinstance(start, int) else nanoseconds(start))


def tuple_id(row: dict[str, Any], first_ns: int) -> int:
    """The same, with the time given."""
    inside, outside = ip_address(row["inside_ip"]), ip_address(row["outside_ip"])
    kind = _IPV6 if inside.version == 6 else 0
    ends = [(_wide(inside), row["inside_port"]), (_wide(outside), row["outside_port"])]
    protocol = row["protocol"]
    if row["initiator"] == "outside":
        ends.reverse()
    one_way = 0
    if protocol in _PAIRS:
        # Type and code stand in the columns as they were sent first.
        kind_sent = row["inside_port"]
        reply = _PAIRS[protocol].get(kind_sent)
        ends = [(ends[0][0], kind_sent), (ends[1][0], row["outside_port"] if reply is None else reply)]
        one_way = _ONE_WAY_FROM_LOW if reply is None else 0
    if ends[0] > ends[1]:
        ends.reverse()
        one_way = _ONE_WAY_FROM_HIGH if one_way else 0
    (low, low_port), (high, high_port) = ends
    rest = low_port | high_port << 16 | protocol << 32 | (kind | one_way) << 40
    state = _START
    for word in (low >> 64, low & _MASK, high >> 64, high & _MASK, rest, first_ns & _MASK):
        product = (state ^ word) * _MULTIPLIER
        state = (product >> 64 ^ product & _MASK) ^ (word << 23 & _MASK | word >> 41)
    return state


def nanoseconds(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000) * 1000


def _wide(address: Any) -> int:
    return int(address) if address.version == 6 else 0xFFFF << 32 | int(address)
