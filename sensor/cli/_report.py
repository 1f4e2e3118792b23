"""Run a study and write its numbers."""

import json
import sys
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from sensor.errors import ConfigError
from sensor.rules import load_events, load_plan
from sensor.study import StudyOptions, study


@dataclass(frozen=True)
class Asked:
    """The words of the command; ``days`` are the day, the first and the last one."""

    store: Path
    json: Path | None
    days: tuple[str | None, str | None, str | None]
    timezone: str
    one_way: bool
    seed: int | None
    expectation: str | None
    events: Path | None
    blocks: list[Path] | None
    rules: list[Path] | None


def run_report(asked: Asked) -> None:
    """Study the store and write the object as JSON: keys in the order of the contract, UTF-8, one line end."""
    found = study(asked.store, _options(asked))
    text = json.dumps(found, ensure_ascii=True, indent=1) + "\n"
    if asked.json is None or str(asked.json) == "-":
        sys.stdout.write(text)
    else:
        asked.json.write_text(text, encoding="utf-8")


def _options(asked: Asked) -> StudyOptions:
    day, first, last = (_day(text) for text in asked.days)
    options = StudyOptions(
        day=day,
        first_day=first,
        last_day=last,
        timezone=asked.timezone,
        one_way=asked.one_way,
        expectation=asked.expectation,
        rules=tuple(asked.rules or ()),
    )
    changes: dict[str, Any] = {}
    if asked.seed is not None:
        changes["seed"] = asked.seed
    if asked.events is not None:
        changes["events"] = load_events(asked.events)
    if asked.blocks:
        changes["blocks"] = load_plan(asked.blocks, []).blocks
    return replace(options, **changes)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no day: write a day such as 2017-04-01") from error
