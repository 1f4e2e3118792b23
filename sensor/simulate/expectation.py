"""How many flows are to be expected, of what kind, where and when: the generating parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sensor.errors import RuleError
from sensor.simulate.clock import Clock, activity, make_clock
from sensor.simulate.endpoints import Kind
from sensor.simulate.scenario import Scenario
from sensor.simulate.world import RATE_STREAM, World, random_stream

Numbers = npt.NDArray[np.float64]

MEAN_MORE_RECORDS = 2.0
"""Further records of a flow that has more than one, on the mean: 1, 2 or 3."""
_RATIOS = {
    Kind.UNANSWERED: "unanswered", Kind.SCAN: "scans", Kind.VISIT: "visitors", Kind.INTERNAL: "internal",
    Kind.TUNNELLED: "tunnelled", Kind.MIDWAY: "midway",
}  # fmt: skip


@dataclass(frozen=True)
class Expectation:
    """Expected numbers of flows begun inside and answered.

    Attributes
    ----------
    clock : Clock
        The slots.
    activity : array, traffic by slot
        What of a kind's full rate there is.
    use : array, day by block by traffic
        Expected flows that are seen, the noise of the days left out (its mean is 1).
    noise : array, one a day
        The factor that was drawn for each day.
    ratios : dict
        Expected flows of the other kinds for one flow of use.
    """

    clock: Clock
    activity: Numbers
    use: Numbers
    noise: Numbers
    ratios: dict[Kind, float]


def expect(world: World) -> Expectation:
    """Work out what a scenario makes to be expected.

    Over the whole window, seen or not, each block has exactly its share of the flows.

    Raises
    ------
    RuleError
        Nothing is to be expected.
    """
    scenario = world.scenario
    clock = make_clock(scenario)
    active = np.stack([activity(scenario, one, clock) for one in scenario.traffic])
    shares = _shares(world)
    seen = _by_day(scenario, clock, active * clock.rate)
    whole = np.divide(clock.rate, clock.kept, out=np.zeros_like(clock.rate), where=clock.kept > 0)
    whole_by_block = (active @ whole) @ shares.T
    blocks = np.array([block.share for block in scenario.block])
    blocks /= blocks[world.holders].sum()
    scale = np.divide(blocks, whole_by_block, out=np.zeros_like(blocks), where=whole_by_block > 0)
    use = seen[:, None, :] * (shares * scale[:, None])[None]
    if not use.sum() > 0:
        raise RuleError("nothing flows in this scenario: no kind of traffic has a block and a time")
    ratios = {kind: float(getattr(scenario.besides, key)) for kind, key in _RATIOS.items()}
    named = np.array([bool(one.names) for one in scenario.traffic])
    dns = scenario.besides.dns * use[:, :, named].sum() / use.sum()
    rows = use.sum() * (1.0 + dns + sum(ratios.values()) + scenario.besides.long * MEAN_MORE_RECORDS)
    return Expectation(clock, active, use * (scenario.flows / rows), _noise(scenario), ratios)


def _shares(world: World) -> Numbers:
    """Weight of each kind of traffic in each block; none where nobody is who would cause it."""
    scenario = world.scenario
    shares = np.array([
        [one.share * one.blocks.get(block.name, 1.0) for one in scenario.traffic] for block in scenario.block
    ])  # fmt: skip
    for number, one in enumerate(scenario.traffic):
        if one.population is None:
            continue
        addresses = next(p.addresses for p in scenario.population if p.name == one.population)
        absent = [block.name not in addresses for block in scenario.block]
        shares[absent, number] = 0.0
    return shares


def _by_day(scenario: Scenario, clock: Clock, rates: Numbers) -> Numbers:
    """Sums of the slots of each day: day by traffic."""
    sums = np.zeros((scenario.days, rates.shape[0]))
    np.add.at(sums, clock.day, rates.T)
    return sums


def _noise(scenario: Scenario) -> Numbers:
    """Factors of mean 1 whose logarithms are an AR(1) process in its stationary state."""
    rhythm, random = scenario.rhythm, random_stream(scenario, RATE_STREAM)
    shocks = random.standard_normal(scenario.days)
    level = np.empty(scenario.days)
    level[0] = shocks[0]
    fresh = np.sqrt(1.0 - rhythm.autocorrelation**2)
    for day in range(1, scenario.days):
        level[day] = rhythm.autocorrelation * level[day - 1] + fresh * shocks[day]
    factors: Numbers = np.exp(rhythm.spread * level - rhythm.spread**2 / 2)
    return factors
