"""The numbers that a scenario plants: what a study of its traffic has to find within its intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sensor.simulate.clock import day_of_start
from sensor.simulate.expectation import Expectation, expect
from sensor.simulate.realised import Realised
from sensor.simulate.scenario import Scenario
from sensor.simulate.world import World, make_world

Numbers = npt.NDArray[np.float64]

_MEAN_OF_SIZES = float(np.exp(0.5))
"""Mean of the factor that a flow's bytes are drawn with."""
_OVERHEAD_BYTES = 40


def planted(scenario: Scenario, world: World | None = None) -> dict[str, Any]:
    """Generating parameters, not what came of chance.

    Shares are ratios of expected flows, begun inside and answered, DNS left out and unnamed flows left in,
    over what the sensor observed of the whole window. Relays are left out, and stand apart under ``relays``.

    Returns
    -------
    dict
        Of plain numbers, texts, lists and dictionaries, ready for JSON: ``period``, ``flows``, ``coverage``,
        ``blocks``, ``services``, ``categories``, ``applications``, ``countries`` (shares of flows),
        ``onsets``, ``population``, ``besides``, ``names`` (how many), ``relays``.
    """
    world = world or make_world(scenario)
    expected = expect(world)
    by_block = _by_block(world, expected)
    held = by_block[world.holders].sum(axis=0)
    total = float(held.sum())
    columns = world.endpoints.columns
    return {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "period": {
            "start": scenario.start.isoformat(),
            "days": scenario.days,
            "timezone": scenario.timezone,
        },
        "flows": total,
        "coverage": {
            "named_share": float(held[columns["name"] >= 0].sum()) / total,
            "classified_share": float(held[columns["service"] >= 0].sum()) / total,
        },
        "blocks": _blocks(world, by_block),
        "services": _services(world, held),
        "categories": _shares(world, "category", held),
        "applications": _shares(world, "application", held),
        "countries": _shares(world, "country", held),
        "onsets": _onsets(world, expected),
        "population": _population(world, expected),
        "besides": {kind.name.lower(): ratio for kind, ratio in expected.ratios.items()},
        "names": len(_names(world)),
        "relays": [
            {"block": block.name, "services": _shares(world, "service", by_block[number])}
            for number, block in enumerate(scenario.block) if block.role == "relay"
        ],
    }  # fmt: skip


def write_planted(path: Path, scenario: Scenario, realised: Realised) -> None:
    """Write what a scenario plants, and beside it what came of chance, as JSON."""
    document = {"planted": planted(scenario), "realised": realised.as_dict()}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _by_block(world: World, expected: Expectation) -> Numbers:
    """Expected flows over the whole window, block by endpoint."""
    sums = expected.use.sum(axis=0)
    traffic = world.endpoints.traffic
    found: Numbers = np.where(traffic >= 0, sums[:, np.maximum(traffic, 0)] * world.endpoints.weight, 0.0)
    return found


def _shares(world: World, column: str, flows: Numbers) -> dict[str, float]:
    """Shares by a column's texts, the largest first; flows without one are in the total alone."""
    places, texts = world.endpoints.columns[column], world.endpoints.words[column].texts
    sums = np.bincount(places + 1, weights=flows, minlength=len(texts) + 1)[1:]
    shares = sums / max(float(flows.sum()), np.finfo(float).tiny)
    return {
        texts[place]: float(shares[place])
        for place in np.argsort(-shares, kind="stable")
        if shares[place] > 0
    }


def _blocks(world: World, by_block: Numbers) -> dict[str, dict[str, float]]:
    flows = by_block.sum(axis=1) * world.holders
    content = world.endpoints.bytes_in * _MEAN_OF_SIZES
    headers = 400 + _OVERHEAD_BYTES * (8.0 + 1.5 * content / 1_360)
    mean = content * (1 + 1 / 16) + headers
    sizes = (by_block * mean).sum(axis=1) * world.holders
    return {
        block.name: {
            "share_flows": float(flows[number] / flows.sum()),
            "share_bytes": float(sizes[number] / sizes.sum()),
        }
        for number, block in enumerate(world.scenario.block)
        if block.role == "holder"
    }


def _services(world: World, held: Numbers) -> list[dict[str, Any]]:
    categories = {
        world.endpoints.text("service", row): world.endpoints.text("category", row)
        for row in range(len(world.endpoints.rows))
    }
    shares = _shares(world, "service", held)
    return [
        {"rank": rank, "service": service, "category": categories[service], "share_flows": share}
        for rank, (service, share) in enumerate(shares.items(), start=1)
    ]


def _onsets(world: World, expected: Expectation) -> list[dict[str, Any]]:
    """What starts: the series of its flows, its day, and expected flows a day before and after."""
    found = []
    for number, traffic in enumerate(world.scenario.traffic):
        if traffic.starts is None:
            continue
        day = day_of_start(world.scenario, traffic.starts)
        first = (day - world.scenario.start).days
        per_day = expected.use[:, world.holders, number].sum(axis=1)
        row = int(world.endpoints.of_traffic[number][0])
        found.append({
            "application": world.endpoints.text("application", row),
            "service": world.endpoints.text("service", row),
            "category": world.endpoints.text("category", row),
            "onset_day": day.isoformat(),
            "before_per_day": float(per_day[:first].mean()) if first > 0 else 0.0,
            "after_per_day": float(per_day[first:].mean()),
        })  # fmt: skip
    return found


def _population(world: World, expected: Expectation) -> dict[str, Any]:
    """Addresses and devices; those of a day are what is expected to have at least one flow."""
    held = [group for group in world.groups if world.holders[group.block]]
    per_day = np.zeros(world.scenario.days)
    for group in held:
        members = slice(group.first, group.stop)
        active, weight = world.hosts.active[members], world.hosts.weight[members]
        part = weight / max(float((weight * active).sum()), 1e-12)
        flows = _of_group(world, expected, group) * expected.noise
        per_day += (active * -np.expm1(-np.outer(flows, part))).sum(axis=1)
    populations = []
    for number, population in enumerate(world.scenario.population):
        mine = [group for group in held if group.population == number]
        devices = sum(int(world.hosts.device_count[one.first : one.stop].sum()) for one in mine)
        populations.append({
            "name": population.name, "addresses": sum(one.stop - one.first for one in mine), "devices": devices,
        })  # fmt: skip
    return {
        "addresses": sum(one["addresses"] for one in populations),
        "devices": sum(one["devices"] for one in populations),
        "populations": populations,
        "addresses_per_day": float(np.median(per_day)),
    }


def _of_group(world: World, expected: Expectation, group: Any) -> Numbers:
    """Expected flows of a group on each day."""
    name = world.scenario.population[group.population].name
    bound = [traffic.population for traffic in world.scenario.traffic]
    part = np.array([group.share if one is None else float(one == name) for one in bound])
    flows: Numbers = expected.use[:, group.block, :] @ part
    return flows


def _names(world: World) -> set[str]:
    return {row.name for row in world.endpoints.rows if row.name is not None and row.traffic >= 0}
