"""The study of a store: every question asked, the answers in one object."""

from __future__ import annotations

import math
from typing import Any

from sensor.rules import load_events, load_plan
from sensor.rules.names import load_names
from sensor.store import read_manifest
from sensor.store.engine.duckdb import looks_for
from sensor.store.engine.rollup import DuckDBRollups, Rollups
from sensor.store.place import Where
from sensor.store.quarantine import Tell, broken_segments, read_around, warn
from sensor.study.blocks import blocks
from sensor.study.bootstrap import Bootstrap
from sensor.study.broken import name_broken
from sensor.study.calendar import days_between
from sensor.study.caveats import caveats
from sensor.study.context import Context
from sensor.study.countries import countries
from sensor.study.coverage import coverage
from sensor.study.expectation import load_expectation
from sensor.study.gather import gather
from sensor.study.institutions import institutions
from sensor.study.loss import loss
from sensor.study.onsets import onsets
from sensor.study.options import StudyOptions
from sensor.study.population import population
from sensor.study.relays import relays
from sensor.study.sensitivity import sensitivity
from sensor.study.shares import named_parts, services
from sensor.study.similarity import similarity
from sensor.study.site_days import first_sites
from sensor.study.site_hosts import count_site_hosts, sorted_sites
from sensor.study.sites import find_sites, list_sites
from sensor.study.timeline import timeline
from sensor.study.use import Window
from sensor.study.volume import volume
from sensor.study.vpn import obfuscating, vpn

_DIGITS = 9
"""Significant digits kept: sums of a matrix product may differ in the last ones between machines."""


def study(store: Where, options: StudyOptions | None = None, tell: Tell = warn) -> dict[str, Any]:
    """Study a store; see the documentation of methods for what each number means.

    Parameters
    ----------
    store
        The store's folder, or its address on object storage.
    options
        What to do differently.
    tell
        Hears of segments that are broken and therefore left out; the caveats name them too.

    Returns
    -------
    dict
        What ``report --json`` writes: plain numbers, texts, lists and dictionaries. The same store and
        options give the same object.

    Raises
    ------
    StoreError
        The store cannot be read.
    ConfigError
        The options do not hold together.
    RuleError
        A rule file is refused.
    """
    options = options or StudyOptions()
    # Only stores made of a scenario say so.
    simulated = getattr(read_manifest(store), "simulated", None)

    def work() -> dict[str, Any]:
        with DuckDBRollups(store, memory_limit=options.memory_limit, threads=options.threads) as engine:
            return study_rollups(engine, options, simulated)

    found = read_around(store, work, looks_for, tell)
    return name_broken(found, broken_segments(store), options)


def study_rollups(engine: Rollups, options: StudyOptions, simulated: str | None = None) -> dict[str, Any]:
    """Study what an engine shows of a store; see `study`.

    Parameters
    ----------
    engine
        Over the store.
    options
        What to do differently.
    simulated
        Name of the scenario the store was made from, if it was.
    """
    expectation = load_expectation(options.expectation)
    rules = load_names(options.rules)
    known = options.blocks if options.blocks is not None else load_plan([], []).blocks
    first, last = options.asked_days
    relayed = tuple(sorted(block.name for block in known if block.role == "relay"))
    window = Window(options.zone, first, last, relayed, options.one_way)
    gathered = gather(engine, window, obfuscating(rules.application_categories))
    context = Context(
        gathered=gathered,
        bootstrap=Bootstrap(len(gathered.days), options.resamples, options.seed),
        blocks={block.name: block for block in known},
        events=tuple(options.events) if options.events is not None else load_events(),
        catalogue=rules.catalogue,
        protocol_categories=rules.application_categories,
        zone=options.zone,
        seed=options.seed,
    )
    sites, site_of = find_sites(gathered)
    site_hosts = count_site_hosts(engine, site_of)
    evidence = engine.rollup(
        "SELECT day, block, inside_ip, ttls, ja4s, user_agents FROM hosts "
        f"WHERE {window.in_days()} AND {window.not_relayed()}"
    )
    found = {
        "period": _period(context, options),
        "volume": volume(context, len(sites)),
        "loss": loss(gathered, context.observation),
        "coverage": coverage(context),
        "blocks": blocks(context, expectation),
        "services": services(context),
        "categories": named_parts(context, "category"),
        "applications": named_parts(context, "application"),
        "sites": list_sites(sites.values(), site_hosts.inside_addresses),
        "countries": countries(context, expectation),
        "institutions": institutions(sites.values(), context.catalogue),
        "relays": relays(engine, window),
        "timeline": timeline(context, first_sites(engine, sorted_sites(site_of))),
        "onsets": onsets(context),
        "vpn": vpn(context),
        "population": population(context, site_hosts, len(sites), evidence),
        "similarity": similarity(context),
    }
    found["sensitivity"] = sensitivity(context, found)
    found["caveats"] = caveats(context, found, simulated)
    return dict(_rounded(found))


def _period(context: Context, options: StudyOptions) -> dict[str, Any]:
    days = context.gathered.days
    seen = {day for day, flows in zip(days, context.facts.total_by_day(), strict=True) if flows > 0}
    return {
        "start": days[0].isoformat() if days else None,
        "end": days[-1].isoformat() if days else None,
        "days": len(days_between(days[0], days[-1])) if days else 0,
        "days_with_data": len(seen),
        "timezone": options.timezone,
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value
