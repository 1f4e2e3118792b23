"""Scenario files: found by name or path, read, and refused with the line of what is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sensor.errors import RuleError
from sensor.rules.address import parse_prefixes
from sensor.rules.location import shipped
from sensor.rules.mistake import TextError, nearest, printable, printable_path, rule_error
from sensor.rules.source import MAXIMUM_TOML_BYTES, Source, read_source
from sensor.rules.table import read_tables, where_toml_breaks
from sensor.rules.toml_lines import line_of, toml_lines
from sensor.simulate.protocols import PROTOCOLS
from sensor.simulate.scenario import Scenario

_FOLDER = Path(__file__).with_name("scenarios")
_Path = tuple[str | int, ...]


def shipped_scenarios() -> list[str]:
    """Names of the scenarios that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_scenario(name: str | Path) -> Scenario:
    """Load a shipped scenario by its name, or any by its path.

    Raises
    ------
    RuleError
        With file, line, the offending text and the mend.
    """
    path = Path(name)
    if str(name) in shipped_scenarios() and not path.is_file():
        path = _FOLDER / f"{name}.toml"
    elif path.suffix != ".toml" and not path.exists():
        raise RuleError(
            f"{printable(str(name))}: no such scenario; shipped are {', '.join(shipped_scenarios())}, "
            "others are files"
        )
    return parse_scenario(read_source(path))


def parse_scenario(source: Source) -> Scenario:
    """Read a scenario from the text of its file."""
    text = source.text(maximum_bytes=MAXIMUM_TOML_BYTES)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, message = where_toml_breaks(text, error)
        raise RuleError(f"{printable_path(source.path)}:{line}: not TOML: {message}") from None
    except (RecursionError, ValueError) as error:
        shown = printable_path(source.path)
        raise RuleError(f"{shown}: not TOML: {printable(str(error))}") from None
    lines = toml_lines(text)
    try:
        scenario = Scenario.model_validate(document)
    except ValidationError as error:
        raise _explained(source.path, lines, error) from None
    for where, found, mistake in _contradictions(scenario):
        raise rule_error(source.path, line_of(lines, where), found, mistake)
    return scenario


def known_blocks() -> dict[str, list[str]]:
    """Prefixes of the blocks of the shipped rules."""
    found: dict[str, list[str]] = {}
    for table in read_tables(read_source(shipped() / "blocks.toml"), "block"):
        found.setdefault(table.text("name"), []).extend(table.texts("prefixes"))
    return found


def _explained(file: str, lines: Mapping[_Path, int], error: ValidationError) -> RuleError:
    """Put the first mistake into one line: file, line, key, and what to write instead."""
    first = min(error.errors(include_url=False), key=lambda item: line_of(lines, item["loc"]))
    location: _Path = first["loc"]
    key = ".".join(str(part) for part in location if part != "[key]")
    line = line_of(lines, location)
    if first["type"] == "extra_forbidden":
        mend = nearest(str(location[-1]), _known_keys(location[:-1]))
        return rule_error(file, line, key, TextError("an unknown key", mend))
    if first["type"] == "missing":
        return rule_error(file, line, key, TextError("a key is missing", f"add {location[-1]} = ..."))
    reason = printable(first["msg"].removeprefix("Value error, "), limit=600)
    what, _, mend = reason.partition("; ")
    shown = str(first["input"])
    return rule_error(file, line, shown, TextError(f"{key}: {what}", mend or "correct the value"))


def _known_keys(table: _Path) -> list[str]:
    """The keys of a table, whose path has the numbers of its place in lists."""
    model: type[BaseModel] = Scenario
    for part in table:
        if isinstance(part, str) and part in model.model_fields:
            model = _TABLES.get(part, model)
    return list(model.model_fields)


def _table_models() -> dict[str, type[BaseModel]]:
    from sensor.simulate import scenario  # noqa: PLC0415 - its own classes, by their names

    return {
        key: getattr(scenario, key.capitalize())
        for key in ("rhythm", "block", "population", "traffic", "besides", "gap", "loss")
    }


