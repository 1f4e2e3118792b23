"""Write a data set or check one, and say what it came to."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import typer

from sensor import __version__
from sensor.cli._report import Asked, study_options
from sensor.cli._say import say
from sensor.dataset.export import DEFAULT_TITLE, ExportOptions, export_dataset
from sensor.dataset.records import Outside, RecordOptions
from sensor.dataset.verify import Verdict, verify_dataset
from sensor.study.use import Window

_MOST_SAID = 20


@dataclass(frozen=True)
class RecordWords:
    """What was said of flow records."""

    key: Path | None
    outside: str
    round_time_s: int

    def options(self, window: Window, k: int) -> RecordOptions:
        """The options, for what the export is about."""
        return RecordOptions(
            Path(self.key or ""), k, cast("Outside", self.outside), self.round_time_s, window
        )


@dataclass(frozen=True)
class ExportWords:
    """What was said of the data set."""

    store: str
    options: ExportOptions


def study_words(asked: Asked, k: int, licence: str, title: str | None) -> ExportWords:
    """Check what was said."""
    return ExportWords(asked.store, ExportOptions(study_options(asked), k, licence, title or DEFAULT_TITLE))


def run_export(
    words: ExportWords, records: RecordWords | None, output: Path, *, replace: bool, as_json: bool
) -> None:
    """Write the data set; failures leave as exceptions."""
    options = _with(words.options, replace=replace, records=records.options if records else None)
    exported = export_dataset(words.store, output, __version__, options)
    rows = sum(one.rows for one in exported.resources)
    if as_json:
        print(
            json.dumps({
                "dataset": str(exported.path),
                "tables": len(exported.resources),
                "rows": rows,
                "k": options.k,
                "sha256": exported.sha256,
            })
        )  # fmt: skip
    say(f"{exported.path} is written: {len(exported.resources)} tables, {rows:,} rows, k = {options.k}")
    say(f"sha256 of its manifest: {exported.sha256}")


def _with(options: ExportOptions, **changes: Any) -> ExportOptions:
    return replace(options, **changes)


def run_verify(dataset: Path, *, as_json: bool) -> None:
    """Check; whatever is wrong is said, and the status is 1."""
    verdict = verify_dataset(dataset, __version__)
    if as_json:
        print(json.dumps(_described(dataset, verdict)))
    for fault in verdict.faults[:_MOST_SAID]:
        say(str(fault))
    if len(verdict.faults) > _MOST_SAID:
        say(f"{len(verdict.faults) - _MOST_SAID:,} more")
    if not verdict.holds:
        say(f"{dataset} does not hold")
        raise typer.Exit(1)
    say(
        f"{dataset} holds: {verdict.files:,} files, {verdict.rows:,} rows, and all {verdict.numbers:,} numbers of its "
        "report follow from them"
    )
    say(f"sha256 of its manifest: {verdict.sha256}")


def _described(dataset: Path, verdict: Verdict) -> dict[str, Any]:
    return {
        "dataset": str(dataset),
        "holds": verdict.holds,
        "faults": [
            {"file": fault.file, "number": fault.number, "says": fault.says} for fault in verdict.faults
        ],
        "files": verdict.files,
        "rows": verdict.rows,
        "numbers": verdict.numbers,
        "sha256": verdict.sha256,
    }
