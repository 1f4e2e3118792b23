"""A scenario as a capture: every flow packet by packet, in order of time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path

import numpy as np

from sensor.errors import CaptureError
from sensor.simulate.draw import Flows, draw_day
from sensor.simulate.endpoints import Kind
from sensor.simulate.expectation import expect
from sensor.simulate.packets.flow import FROM_OUTSIDE, Flow, flow_frames
from sensor.simulate.packets.frames import Frame
from sensor.simulate.packets.pcapng import Writer
from sensor.simulate.realised import Realised
from sensor.simulate.scenario import Scenario
from sensor.simulate.stacks import STACKS
from sensor.simulate.store import Progress
from sensor.simulate.world import ROW_STREAM, World, make_world, random_stream

_SERVER_TTL = 63
_STEP_US = (1_000, 40_000)
_SYN_STEP_NS = 1_000_000_000
_STACKS = list(STACKS.values())


@dataclass(frozen=True)
class CaptureResult:
    """What was written: packets, and the numbers that came of chance."""

    packets: int
    realised: Realised


def simulate_capture(
    scenario: Scenario, path: str | Path, on_progress: Progress | None = None
) -> CaptureResult:
    """Write the packets of a scenario into a pcapng file.

    The same scenario gives the same bytes. Only the beginnings of what flows carry are there; the headers
    say how long packets were.

    Raises
    ------
    CaptureError
        The file cannot be written.
    """
    world = make_world(scenario)
    try:
        with Path(path).open("wb") as file:
            return _Maker(world, Writer(file, scenario.name)).run(on_progress)
    except OSError as error:
        raise CaptureError(f"cannot write {path}: {error.strerror or error}") from error


class _Maker:
    """Turns flows into frames and keeps those that are still to come in order."""

    def __init__(self, world: World, writer: Writer) -> None:
        self._world = world
        self._writer = writer
        self._realised = Realised(world)
        self._waiting: list[tuple[int, int, Frame]] = []
        self._packets = 0
        self._flows = 0
        # Who asks for a name is answered with the address of the endpoint that has it.
        named = np.flatnonzero(world.endpoints.dns >= 0)
        self._answers = dict(zip(world.endpoints.dns[named].tolist(), named.tolist(), strict=True))

    def run(self, on_progress: Progress | None) -> CaptureResult:
        scenario, expected = self._world.scenario, expect(self._world)
        for day in range(scenario.days):
            self._day(draw_day(self._world, expected, day), random_stream(scenario, ROW_STREAM, day))
            if on_progress is not None:
                on_progress(day + 1, scenario.days)
        self._write_until(1 << 63)
        return CaptureResult(self._packets, self._realised)

    def _day(self, flows: Flows, stream: np.random.Generator) -> None:
        self._realised.add_flows(flows)
        rng = random.Random(int(stream.integers(0, 2**62)))  # noqa: S311 - the same bytes on every run
        content = np.exp(stream.standard_normal(len(flows))) * self._world.endpoints.bytes_in[flows.endpoint]
        for number in range(len(flows)):
            flow = self._flow(flows, number, int(content[number]))
            self._write_until(flow.start_ns)
            self._send(flow, rng)

    def _flow(self, flows: Flows, number: int, content_bytes: int) -> Flow:
        rows, place = self._world.endpoints.rows, int(flows.endpoint[number])
        answer = self._answers.get(place)
        device = int(flows.device[number])
        self._flows += 1
        return Flow(
            rows[place], self._world.inside[flows.inside[number]],
            int(self._world.devices.ttl[device]) if device >= 0 else _SERVER_TTL,
            _STACKS[self._world.devices.stack[max(device, 0)]],
            int(flows.start_ns[number]), self._flows, content_bytes,
            None if answer is None else rows[answer].address,
        )  # fmt: skip

    def _send(self, flow: Flow, rng: random.Random) -> None:
        kind, now_ns = flow.endpoint.kind, flow.start_ns
        for frame in flow_frames(flow, rng):
            self._realised.add_packet(
                is_out=frame.by_initiator != (kind in FROM_OUTSIDE), ip_bytes=frame.ip_bytes
            )
            heappush(self._waiting, (now_ns, self._packets, frame))
            self._packets += 1
            now_ns += _SYN_STEP_NS if kind is Kind.UNANSWERED else 1_000 * rng.randrange(*_STEP_US)

    def _write_until(self, time_ns: int) -> None:
        while self._waiting and self._waiting[0][0] <= time_ns:
            at_ns, _, frame = heappop(self._waiting)
            self._writer.write(at_ns, frame.captured, frame.original)
