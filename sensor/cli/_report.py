"""Run a study and write what was asked for: the page, the numbers, Markdown, or a summary."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from sensor.cli._say import say
from sensor.errors import ConfigError
from sensor.rules import load_events, load_plan
from sensor.store import read_manifest
from sensor.study import StudyOptions, study

_STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True)
class Engine:
    """What reads the store; ``settings`` are texts such as ``spark.executor.memory=8g``."""

    name: str
    address: str | None
    settings: list[str] | None


@dataclass(frozen=True)
class Asked:
    """What to study; ``days`` are the day, the first and the last one."""

    store: str
    days: tuple[str | None, str | None, str | None]
    timezone: str
    one_way: bool
    seed: int | None
    expectation: str | None
    events: Path | None
    blocks: list[Path] | None
    rules: list[Path] | None
    engine: Engine = Engine("duckdb", None, None)


@dataclass(frozen=True)
class Outputs:
    """Where each view goes, None where it is not wanted; ``-`` is standard output."""

    page: Path | None
    numbers: Path | None
    markdown: Path | None

    def __post_init__(self) -> None:
        if [self.page, self.numbers, self.markdown].count(_STANDARD_OUTPUT) > 1:
            raise ConfigError("only one of -o, --json and --markdown can go to standard output")

    @property
    def none(self) -> bool:
        """Whether no file is wanted, so that a summary is printed."""
        return self.page is None and self.numbers is None and self.markdown is None


def run_report(asked: Asked, outputs: Outputs) -> None:
    """Study the store and write each view that was asked for."""
    found = study(asked.store, study_options(asked), say)
    _write_views(found, outputs, lambda: read_manifest(asked.store).simulated)


def run_dataset_report(dataset: Path, outputs: Outputs) -> None:
    """Write each view of the report that follows from a data set."""
    from sensor.dataset.load import conclude_from
    from sensor.dataset.opened import open_dataset

    opened = open_dataset(dataset)
    _write_views(conclude_from(opened.tables, opened.settings), outputs, lambda: opened.settings.simulated)


def _write_views(found: dict[str, Any], outputs: Outputs, simulated: Callable[[], str | None]) -> None:
    if outputs.numbers is not None:
        _write(outputs.numbers, json.dumps(found, ensure_ascii=True, indent=1) + "\n")
    if outputs.page is None and outputs.markdown is None and not outputs.none:
        return
    from sensor.report import make_report, print_summary, to_html, to_markdown

    report = make_report(found, simulated())
    if outputs.page is not None:
        _write(outputs.page, to_html(report))
    if outputs.markdown is not None:
        _write(outputs.markdown, to_markdown(report))
    if outputs.none:
        from rich.console import Console

        print_summary(Console(), report)


def _write(path: Path, text: str) -> None:
    """Write a file of its owner's alone: it tells of people. It is there whole, or not at all."""
    if path == _STANDARD_OUTPUT:
        sys.stdout.write(text)
        return
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text.encode())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    say(f"{path} is written")


def study_options(asked: Asked) -> StudyOptions:
    """The options that the words of a command ask for."""
    day, first, last = (_day(text) for text in asked.days)
    options = StudyOptions(
        day=day,
        first_day=first,
        last_day=last,
        timezone=asked.timezone,
        one_way=asked.one_way,
        expectation=asked.expectation,
        rules=tuple(asked.rules or ()),
        engine=asked.engine.name,
        engine_address=asked.engine.address,
        engine_settings=dict(map(_setting, asked.engine.settings or ())),
    )
    changes: dict[str, Any] = {}
    if asked.seed is not None:
        changes["seed"] = asked.seed
    if asked.events is not None:
        changes["events"] = load_events(asked.events)
    if asked.blocks:
        changes["blocks"] = load_plan(asked.blocks, []).blocks
    return replace(options, **changes)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"{text!r} is no setting: write NAME=VALUE")
    return name, value


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no day: write a day such as 2017-04-01") from error
