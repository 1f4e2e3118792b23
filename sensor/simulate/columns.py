"""Flows into rows of the table ``flows``, a column at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sensor.schema import arrow_schema
from sensor.simulate.draw import Flows
from sensor.simulate.endpoints import Kind
from sensor.simulate.protocols import TCP
from sensor.simulate.stacks import STACKS
from sensor.simulate.world import World

Integers = npt.NDArray[np.int64]

SENSOR = "simulated"
RECORD_NS = 300_000_000_000
"""A flow's records begin so far apart, as the active timeout of a replay has it."""
_LONGEST_US = 290e6
_MEAN_DURATION_US = 12e6
_MOST_BYTES = 1 << 40
_SYN, _DATA, _WHOLE = 0x02, 0x18, 0x1B


def _of_kinds(default: Any, **others: Any) -> npt.NDArray[Any]:
    """A value for each kind of flow."""
    return np.array([others.get(kind.name.lower(), default) for kind in Kind])


_ANSWERED = _of_kinds(True, unanswered=False, scan=False)
_INITIATORS = ["inside", "outside", "unknown"]
_INITIATOR = _of_kinds(0, scan=1, visit=1, midway=2)
_END_REASONS = ["idle", "fin", "active"]
_IDLE, _FIN, _ACTIVE = range(3)
_ENDS = _of_kinds(_FIN, dns=_IDLE, unanswered=_IDLE, scan=_IDLE, midway=_IDLE)
_FLAGS_OUT = _of_kinds(_WHOLE, unanswered=_SYN, scan=0, midway=_DATA)
_FLAGS_IN = _of_kinds(_WHOLE, unanswered=0, scan=_SYN, midway=_DATA)


@dataclass(frozen=True)
class Sizes:
    """Packets and bytes of each flow or record, inner IP bytes."""

    packets_out: Integers
    packets_in: Integers
    bytes_out: Integers
    bytes_in: Integers


@dataclass(frozen=True)
class Records:
    """Rows of the table that are still numbers: each is a record of the flow with that place in ``flows``."""

    flows: Flows
    sizes: Sizes
    duration_ns: Integers
    flow_id: npt.NDArray[np.uint64]
    near_port: Integers
    number: Integers
    is_last: npt.NDArray[np.bool_]


def make_records(world: World, flows: Flows, until_ns: int, random: np.random.Generator) -> Records:
    """Give flows their sizes, and some of them further records, all before ``until_ns``."""
    kind = world.endpoints.kind[flows.endpoint]
    flow_id = random.integers(0, 2**64 - 1, len(flows), dtype=np.uint64)
    near_port = random.integers(32_768, 61_000, len(flows))
    more = _further_records(world, flows, kind, until_ns, random)
    source = np.repeat(np.arange(len(flows)), 1 + more)
    number = np.arange(len(source)) - np.repeat(np.cumsum(1 + more) - (1 + more), 1 + more)
    start_ns = flows.start_ns[source] + number * RECORD_NS
    if more.any():
        order = np.argsort(start_ns, kind="stable")
        source, number, start_ns = source[order], number[order], start_ns[order]
    taken = flows.part(source)
    records = Flows(start_ns, taken.endpoint, taken.inside, taken.device)
    duration_us = np.minimum(random.exponential(_MEAN_DURATION_US, len(source)), _LONGEST_US)
    duration_ns = duration_us.astype(np.int64) * 1_000
    duration_ns[kind[source] == Kind.DNS] = 30_000_000
    duration_ns[kind[source] == Kind.SCAN] = 0
    return Records(
        records, _sizes(world, records, random), duration_ns, flow_id[source], near_port[source], number,
        number == more[source],
    )  # fmt: skip


