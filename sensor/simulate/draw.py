"""Draw the flows of one day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sensor.simulate.clock import SLOT_NS
from sensor.simulate.endpoints import Kind
from sensor.simulate.expectation import Expectation
from sensor.simulate.world import DAY_STREAM, Group, World, random_stream

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

_DNS_LEAD_NS = 40_000_000


@dataclass(frozen=True)
class Flows:
    """Flows, one an entry of each array, in order of time.

    ``start_ns`` is since 1970 UTC; ``endpoint`` is a row of the endpoints, ``inside`` a place among the
    inside addresses, ``device`` one among the devices or -1.
    """

    start_ns: Integers
    endpoint: Integers
    inside: Integers
    device: Integers

    def __len__(self) -> int:
        return len(self.start_ns)

    def part(self, which: slice | Integers) -> Flows:
        """Some of the flows."""
        return Flows(self.start_ns[which], self.endpoint[which], self.inside[which], self.device[which])


def draw_day(world: World, expected: Expectation, day: int) -> Flows:
    """All flows that the sensor sees of a day, the same for the same seed."""
    found = _Day(world, expected, day)
    use = _joined([*found.use(), *found.besides()])
    flows = _joined([use, found.questions(use)])
    return flows.part(np.argsort(flows.start_ns, kind="stable"))


class _Day:
    """The chance of one day: who is active, and the stream that everything is drawn from in turn."""

    def __init__(self, world: World, expected: Expectation, day: int) -> None:
        self._world, self._expected, self._day = world, expected, day
        self._random = random_stream(world.scenario, DAY_STREAM, day)
        self._weights = [self._active_weights(group) for group in world.groups]

    def use(self) -> Iterator[Flows]:
        """Flows begun inside and answered, a group of hosts at a time."""
        mean = self._expected.use[self._day] * self._expected.noise[self._day]
        spread = self._world.scenario.rhythm.overdispersion
        if spread > 0:
            mean = mean * self._random.gamma(1.0 / spread, spread, mean.shape)
        counts = self._random.poisson(mean)
        for block in range(len(self._world.scenario.block)):
            groups = self._groups_of(block)
            for group, numbers in zip(groups, self._by_group(groups, counts[block]), strict=True):
                if numbers.any():
                    yield self._of_group(group, numbers)

    def besides(self) -> Iterator[Flows]:
        """Flows of the other kinds, of which DNS is none; those begun inside are of a block's largest group."""
        endpoints = self._world.endpoints
        use = self._expected.use[self._day].sum(axis=1) * self._expected.noise[self._day]
        for block in range(len(self._world.scenario.block)):
            largest = max(self._groups_of(block), key=lambda number: self._world.groups[number].share)
            for kind, ratio in self._expected.ratios.items():
                size = int(self._random.poisson(ratio * use[block]))
                if size:
                    places = endpoints.of_kind[kind]
                    endpoint = places[self._random.integers(0, len(places), size)]
                    inside, device = self._inside_of(kind, block, largest, size)
                    yield Flows(self._times(size, None), endpoint, inside, device)

    def questions(self, use: Flows) -> Flows:
        """The questions for names that come before some of the flows."""
        asked = self._world.endpoints.dns[use.endpoint]
        is_use = self._world.endpoints.kind[use.endpoint] == Kind.USE
        is_asked = is_use & (asked >= 0) & (self._random.random(len(use)) < self._world.scenario.besides.dns)
        found = use.part(np.flatnonzero(is_asked))
        return Flows(found.start_ns - _DNS_LEAD_NS, asked[is_asked], found.inside, found.device)

    def _groups_of(self, block: int) -> list[int]:
        return [number for number, group in enumerate(self._world.groups) if group.block == block]

    def _active_weights(self, group: Group) -> Numbers:
        """The parts of a group's hosts in its flows; those that are not active today have none."""
        members = slice(group.first, group.stop)
        hosts = self._world.hosts
        active = self._random.random(group.stop - group.first) < hosts.active[members]
        if not active.any():
            active[self._random.integers(0, len(active))] = True
        weights: Numbers = hosts.weight[members] * active
        weights /= weights.sum()
        return weights

    def _by_group(self, groups: list[int], counts: Integers) -> list[Integers]:
        """Share a block's flows out among its groups, those bound to a population to that one's."""
        scenario = self._world.scenario
        members = [self._world.groups[number] for number in groups]
        drawn = self._random.multinomial(counts, [group.share for group in members]).T
        for number, traffic in enumerate(scenario.traffic):
            if traffic.population is not None:
                names = [scenario.population[group.population].name for group in members]
                drawn[:, number] = [counts[number] if name == traffic.population else 0 for name in names]
        return list(drawn)

    def _of_group(self, group: int, numbers: Integers) -> Flows:
        endpoints, times = [], []
        for traffic in np.flatnonzero(numbers):
            places = self._world.endpoints.of_traffic[traffic]
            weight = self._world.endpoints.weight[places]
            per_endpoint = self._random.multinomial(numbers[traffic], weight / weight.sum())
            endpoints.append(np.repeat(places, per_endpoint))
            times.append(self._times(int(numbers[traffic]), int(traffic)))
        hosts = self._hosts(group, int(numbers.sum()))
        return Flows(
            np.concatenate(times),
            np.concatenate(endpoints),
            self._world.hosts.inside[hosts],
            self._devices(hosts),
        )

    def _hosts(self, group: int, size: int) -> Integers:
        """Active hosts of a group, in random order."""
        members = np.arange(self._world.groups[group].first, self._world.groups[group].stop)
        hosts = np.repeat(members, self._random.multinomial(size, self._weights[group]))
        self._random.shuffle(hosts)
        return hosts

    def _devices(self, hosts: Integers) -> Integers:
        count = self._world.hosts.device_count[hosts]
        chosen = (self._random.random(len(hosts)) * count).astype(np.int64)
        devices: Integers = self._world.hosts.device_first[hosts] + chosen
        return devices

    def _inside_of(self, kind: Kind, block: int, group: int, size: int) -> tuple[Integers, Integers]:
        """The inside addresses and devices of flows that are no use."""
        if kind is Kind.SCAN:
            return self._random.choice(self._world.targets[block], size), np.full(size, -1)
        if kind is Kind.VISIT:
            return self._random.choice(self._world.servers[block], size), np.full(size, -1)
        hosts = self._hosts(group, size)
        return self._world.hosts.inside[hosts], self._devices(hosts)

    def _times(self, size: int, traffic: int | None) -> Integers:
        """Times as likely as the day's slots; those of a kind that starts that day only after it has."""
        clock, slots = self._expected.clock, self._expected.clock.slots_of(self._day)
        rate = clock.rate[slots]
        if traffic is not None:
            rate = rate * self._expected.activity[traffic, slots]
        edges = np.cumsum(rate)
        slot = np.searchsorted(edges, self._random.random(size) * edges[-1], side="right")
        start_ns = clock.start_s * 1_000_000_000 + (slots.start + slot) * SLOT_NS
        # Whole microseconds, as most captures have them.
        found: Integers = start_ns + self._random.integers(0, SLOT_NS // 1_000, size) * 1_000
        return found


def _joined(parts: list[Flows]) -> Flows:
    if not parts:
        nothing = np.empty(0, np.int64)
        return Flows(nothing, nothing, nothing, nothing)
    return Flows(
        np.concatenate([part.start_ns for part in parts]),
        np.concatenate([part.endpoint for part in parts]),
        np.concatenate([part.inside for part in parts]),
        np.concatenate([part.device for part in parts]),
    )
