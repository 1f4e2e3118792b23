"""Rows of the tables ``dns``, ``hosts`` and ``accounting`` that belong to flows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sensor.schema import arrow_schema
from sensor.simulate.clock import SLOT_NS, SLOT_S, Clock
from sensor.simulate.columns import SENSOR, Records
from sensor.simulate.endpoints import Kind
from sensor.simulate.stacks import STACKS
from sensor.simulate.world import World

Integers = npt.NDArray[np.int64]

DAY_NS = 86_400_000_000_000
_EPOCH = date(1970, 1, 1)
_SERVER_TTL = 63
_MOST_TEXTS = 16
"""Distinct fingerprints kept for an address and a day."""
_UNWATCHED_PACKETS = 50
"""Packets without a watched address in each slot."""
_FRAME_BYTES = 14


def dns_batch(world: World, records: Records) -> pa.RecordBatch:
    """The transactions of the DNS flows among the records."""
    endpoints, flows = world.endpoints, records.flows
    which = np.flatnonzero(endpoints.kind[flows.endpoint] == Kind.DNS)
    endpoint = flows.endpoint[which]
    # The endpoint whose name is asked for has the address that is answered.
    asking = np.full(len(endpoints.rows), -1)
    named = np.flatnonzero(endpoints.dns >= 0)
    asking[endpoints.dns[named]] = named
    size = len(which)
    texts = {name: pa.array(words.texts, pa.utf8()) for name, words in endpoints.words.items()}
    addresses = texts["outside_ip"]
    answered = addresses.take(pa.array(endpoints.columns["outside_ip"][asking[endpoint]]))
    inside = pa.array(world.inside, pa.utf8())
    blocks = [world.scenario.block[number].name for number in world.inside_block[flows.inside[which]]]
    columns: dict[str, Any] = {
        "sensor": pa.array([SENSOR] * size, pa.utf8()),
        "block": pa.array(blocks, pa.utf8()),
        "time": pa.array(flows.start_ns[which], pa.timestamp("ns", tz="UTC")),
        "inside_ip": inside.take(pa.array(flows.inside[which])),
        "server_ip": addresses.take(pa.array(endpoints.columns["outside_ip"][endpoint])),
        "transport": pa.array(["udp"] * size, pa.utf8()),
        "qname": texts["name"].take(pa.array(endpoints.columns["name"][endpoint])),
        "qtype": pa.array(["A"] * size, pa.utf8()),
        "rcode": pa.array(["NOERROR"] * size, pa.utf8()),
        "answers": pa.ListArray.from_arrays(pa.array(np.arange(size + 1), pa.int32()), answered),
        "cnames": pa.array([[]] * size, pa.list_(pa.utf8())),
        "min_ttl": pa.array(np.full(size, 300, np.uint32)),
        "latency_us": pa.array(np.full(size, 30_000, np.uint64)),
        "flow_id": pa.array(records.flow_id[which]),
    }
    return _batch("dns", columns)


class HostDays:
    """Gathers what each inside address showed of itself on each UTC day."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._days: dict[int, dict[int, list[Any]]] = {}

    def add(self, records: Records) -> None:
        """Take rows of one UTC day, in order of time."""
        flows = records.flows
        sends = np.flatnonzero(records.sizes.packets_out > 0)
        if not len(sends):
            return
        start_ns, inside = flows.start_ns[sends], flows.inside[sends]
        day = self._days.setdefault(int(start_ns[0] // DAY_NS), {})
        places, first = np.unique(inside, return_index=True)
        last = np.full(places.max() + 1, 0)
        np.maximum.at(last, inside, start_ns + records.duration_ns[sends])
        begun = np.bincount(inside, weights=records.number[sends] == 0, minlength=places.max() + 1)
        for place, at in zip(places.tolist(), first.tolist(), strict=True):
            one = day.setdefault(place, [int(start_ns[at]), 0, 0, set(), set(), set()])
            one[1], one[2] = max(one[1], int(last[place])), one[2] + int(begun[place])
        self._add_evidence(day, records, sends)

    def _add_evidence(self, day: dict[int, list[Any]], records: Records, sends: Integers) -> None:
        """Times to live, fingerprints and user agents: of each device and what it was seen to do."""
        columns, flows = self._world.endpoints.columns, records.flows
        words = self._world.endpoints.words["application"]
        application = columns["application"][flows.endpoint[sends]]
        named = columns["name"][flows.endpoint[sends]] >= 0
        shows = np.where(application == words.place("tls"), 1 + named, 0)
        shows[application == words.place("http")] = 3
        key = (
            flows.inside[sends] * (len(self._world.devices.stack) + 1) + flows.device[sends] + 1
        ) * 4 + shows
        for found in np.unique(key).tolist():
            rest, shown = divmod(found, 4)
            place, device = divmod(rest, len(self._world.devices.stack) + 1)
            self._show(day[place], device - 1, shown)

    def _show(self, one: list[Any], device: int, shown: int) -> None:
        if device < 0:
            one[3].add(_SERVER_TTL)
            return
        stack = list(STACKS.values())[self._world.devices.stack[device]]
        one[3].add(int(self._world.devices.ttl[device]))
        if shown in (1, 2):
            one[4].add(stack.ja4(named=shown == 2))
        elif shown == 3:
            one[5].add(stack.user_agent)

    def finished(self, before_ns: int) -> pa.RecordBatch | None:
        """Rows of the days that are over by then; they are given once."""
        over = sorted(day for day in self._days if (day + 1) * DAY_NS <= before_ns)
        rows = [(day, place, one) for day in over for place, one in sorted(self._days.pop(day).items())]
        if not rows:
            return None
        block = self._world.inside_block
        times = pa.timestamp("ns", tz="UTC")
        columns = {
            "day": pa.array([_EPOCH + timedelta(days=day) for day, _, _ in rows], pa.date32()),
            "block": pa.array([self._world.scenario.block[block[place]].name for _, place, _ in rows]),
            "inside_ip": pa.array([self._world.inside[place] for _, place, _ in rows]),
            "sensor": pa.array([SENSOR] * len(rows)),
            "first": pa.array([one[0] for _, _, one in rows], times),
            "last": pa.array([one[1] for _, _, one in rows], times),
            "flows": pa.array([one[2] for _, _, one in rows], pa.uint64()),
            "ttls": pa.array([sorted(one[3]) for _, _, one in rows], pa.list_(pa.uint8())),
            "ja4s": pa.array([sorted(one[4])[:_MOST_TEXTS] for _, _, one in rows], pa.list_(pa.utf8())),
            "user_agents": pa.array(
                [sorted(one[5])[:_MOST_TEXTS] for _, _, one in rows], pa.list_(pa.utf8())
            ),
        }
        return _batch("hosts", columns)


def accounting_batch(clock: Clock, slots: slice, packets: Integers, sizes: Integers) -> pa.RecordBatch:
    """Rows of the slots in which the sensor was on; ``packets`` and ``sizes`` (bytes) have one entry a slot."""
    on = np.flatnonzero(clock.kept[slots] > 0)
    kept = clock.kept[slots][on]
    matched = packets[on]
    seen = matched + _UNWATCHED_PACKETS
    nothing = np.zeros(len(on), np.uint64)
    columns: dict[str, Any] = {
        "time": pa.array(
            clock.start_s * 1_000_000_000 + (slots.start + on) * SLOT_NS, pa.timestamp("ns", tz="UTC")
        ),
        "interval_s": pa.array(np.full(len(on), float(SLOT_S))),
        "sensor": pa.array([SENSOR] * len(on), pa.utf8()),
        "worker": pa.array(np.zeros(len(on), np.uint16)),
        "interface": pa.array([SENSOR] * len(on), pa.utf8()),
        "packets_seen": pa.array(seen.astype(np.uint64)),
        "bytes_seen": pa.array(
            (sizes[on] + seen * _FRAME_BYTES + _UNWATCHED_PACKETS * 400).astype(np.uint64)
        ),
        "packets_matched": pa.array(matched.astype(np.uint64)),
        "packets_unmatched": pa.array(np.full(len(on), _UNWATCHED_PACKETS, np.uint64)),
        "packets_dropped_kernel": pa.array(np.rint(seen / kept - seen).astype(np.uint64)),
    }
    names = arrow_schema("accounting").names
    return _batch("accounting", {name: columns.get(name, pa.array(nothing)) for name in names})


def _batch(table: str, columns: dict[str, Any]) -> pa.RecordBatch:
    schema = arrow_schema(table)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