def _further_records(
    world: World, flows: Flows, kind: Integers, until_ns: int, random: np.random.Generator
) -> Integers:
    share = world.scenario.besides.long
    if share <= 0:
        return np.zeros(len(flows), np.int64)
    is_long = (random.random(len(flows)) < share) & (kind == Kind.USE)
    wanted = random.integers(1, 4, len(flows)) * is_long
    found: Integers = np.minimum(wanted, np.maximum(0, (until_ns - 1 - flows.start_ns) // RECORD_NS))
    return found


def _sizes(world: World, records: Flows, random: np.random.Generator) -> Sizes:
    kind = world.endpoints.kind[records.endpoint]
    drawn = np.exp(random.standard_normal(len(records))) * world.endpoints.bytes_in[records.endpoint]
    content = np.minimum(drawn, _MOST_BYTES).astype(np.int64)
    packets_in = 3 + content // 1_360
    packets_out = 4 + packets_in // 2
    bytes_in, bytes_out = content + 40 * packets_in, 400 + content // 16 + 40 * packets_out
    for one, out, into in ((Kind.DNS, (1, 62), (1, 94)), (Kind.UNANSWERED, (3, 180), (0, 0)),
                           (Kind.SCAN, (0, 0), (1, 44))):  # fmt: skip
        which = kind == one
        packets_out[which], bytes_out[which] = out
        packets_in[which], bytes_in[which] = into
    return Sizes(packets_out, packets_in, bytes_out, bytes_in)


class FlowColumns:
    """Makes batches of the table ``flows``; what does not change from batch to batch is made once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._schema = arrow_schema("flows", encoded=True)

    @cached_property
    def _ja4s(self) -> list[str]:
        return [stack.ja4(named=named) for stack in STACKS.values() for named in (False, True)]

    @cached_property
    def _dictionaries(self) -> dict[str, pa.Array]:
        return {name: pa.array(words.texts, pa.utf8()) for name, words in self._world.endpoints.words.items()}

    @cached_property
    def _tls(self) -> int:
        return self._world.endpoints.words["application"].place("tls")

    def batch(self, records: Records) -> pa.RecordBatch:
        """Rows of these records, in their order."""
        columns = self._of_endpoints(records) | self._of_kinds(records) | self._of_numbers(records)
        arrays = [self._cast(columns[field.name], field.type) for field in self._schema]
        return pa.RecordBatch.from_arrays(arrays, self._schema.names)

    @staticmethod
    def _cast(array: pa.Array, wanted: pa.DataType) -> pa.Array:
        """Numbers get their width; text that is handed over as a dictionary stays one."""
        if pa.types.is_dictionary(array.type) or array.type == wanted:
            return array
        return array.cast(wanted)

    def _text(self, places: Integers, texts: list[str] | pa.Array) -> pa.Array:
        """Text by places; -1 is null."""
        keys = places.astype(np.int32)
        missing = keys < 0
        indices = pa.array(keys, mask=missing) if missing.any() else pa.array(keys)
        return pa.DictionaryArray.from_arrays(
            indices, texts if isinstance(texts, pa.Array) else pa.array(texts)
        )

    def _of_endpoints(self, records: Records) -> dict[str, pa.Array]:
        endpoints = self._world.endpoints
        columns = {
            name: self._text(endpoints.columns[name][records.flows.endpoint], texts)
            for name, texts in self._dictionaries.items()
        }
        names = endpoints.columns["name"][records.flows.endpoint]
        columns["names"] = self._lists(names)
        is_tls = endpoints.columns["application"][records.flows.endpoint] == self._tls
        columns["ech"] = pa.array(np.zeros(len(names), bool), mask=~is_tls)
        stack = self._world.devices.stack[np.maximum(records.flows.device, 0)]
        has_ja4 = is_tls & (records.flows.device >= 0)
        columns["ja4"] = self._text(np.where(has_ja4, 2 * stack + (names >= 0), -1), self._ja4s)
        return columns

    def _lists(self, names: Integers) -> pa.Array:
        """Lists of one name, null where there is none."""
        has_name = names >= 0
        values = self._dictionaries["name"].take(pa.array(names[has_name]))
        offsets = np.concatenate([[0], np.cumsum(has_name)]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(~has_name))

    def _of_kinds(self, records: Records) -> dict[str, pa.Array]:
        kind = self._world.endpoints.kind[records.flows.endpoint]
        ends = np.where(records.is_last, _ENDS[kind], _ACTIVE)
        ends[(ends == _FIN) & (self._world.endpoints.transport[records.flows.endpoint] != TCP)] = _IDLE
        return {
            "scope": self._text(np.where(kind == Kind.INTERNAL, 1, 0), ["external", "internal"]),
            "tunnel": self._text(np.where(kind == Kind.TUNNELLED, 0, -1), ["gre"]),
            "initiator": self._text(_INITIATOR[kind], _INITIATORS),
            "answered": pa.array(_ANSWERED[kind]),
            "end_reason": self._text(ends, _END_REASONS),
        }

    def _of_numbers(self, records: Records) -> dict[str, pa.Array]:
        world, flows = self._world, records.flows
        kind, size = world.endpoints.kind[flows.endpoint], len(flows)
        transport = world.endpoints.transport[flows.endpoint]
        is_tcp, is_outside = transport == TCP, _INITIATOR[kind] == 1
        port = world.endpoints.port[flows.endpoint]
        times = pa.timestamp("ns", tz="UTC")
        blocks = [block.name for block in world.scenario.block]
        return {
            "sensor": self._text(np.zeros(size, np.int64), [SENSOR]),
            "block": self._text(world.inside_block[flows.inside], blocks),
            "inside_ip": self._text(flows.inside, self._inside),
            "inside_port": pa.array(np.where(is_outside, port, records.near_port).astype(np.uint16)),
            "outside_port": pa.array(np.where(is_outside, records.near_port, port).astype(np.uint16)),
            "protocol": pa.array(transport.astype(np.uint8)),
            "start_time": pa.array(flows.start_ns, times),
            "end_time": pa.array(flows.start_ns + records.duration_ns, times),
            "packets_out": pa.array(records.sizes.packets_out.astype(np.uint64)),
            "packets_in": pa.array(records.sizes.packets_in.astype(np.uint64)),
            "bytes_out": pa.array(records.sizes.bytes_out.astype(np.uint64)),
            "bytes_in": pa.array(records.sizes.bytes_in.astype(np.uint64)),
            "tcp_flags_out": pa.array((_FLAGS_OUT[kind] * is_tcp).astype(np.uint8)),
            "tcp_flags_in": pa.array((_FLAGS_IN[kind] * is_tcp).astype(np.uint8)),
            "flow_id": pa.array(records.flow_id),
            "record": pa.array(records.number.astype(np.uint32)),
        }

    @cached_property
    def _inside(self) -> pa.Array:
        return pa.array(self._world.inside, pa.utf8())
