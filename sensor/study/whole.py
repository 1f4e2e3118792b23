"""The study of a store: every question asked, the answers in one object."""

from __future__ import annotations

import math
from typing import Any

from sensor.rules import load_events, load_plan
from sensor.rules.names import load_names
from sensor.store import read_manifest
from sensor.store.engine.choose import open_rollups
from sensor.store.engine.duckdb import looks_for
from sensor.store.engine.rollup import Rollups
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
from sensor.study.institutions import institutions
from sensor.study.knowledge import Knowledge
from sensor.study.loss import loss
from sensor.study.onsets import onsets
from sensor.study.options import StudyOptions
from sensor.study.population import population
from sensor.study.readings import Readings, read_store
from sensor.study.sensitivity import sensitivity
from sensor.study.shares import named_parts, services
from sensor.study.similarity import similarity
from sensor.study.sites import list_sites
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
        with open_rollups(store, options.reader) as engine:
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
    known = load_knowledge(options)
    return conclude(read_store(engine, *what_to_read(options, known)), known, options, simulated)


def load_knowledge(options: StudyOptions) -> Knowledge:
    """Load what a study knows besides: rules, events and expectation, as the options name them."""
    rules = load_names(options.rules)
    return Knowledge(
        tuple(options.blocks) if options.blocks is not None else load_plan([], []).blocks,
        tuple(options.events) if options.events is not None else load_events(),
        rules.catalogue,
        rules.application_categories,
        load_expectation(options.expectation),
    )


def what_to_read(options: StudyOptions, known: Knowledge) -> tuple[Window, list[str]]:
    """Which records count, and of which applications the inside addresses are counted."""
    first, last = options.asked_days
    relayed = tuple(sorted(block.name for block in known.blocks if block.role == "relay"))
    return Window(options.zone, first, last, relayed, options.one_way), obfuscating(known.protocol_categories)


def conclude(
    readings: Readings, known: Knowledge, options: StudyOptions, simulated: str | None = None
) -> dict[str, Any]:
    """Answer every question from what was read.

    Parameters
    ----------
    readings
        Of a store or a data set.
    known
        What is known besides.
    options
        Time zone, seed and resamples count; what was to be read has been.
    simulated
        Name of the scenario behind the data, if there is one.
    """
    gathered, sites = readings.gathered, readings.sites
    expectation = known.expectation
    context = Context(
        gathered=gathered,
        bootstrap=Bootstrap(len(gathered.days), options.resamples, options.seed),
        blocks={block.name: block for block in known.blocks},
        events=known.events,
        catalogue=known.catalogue,
        protocol_categories=known.protocol_categories,
        zone=options.zone,
        seed=options.seed,
    )
    found = {
        "period": _period(context, options),
        "volume": volume(context, len(sites)),
        "loss": loss(gathered, context.observation),
        "coverage": coverage(context, readings.covered),
        "blocks": blocks(context, expectation),
        "services": services(context),
        "categories": named_parts(context, "category"),
        "applications": named_parts(context, "application"),
        "sites": list_sites(sites.values(), readings.site_hosts.inside_addresses),
        "countries": countries(context, expectation),
        "institutions": institutions(sites.values(), context.catalogue),
        "relays": readings.relays,
        "timeline": timeline(context, readings.site_days),
        "onsets": onsets(context),
        "vpn": vpn(context),
        "population": population(context, readings.site_hosts, len(sites), readings.devices),
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
