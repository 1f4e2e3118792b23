"""Scenario files: found by name or path, read, and refused with the line of what is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError

from sensor.errors import RuleError
from sensor.rules.mistake import TextError, nearest, printable, printable_path, rule_error
from sensor.rules.source import Source, read_source
from sensor.rules.table import where_toml_breaks
from sensor.rules.toml_lines import line_of, toml_lines
from sensor.simulate.consistency import contradictions
from sensor.simulate.scenario import Scenario

_FOLDER = Path(__file__).with_name("scenarios")
_Path = tuple[str | int, ...]
_UNKNOWN_KEY = "extra_forbidden"


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
    text = source.toml_text()
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
    for where, found, mistake in contradictions(scenario):
        raise rule_error(source.path, line_of(lines, where), found, mistake)
    return scenario


def _explained(file: str, lines: Mapping[_Path, int], error: ValidationError) -> RuleError:
    """Put the first mistake into one line: file, line, key, and what to write instead."""
    # A key that is written wrongly is missing, too: it is told as what it is.
    first = min(
        error.errors(include_url=False),
        key=lambda item: (item["type"] != _UNKNOWN_KEY, line_of(lines, item["loc"])),
    )
    location: _Path = first["loc"]
    key = ".".join(str(part) for part in location if part != "[key]")
    line = line_of(lines, location)
    if first["type"] == _UNKNOWN_KEY:
        mend = nearest(str(location[-1]), _known_keys(location[:-1]))
        return rule_error(file, line, key, TextError("an unknown key", mend))
    if first["type"] == "missing":
        return rule_error(file, line, key, TextError("a key is missing", f"add {location[-1]} = ..."))
    reason = printable(first["msg"].removeprefix("Value error, "), limit=600)
    what, _, mend = reason.partition("; ")
    shown = str(first["input"]) if location else file
    mistake = TextError(f"{key}: {what}" if key else what, mend or "correct the value")
    return rule_error(file, line, shown, mistake)


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