_TABLES = _table_models()


def _contradictions(scenario: Scenario) -> Iterator[tuple[_Path, str, TextError]]:
    """What is wrong between the tables, with its path and text."""
    blocks = [block.name for block in scenario.block]
    yield from _block_mistakes(scenario)
    populations = [population.name for population in scenario.population]
    yield from _twice("population", populations)
    for number, population in enumerate(scenario.population):
        for name in population.addresses:
            if name not in blocks:
                yield (
                    ("population", number, "addresses", name), name, TextError("no such block", nearest(name, blocks))
                )  # fmt: skip
    inhabited = {name for population in scenario.population for name in population.addresses}
    for number, name in enumerate(blocks):
        if name not in inhabited:
            mend = "give some population addresses in it"
            yield ("block", number, "name"), name, TextError("nobody lives in this block", mend)
    for number, traffic in enumerate(scenario.traffic):
        for name in traffic.blocks:
            if name not in blocks:
                yield (
                    ("traffic", number, "blocks", name), name, TextError("no such block", nearest(name, blocks))
                )  # fmt: skip
        yield from _traffic_mistakes(number, traffic, populations)
    for key in ("gap", "loss"):
        for number, span in enumerate(getattr(scenario, key)):
            if not _before(span.start, span.end):
                mend = "write two days, or two times with offsets, the earlier one first"
                yield (key, number, "end"), str(span.end), TextError("the end is not after the start", mend)


def _block_mistakes(scenario: Scenario) -> Iterator[tuple[_Path, str, TextError]]:
    yield from _twice("block", [block.name for block in scenario.block])
    if not sum(block.share for block in scenario.block if block.role == "holder") > 0:
        yield (
            ("block",),
            "share",
            TextError("no block has flows", "give one that is no relay a share above 0"),
        )
    known = known_blocks()
    for number, block in enumerate(scenario.block):
        if not block.prefixes and block.name not in known:
            mend = f"add prefixes = [...], or name one of {', '.join(known)}"
            yield ("block", number, "name"), block.name, TextError("a block without prefixes", mend)
        for place, prefix in enumerate(block.prefixes):
            where: _Path = ("block", number, "prefixes", place)
            try:
                parse_prefixes(prefix)
            except TextError as mistake:
                yield where, prefix, mistake
            if ":" in prefix:
                yield (
                    where,
                    prefix,
                    TextError("an IPv6 prefix", "simulated blocks are IPv4: write one of those"),
                )


def _twice(table: str, names: list[str]) -> Iterator[tuple[_Path, str, TextError]]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (table, number, "name"), name, TextError("a name that stands twice", "name it otherwise")


def _traffic_mistakes(
    number: int, traffic: Any, populations: list[str]
) -> Iterator[tuple[_Path, str, TextError]]:
    if traffic.population is not None and traffic.population not in populations:
        mend = nearest(traffic.population, populations)
        yield ("traffic", number, "population"), traffic.population, TextError("no such population", mend)
    if traffic.names and PROTOCOLS[traffic.application].name_source is None:
        mend = "leave names out, or use tls or http"
        yield (
            ("traffic", number, "names"),
            traffic.application,
            TextError("an application without names", mend),
        )
    if traffic.application == "http" and not traffic.names:
        mend = "add names = [...]"
        yield ("traffic", number, "application"), "http", TextError("HTTP without a host", mend)
    for place, name in enumerate(traffic.names):
        if not name.replace("{n}", "1").isascii() or name != name.lower().strip("."):
            mend = "write it in lower case, as A-labels, without a dot at its end"
            yield ("traffic", number, "names", place), name, TextError("no host name", mend)
    if traffic.many > 1 and not any("{n}" in name for name in traffic.names):
        mend = "write {n} in a name"
        yield (
            ("traffic", number, "many"),
            str(traffic.many),
            TextError("many without a number in a name", mend),
        )


def _before(start: date, end: date) -> bool:
    try:
        return start < end
    except TypeError:  # a day and a time, or a time without an offset
        return False
