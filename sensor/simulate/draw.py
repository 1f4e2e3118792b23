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
_Random = np.random.Generator


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
    random = random_stream(world.scenario, DAY_STREAM, day)
    parts = list(_use(world, expected, day, random))
    parts += _besides(world, expected, day, random)
    use = _joined(parts)
    flows = _joined([use, _questions(world, use, random)])
    order = np.argsort(flows.start_ns, kind="stable")
    return flows.part(order)


def _use(world: World, expected: Expectation, day: int, random: _Random) -> Iterator[Flows]:
    mean = expected.use[day] * expected.noise[day]
    spread = world.scenario.rhythm.overdispersion
    if spread > 0:
        mean = mean * random.gamma(1.0 / spread, spread, mean.shape)
    counts = random.poisson(mean)
    for block in range(len(world.scenario.block)):
        groups = [group for group in world.groups if group.block == block]
        for group, numbers in zip(groups, _by_group(world, groups, counts[block], random), strict=True):
            if numbers.any():
                yield _of_group(world, expected, day, (group, numbers), random)


def _by_group(world: World, groups: list[Group], counts: Integers, random: _Random) -> list[Integers]:
    """Share a block's flows out among its populations, those bound to one to that one."""
    drawn = random.multinomial(counts, [group.share for group in groups]).T
    for number, traffic in enumerate(world.scenario.traffic):
        if traffic.population is not None:
            names = [world.scenario.population[group.population].name for group in groups]
            drawn[:, number] = [counts[number] if name == traffic.population else 0 for name in names]
    return list(drawn)


def _of_group(
    world: World, expected: Expectation, day: int, drawn: tuple[Group, Integers], random: _Random
) -> Flows:
    group, numbers = drawn
    endpoints, times = [], []
    for traffic in np.flatnonzero(numbers):
        places = world.endpoints.of_traffic[traffic]
        weight = world.endpoints.weight[places]
        per_endpoint = random.multinomial(numbers[traffic], weight / weight.sum())
        endpoints.append(np.repeat(places, per_endpoint))
        times.append(_times(expected, day, int(numbers[traffic]), int(traffic), random))
    hosts = _hosts(world, group, int(numbers.sum()), random)
    count = world.hosts.device_count[hosts]
    device = world.hosts.device_first[hosts] + (random.random(len(hosts)) * count).astype(np.int64)
    return Flows(np.concatenate(times), np.concatenate(endpoints), world.hosts.inside[hosts], device)


def _hosts(world: World, group: Group, size: int, random: _Random) -> Integers:
    """Hosts in random order, of those that are active that day."""
    members = np.arange(group.first, group.stop)
    active = random.random(len(members)) < world.hosts.active[members]
    if not active.any():
        active[random.integers(0, len(members))] = True
    weight = world.hosts.weight[members] * active
    hosts = np.repeat(members, random.multinomial(size, weight / weight.sum()))
    random.shuffle(hosts)
    return hosts


def _times(expected: Expectation, day: int, size: int, traffic: int | None, random: _Random) -> Integers:
    """Times of a day as likely as its slots; those of a kind that starts that day only after it has."""
    clock, slots = expected.clock, expected.clock.slots_of(day)
    rate = clock.rate[slots]
    if traffic is not None:
        rate = rate * expected.activity[traffic, slots]
    edges = np.cumsum(rate)
    if not size or edges[-1] <= 0:
        return np.empty(0, np.int64)
    slot = np.searchsorted(edges, random.random(size) * edges[-1], side="right")
    start_ns = clock.start_s * 1_000_000_000 + (slots.start + slot) * SLOT_NS
    # Whole microseconds, as most captures have them.
    found: Integers = start_ns + random.integers(0, SLOT_NS // 1_000, size) * 1_000
    return found


def _besides(world: World, expected: Expectation, day: int, random: _Random) -> Iterator[Flows]:
    use = expected.use[day].sum(axis=1) * expected.noise[day]
    for block, group in _first_groups(world):
        for kind, ratio in expected.ratios.items():
            size = int(random.poisson(ratio * use[block]))
            if not size:
                continue
            places = world.endpoints.of_kind[kind]
            endpoint = places[random.integers(0, len(places), size)]
            device = np.full(size, -1)
            if kind is Kind.SCAN:
                inside = random.choice(world.targets[block], size)
            elif kind is Kind.VISIT:
                inside = random.choice(world.servers[block], size)
            else:
                hosts = _hosts(world, group, size, random)
                inside, device = world.hosts.inside[hosts], world.hosts.device_first[hosts]
            yield Flows(_times(expected, day, size, None, random), endpoint, inside, device)


def _first_groups(world: World) -> Iterator[tuple[int, Group]]:
    """The largest group of each block: it is the one that has flows that are no use, too."""
    for block in range(len(world.scenario.block)):
        groups = [group for group in world.groups if group.block == block]
        yield block, max(groups, key=lambda group: group.share)


def _questions(world: World, use: Flows, random: _Random) -> Flows:
    """The questions for names that come before some of the flows."""
    asked = world.endpoints.dns[use.endpoint]
    is_asked = (asked >= 0) & (random.random(len(use)) < world.scenario.besides.dns)
    found = use.part(np.flatnonzero(is_asked))
    return Flows(found.start_ns - _DNS_LEAD_NS, asked[is_asked], found.inside, found.device)


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
