"""Rows alone: a scenario straight into a store, no packet in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.simulate.clock import SLOT_NS
from sensor.simulate.columns import SENSOR, FlowColumns, Records, make_records
from sensor.simulate.draw import Flows, draw_day
from sensor.simulate.expectation import Expectation, expect
from sensor.simulate.others import DAY_NS, HostDays, accounting_batch, dns_batch
from sensor.simulate.realised import Realised
from sensor.simulate.scenario import Scenario
from sensor.simulate.world import ROW_STREAM, World, make_world, random_stream
from sensor.store import StoreWriter, WriterOptions, mark_simulated, read_manifest
from sensor.store.place import Place, Where, place_of

Integers = npt.NDArray[np.int64]

MOST_ROWS_AT_ONCE = 400_000
Progress = Callable[[int, int], None]
"""Called with the days that are done and how many there are."""


@dataclass(frozen=True)
class StoreResult:
    """What was written: rows by table, and the numbers that came of chance."""

    rows: dict[str, int]
    realised: Realised


def simulate_store(scenario: Scenario, path: Where, on_progress: Progress | None = None) -> StoreResult:
    """Write the rows of a scenario into a store, which is made, and marked as simulated.

    The same scenario gives the same rows.

    Raises
    ------
    StoreError
        The store has rows already, or cannot be written.
    """
    root = place_of(path)
    _refuse_rows(root)
    world = make_world(scenario)
    expected = expect(world)
    realised = Realised(world)
    # Every batch is large enough to be a segment of its own, so nothing waits and nothing is merged.
    options = WriterOptions(segment_rows=60_000, buffered_rows=2 * MOST_ROWS_AT_ONCE)
    with StoreWriter(root, SENSOR, options=options) as writer:
        mark_simulated(root, scenario.name)
        rows = _Rows(world, expected, writer, realised)
        for day in range(scenario.days):
            rows.write_day(day)
            if on_progress is not None:
                on_progress(day + 1, scenario.days)
        rows.finish()
    return StoreResult({table: one.rows for table, one in writer.statistics.items()}, realised)


def _refuse_rows(place: Place) -> None:
    if place.is_new():
        return
    read_manifest(place)
    if any(not segment.state for segment in place.segments(tuple(TABLES))):
        raise StoreError(f"{place.name} has rows already: simulate into a folder of its own")


@dataclass
class _Rows:
    """Writes a day after the other."""

    world: World
    expected: Expectation
    writer: StoreWriter
    realised: Realised

    def __post_init__(self) -> None:
        self._columns = FlowColumns(self.world)
        self._hosts = HostDays(self.world)
        slots = len(self.expected.clock.day)
        self._packets, self._bytes = np.zeros(slots, np.int64), np.zeros(slots, np.int64)

    def write_day(self, day: int) -> None:
        flows = draw_day(self.world, self.expected, day)
        random = random_stream(self.world.scenario, ROW_STREAM, day)
        for part, until_ns in _parts(flows):
            self._finish_hosts(int(part.start_ns[0]))
            records = make_records(self.world, part, until_ns, random)
            self.realised.add(records)
            self.writer.write("flows", self._columns.batch(records))
            self.writer.write("dns", dns_batch(self.world, records))
            self._hosts.add(records)
            self._account(records)
        slots = self.expected.clock.slots_of(day)
        self.writer.write(
            "accounting",
            accounting_batch(self.expected.clock, slots, self._packets[slots], self._bytes[slots]),
        )

    def finish(self) -> None:
        self._finish_hosts(1 << 62)

    def _finish_hosts(self, before_ns: int) -> None:
        batch = self._hosts.finished(before_ns)
        if batch is not None:
            self.writer.write("hosts", batch)

    def _account(self, records: Records) -> None:
        slot = (records.flows.start_ns - self.expected.clock.start_s * 1_000_000_000) // SLOT_NS
        slot = np.clip(slot, 0, len(self._packets) - 1)
        sizes = records.sizes
        self._packets += _sums(slot, sizes.packets_out + sizes.packets_in, len(self._packets))
        self._bytes += _sums(slot, sizes.bytes_out + sizes.bytes_in, len(self._bytes))


def _sums(slot: Integers, values: Integers, slots: int) -> Integers:
    return np.bincount(slot, weights=values, minlength=slots).astype(np.int64)


def _parts(flows: Flows) -> Iterator[tuple[Flows, int]]:
    """Flows cut at midnight UTC and into portions, each with the end of its UTC day."""
    days = flows.start_ns // DAY_NS
    edges = np.flatnonzero(np.diff(days)) + 1
    for first, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(flows)], strict=True):
        portions = -(-(stop - first) // MOST_ROWS_AT_ONCE)
        bounds = np.linspace(first, stop, portions + 1).astype(int)
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            yield flows.part(slice(start, end)), (int(days[start]) + 1) * DAY_NS
