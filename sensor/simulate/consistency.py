"""What is wrong between the tables of a scenario whose single values are all right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sensor.rules.address import parse_prefixes
from sensor.rules.mistake import TextError, nearest
from sensor.simulate.inside import known_blocks, usable_addresses
from sensor.simulate.protocols import PROTOCOLS
from sensor.simulate.scenario import Block, Population, Scenario, Traffic

Path = tuple[str | int, ...]
Mistake = tuple[Path, str, TextError]
"""Where it stands, the offending text, and why with the mend."""


def contradictions(scenario: Scenario) -> Iterator[Mistake]:
    """Every mistake, those that make others pointless first; reading stops at the first."""
    yield from _twice("block", [block.name for block in scenario.block])
    for number, block in enumerate(scenario.block):
        yield from _in_block(number, block)
    yield from _between_blocks(scenario)
    yield from _twice("population", [population.name for population in scenario.population])
    for number, population in enumerate(scenario.population):
        yield from _in_population(number, population, scenario)
    for number, block in enumerate(scenario.block):
        yield from _in_inhabitants(number, block, scenario)
    for number, traffic in enumerate(scenario.traffic):
        yield from _in_traffic(number, traffic, scenario)
        yield from _in_names(number, traffic)
    for key in ("gap", "loss"):
        for number, span in enumerate(getattr(scenario, key)):
            if not _before(span.start, span.end):
                mend = "write two days, or two times with offsets, the earlier one first"
                yield (key, number, "end"), str(span.end), TextError("the end is not after the start", mend)


def _twice(table: str, names: list[str]) -> Iterator[Mistake]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (table, number, "name"), name, TextError("a name that stands twice", "name it otherwise")


def _in_block(number: int, block: Block) -> Iterator[Mistake]:
    known = known_blocks()
    if not block.prefixes and block.name not in known:
        mend = f"add prefixes = [...], or name one of {', '.join(known)}"
        yield ("block", number, "name"), block.name, TextError("a block without prefixes", mend)
    for place, prefix in enumerate(block.prefixes):
        where: Path = ("block", number, "prefixes", place)
        try:
            parse_prefixes(prefix)
        except TextError as mistake:
            yield where, prefix, mistake
        if ":" in prefix:
            yield where, prefix, TextError("an IPv6 prefix", "simulated blocks are IPv4: write one of those")


def _between_blocks(scenario: Scenario) -> Iterator[Mistake]:
    if not sum(block.share for block in scenario.block if block.role == "holder") > 0:
        yield (
            ("block",),
            "share",
            TextError("no block has flows", "give one that is no relay a share above 0"),
        )


def _in_population(number: int, population: Population, scenario: Scenario) -> Iterator[Mistake]:
    blocks = [block.name for block in scenario.block]
    for name in population.addresses:
        if name not in blocks:
            where = ("population", number, "addresses", name)
            yield where, name, TextError("no such block", nearest(name, blocks))


def _in_inhabitants(number: int, block: Block, scenario: Scenario) -> Iterator[Mistake]:
    wanted = sum(population.addresses.get(block.name, 0) for population in scenario.population)
    there = len(usable_addresses(block))
    if not wanted:
        mend = "give some population addresses in it"
        yield ("block", number, "name"), block.name, TextError("nobody lives in this block", mend)
    if wanted > there:
        mend = f"there are {there}, and the populations have {wanted}"
        yield ("block", number, "name"), block.name, TextError("a block with too few addresses", mend)


def _in_traffic(number: int, traffic: Traffic, scenario: Scenario) -> Iterator[Mistake]:
    blocks = [block.name for block in scenario.block]
    for name in traffic.blocks:
        if name not in blocks:
            where = ("traffic", number, "blocks", name)
            yield where, name, TextError("no such block", nearest(name, blocks))
    populations = [population.name for population in scenario.population]
    if traffic.population is not None and traffic.population not in populations:
        mend = nearest(traffic.population, populations)
        yield ("traffic", number, "population"), traffic.population, TextError("no such population", mend)
    if traffic.names and PROTOCOLS[traffic.application].name_source is None:
        mend = "leave names out, or use tls or http"
        mistake = TextError("an application without names", mend)
        yield ("traffic", number, "names"), traffic.application, mistake
    if traffic.application == "http" and not traffic.names:
        yield (
            ("traffic", number, "application"),
            "http",
            TextError("HTTP without a host", "add names = [...]"),
        )


def _in_names(number: int, traffic: Traffic) -> Iterator[Mistake]:
    for place, name in enumerate(traffic.names):
        if not name.isascii() or name != name.lower().strip("."):
            mend = "write it in lower case, as A-labels, without a dot at its end"
            yield ("traffic", number, "names", place), name, TextError("no host name", mend)
    if traffic.many > 1 and not any("{n}" in name for name in traffic.names):
        mistake = TextError("many without a number in a name", "write {n} in a name")
        yield ("traffic", number, "many"), str(traffic.many), mistake


def _before(start: date, end: date) -> bool:
    try:
        return start < end
    except TypeError:  # a day and a time, or a time without an offset
        return False
