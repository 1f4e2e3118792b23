"""``blocktap dataset export``: the evidence of a study, shareable."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sensor.dataset.counts import Source
from sensor.dataset.evidence import make_tables
from sensor.dataset.load import conclude_from
from sensor.dataset.package import (
    DESCRIPTOR,
    LICENCES,
    MANIFEST,
    NOT_REPRODUCIBLE,
    PAGE,
    PRIVACY,
    README,
    REPORT,
    Licence,
    Package,
    Resource,
    digest,
    manifest_text,
)
from sensor.dataset.readme import readme_text
from sensor.dataset.records import (
    DEFAULT_ROUND_TIME_S,
    RecordOptions,
    privacy_report,
    read_or_make_key,
    write_records,
)
from sensor.dataset.reproducible import not_reproducible
from sensor.dataset.settings import METHOD, Settings
from sensor.dataset.tables import TABLES
from sensor.dataset.writing import json_text, new_folder, write_table, write_text
from sensor.errors import ConfigError, DatasetError
from sensor.store import read_manifest
from sensor.store.engine.rollup import DuckDBRollups
from sensor.study import StudyOptions
from sensor.study.readings import read_store
from sensor.study.use import Window
from sensor.study.whole import conclude, load_knowledge, what_to_read

LEAST_K = 2
DEFAULT_K = 5
DEFAULT_TITLE = "Who they talk to: a Blocktap data set"


@dataclass(frozen=True)
class ExportOptions:
    """What a data set is to be like.

    Attributes
    ----------
    study
        Period, time zone, rules and the rest, as for a report.
    k
        Fewest inside addresses of a cell.
    licence
        Name of one of `sensor.dataset.package.LICENCES`.
    title
        Of the data set.
    records
        Makes the options of flow records out of what counts and k; None for none.
    replace
        A data set that is there may go.
    """

    study: StudyOptions = field(default_factory=StudyOptions)
    k: int = DEFAULT_K
    licence: str = "CC-BY-4.0"
    title: str = DEFAULT_TITLE
    records: Callable[[Window, int], RecordOptions] | None = None
    replace: bool = False

    def __post_init__(self) -> None:
        if self.k < LEAST_K:
            raise ConfigError(f"k is {self.k}: a cell of fewer than {LEAST_K} addresses is somebody's own")
        if self.licence not in LICENCES:
            raise ConfigError(f"there is no licence {self.licence!r}: choose one of {', '.join(LICENCES)}")


@dataclass(frozen=True)
class Exported:
    """What was written: where, the tables, and the hash of the manifest, which stands for all of it."""

    path: Path
    resources: tuple[Resource, ...]
    sha256: str


def export_dataset(
    store: str | os.PathLike[str], path: Path, program: str, options: ExportOptions | None = None
) -> Exported:
    """Write a data set, whole or not at all. The same store and options give the same bytes.

    Parameters
    ----------
    store
        The store's folder.
    path
        The new folder.
    program
        Version of this program.
    options
        What it is to be like.

    Raises
    ------
    DatasetError
        The store has nothing that may be told, or the folder is taken or cannot be written.
    ConfigError, RuleError, StoreError
        As for a study of the store.
    """
    options = options or ExportOptions()
    manifest = read_manifest(Path(store))
    study, k = options.study, options.k
    known = load_knowledge(study)
    window, protocols = what_to_read(study, known)
    records = options.records(window, k) if options.records is not None else None
    if records is not None:
        # Refused before the work, and by the folder's final name: it is written under another one.
        read_or_make_key(records.key_file, path)
    with DuckDBRollups(store, memory_limit=study.memory_limit, threads=study.threads) as engine:
        readings = read_store(engine, window, protocols)
        days = readings.gathered.days
        settings = Settings(
            k=k,
            method=METHOD,
            program=program,
            timezone=study.timezone,
            seed=study.seed,
            resamples=study.resamples,
            one_way=study.one_way,
            first_day=days[0].isoformat() if days else None,
            last_day=days[-1].isoformat() if days else None,
            expectation=known.expectation.source,
            expectation_block=known.expectation.block,
            simulated=manifest.simulated,
        )
        tables = make_tables(Source(engine, window, readings, k), known, study.zone)
        privacy = privacy_report(engine, window, k, records.round_time_s if records else DEFAULT_ROUND_TIME_S)
    if not tables["use"].num_rows:
        raise DatasetError(f"{store}: fewer than {k} inside addresses began a flow; there is nothing to tell")
    found = conclude(readings, known, study, manifest.simulated)
    told = conclude_from(tables, settings)
    with new_folder(path, replace=options.replace) as folder:
        resources = [write_table(folder, one, tables[one.name]) for one in TABLES]
        if records is not None:
            resources += write_records(store, folder, records)
        package = Package(
            "blocktap-dataset", options.title, _licence(options), settings.described(), resources
        )
        _write_texts(folder, package, settings, (found, told, privacy))
        text = manifest_text(_hashes(folder))
        write_text(folder / MANIFEST, text)
        return Exported(path, tuple(resources), digest(folder / MANIFEST))


def _licence(options: ExportOptions) -> Licence:
    return LICENCES[options.licence]


def _write_texts(
    folder: Path, package: Package, settings: Settings, numbers: tuple[dict[str, Any], dict[str, Any], Any]
) -> None:
    found, told, privacy = numbers
    write_text(folder / DESCRIPTOR, json_text(package.described()))
    write_text(folder / README, readme_text(package, settings))
    write_text(folder / REPORT, json_text(told))
    write_text(folder / PAGE, _page(told, settings.simulated))
    write_text(folder / NOT_REPRODUCIBLE, json_text(not_reproducible(found, told)))
    write_text(folder / PRIVACY, json_text(privacy))


def _page(told: dict[str, Any], simulated: str | None) -> str:
    from sensor.report import make_report, to_html

    return to_html(make_report(told, simulated))


def _hashes(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): digest(file) for file in files}
