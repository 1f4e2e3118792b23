"""What a scenario has standing about before anything happens: blocks, hosts with their devices, endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import numpy.typing as npt

from sensor.rules.names import NameRules, load_names
from sensor.simulate.endpoints import Endpoints, make_endpoints
from sensor.simulate.inside import networks, usable_addresses
from sensor.simulate.scenario import Population, Scenario
from sensor.simulate.stacks import STACKS

SERVERS_A_BLOCK = 3
# Which random stream is for what; days have streams of their own, so that each can be drawn alone.
DAY_STREAM, RATE_STREAM, DEVICE_STREAM, ROW_STREAM = 1, 2, 3, 4

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


def random_stream(scenario: Scenario, *key: int) -> np.random.Generator:
    """A stream of random numbers of the scenario's seed."""
    return np.random.default_rng(np.random.SeedSequence(scenario.seed, spawn_key=key))


@dataclass(frozen=True)
class Group:
    """The hosts of one population in one block: all of ``hosts`` from ``first`` to before ``stop``.

    ``share`` is the group's part of the flows of its block that any population may cause.
    """

    block: int
    population: int
    first: int
    stop: int
    share: float


@dataclass(frozen=True)
class Hosts:
    """Inside addresses that people use, in the order of their groups.

    ``active`` is the probability that one is used on a day, ``weight`` its part of its group's flows then.
    Its devices are ``device_count`` from ``device_first`` on.
    """

    inside: Integers
    active: Numbers
    weight: Numbers
    device_first: Integers
    device_count: Integers


@dataclass(frozen=True)
class Devices:
    """What stands behind the hosts: which of ``STACKS``, and the time to live that is seen."""

    stack: Integers
    ttl: Integers


@dataclass(frozen=True)
class World:
    """Everything that does not depend on the day.

    ``inside`` are the addresses of the blocks, ``inside_block`` says which block each is of; ``servers`` and
    ``targets`` of each block are places in ``inside``.
    """

    scenario: Scenario
    names: NameRules
    inside: list[str]
    inside_block: Integers
    servers: list[Integers]
    targets: list[Integers]
    groups: list[Group]
    hosts: Hosts
    devices: Devices
    endpoints: Endpoints

    @cached_property
    def holders(self) -> npt.NDArray[np.bool_]:
        """Which blocks are no relays."""
        return np.array([block.role == "holder" for block in self.scenario.block])


def make_world(scenario: Scenario, names: NameRules | None = None) -> World:
    """Build the world of a scenario; ``names`` are the shipped rules by default."""
    rules = names or load_names()
    inside: list[str] = []
    inside_block: list[int] = []
    servers: list[Integers] = []
    targets: list[Integers] = []
    groups: list[Group] = []
    host_places: list[int] = []
    for number, block in enumerate(scenario.block):
        addresses = usable_addresses(block)
        first = len(inside)
        inside += addresses
        inside_block += [number] * len(addresses)
        targets.append(np.arange(first, len(inside)))
        free = _spread(first, len(addresses))
        groups += _groups(scenario, number, free, host_places)
        # Servers have addresses of their own, in a block that is full those of hosts.
        servers.append(np.array([*islice(free, SERVERS_A_BLOCK)] or [first], np.int64))
    hosts, devices = _people(scenario, groups, np.array(host_places, np.int64))
    watched = [network for block in scenario.block for network in networks(block)]
    endpoints = make_endpoints(
        scenario, rules, watched, [[inside[place] for place in places] for places in servers]
    )
    return World(
        scenario, rules, inside, np.array(inside_block), servers, targets, groups, hosts, devices, endpoints
    )


def _spread(first: int, count: int) -> Iterator[int]:
    """Every place from ``first`` on, once, in an order that jumps about."""
    stride = next(step for step in (37, 41, 43, 1) if np.gcd(step, count) == 1)
    return (first + (9 + stride * number) % count for number in range(count))


def _groups(scenario: Scenario, block: int, free: Iterator[int], host_places: list[int]) -> Iterable[Group]:
    name = scenario.block[block].name
    here = [number for number, one in enumerate(scenario.population) if name in one.addresses]
    whole = sum(scenario.population[number].share for number in here)
    for number in here:
        population = scenario.population[number]
        places = list(islice(free, population.addresses[name]))
        first = len(host_places)
        host_places += places
        yield Group(block, number, first, len(host_places), population.share / whole)


def _people(scenario: Scenario, groups: list[Group], places: Integers) -> tuple[Hosts, Devices]:
    active, weight, counts, stacks = [], [], [], []
    for number, group in enumerate(groups):
        population = scenario.population[group.population]
        size = group.stop - group.first
        random = random_stream(scenario, DEVICE_STREAM, number)
        active.append(random.permutation(_probabilities(population.active, size)))
        weight.append(random.permutation(1.0 / np.sqrt(1.0 + np.arange(size))))
        per_host = _device_counts(population, size, random)
        counts.append(per_host)
        stacks.append(_stacks(population, int(per_host.sum()), random))
    device_count = np.concatenate(counts)
    device_stack = np.concatenate(stacks)
    first = np.cumsum(device_count) - device_count
    owner = np.repeat(np.arange(len(device_count)), device_count)
    sent = np.array([stack.ttl for stack in STACKS.values()])
    hosts = Hosts(places, np.concatenate(active), np.concatenate(weight), first, device_count)
    # The devices of a host are all as far from the sensor.
    return hosts, Devices(device_stack, sent[device_stack] - 1 - owner % 3)


def _probabilities(mean: float, size: int) -> Numbers:
    """Evenly spread probabilities with this mean, as wide as they can be up to certainty."""
    reach = min(mean, 1.0 - mean)
    if size == 1:
        return np.array([mean])
    return np.linspace(mean - 0.9 * reach, mean + 0.9 * reach, size)


def _device_counts(population: Population, size: int, random: np.random.Generator) -> Integers:
    more = round(size * (population.devices - 1.0))
    return 1 + np.bincount(random.integers(0, size, more), minlength=size)


def _stacks(population: Population, size: int, random: np.random.Generator) -> Integers:
    """The kinds of devices, in the proportions wanted as nearly as whole devices can be."""
    kinds = list(STACKS)
    wanted = np.array([population.stacks.get(kind, 0.0) for kind in kinds])
    edges = np.cumsum(wanted) / wanted.sum()
    return random.permutation(np.searchsorted(edges, (np.arange(size) + 0.5) / size))
