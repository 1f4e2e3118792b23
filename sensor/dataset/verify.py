"""``blocktap dataset verify``: whether a data set is what it says, without anything but the data set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sensor.dataset.compare import MISSING, differences, shown
from sensor.dataset.folder import list_folder
from sensor.dataset.limits import MOST_TEXT_BYTES, read_json
from sensor.dataset.load import conclude_from
from sensor.dataset.opened import (
    Dataset,
    Fault,
    files_at_fault,
    manifest_digest,
    read_dataset,
    tables_at_fault,
)
from sensor.dataset.package import DESCRIPTOR, NOT_REPRODUCIBLE, PAGE, PRIVACY, README, REPORT
from sensor.dataset.readme import readme_text
from sensor.dataset.reproducible import told_numbers
from sensor.dataset.writing import json_text
from sensor.errors import DatasetError

MOST_FAULTS = 20
"""After so many numbers that do not follow, no more are listed."""
_PICTURE = re.compile(r"<figure>.*?</figure>\n", re.DOTALL)


@dataclass(frozen=True)
class Verdict:
    """What came out.

    Attributes
    ----------
    faults
        What is wrong; nothing where the data set is what it says.
    files, rows, numbers
        How many were checked: files, rows of tables, numbers of the report.
    sha256
        Of the manifest, which stands for all of it; None where there is none.
    """

    faults: tuple[Fault, ...]
    files: int
    rows: int
    numbers: int
    sha256: str | None

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify_dataset(path: Path, program: str) -> Verdict:
    """Check hashes, columns and tables, compute the report anew and compare.

    Parameters
    ----------
    path
        The data set's folder.
    program
        Version of this program. The page is compared only with one of the same version.
    """
    found: list[Fault] = []
    files = rows = numbers = 0
    sha256 = None
    try:
        folder = list_folder(path)
        files = len(folder.sizes)
        found += files_at_fault(folder)
        sha256 = manifest_digest(folder)
        dataset = read_dataset(folder)
        rows = sum(one.rows for one in dataset.package.resources)
        found += tables_at_fault(dataset)
        told = _conclude(dataset)
        numbers = sum(1 for _ in _leaves(told))
        found += _report_at_fault(dataset, told)
        found += _texts_at_fault(dataset, told, program)
    except DatasetError as error:
        name, _, says = str(error).partition(": ")
        found.append(Fault(name, says) if says else Fault(str(path), str(error)))
    return Verdict(tuple(dict.fromkeys(found)), files, rows, numbers, sha256)


def _conclude(dataset: Dataset) -> dict[str, Any]:
    try:
        return conclude_from(dataset.tables, dataset.settings)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        OverflowError,
        ArithmeticError,
        MemoryError,
    ) as error:
        raise DatasetError(f"data: no report can be computed from the tables ({error})") from error


def _report_at_fault(dataset: Dataset, told: dict[str, Any]) -> Iterator[Fault]:
    given = read_json(dataset.folder.read(REPORT, MOST_TEXT_BYTES), REPORT)
    listed = 0
    for one in differences(given, told):
        listed += 1
        if listed <= MOST_FAULTS:
            yield Fault(
                REPORT,
                f"{one.path} does not follow from the data: it says {shown(one.one)}, the tables give "
                f"{shown(one.other)}",
                one.path,
            )
    if listed > MOST_FAULTS:
        yield Fault(REPORT, f"{listed - MOST_FAULTS:,} more numbers do not follow from the data")


def _texts_at_fault(dataset: Dataset, told: dict[str, Any], program: str) -> Iterator[Fault]:
    folder = dataset.folder
    for name in (DESCRIPTOR, REPORT, NOT_REPRODUCIBLE, PRIVACY):
        data = folder.read(name, MOST_TEXT_BYTES)
        if json_text(read_json(data, name)).encode() != data:
            yield Fault(name, "is not written as the program writes it")
    readme = readme_text(dataset.package, dataset.settings).encode()
    if folder.read(README, MOST_TEXT_BYTES) != readme:
        yield Fault(README, f"does not say what follows from {DESCRIPTOR}")
    yield from _list_at_fault(
        read_json(folder.read(NOT_REPRODUCIBLE, MOST_TEXT_BYTES), NOT_REPRODUCIBLE), told
    )
    page = _without_pictures(folder.read(PAGE, MOST_TEXT_BYTES))
    if program == dataset.settings.program and page != _page_of(dataset, told):
        yield Fault(PAGE, "does not show what follows from the data")


def _list_at_fault(found: Any, told: dict[str, Any]) -> Iterator[Fault]:
    """The list names numbers of this report, with the values that they have in it."""
    numbers = told_numbers(told)
    listed = found.get("numbers") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        yield Fault(NOT_REPRODUCIBLE, "lists no numbers")
        return
    for one in listed:
        path = one.get("path") if isinstance(one, dict) else None
        if not isinstance(path, str) or not isinstance(one.get("why"), str):
            yield Fault(NOT_REPRODUCIBLE, "an entry has no path or no reason")
        elif not path.endswith("[*]") and (
            path not in numbers or ("dataset" in one) != (numbers[path] is not MISSING)
            or ("dataset" in one and numbers[path] != one["dataset"])
        ):  # fmt: skip
            yield Fault(NOT_REPRODUCIBLE, f"{path} is not what the report says", path)


def _page_of(dataset: Dataset, told: dict[str, Any]) -> str:
    """The page without its pictures."""
    from sensor.report import make_report, to_html

    report = make_report(told, dataset.settings.simulated)
    return to_html(
        replace(report, sections=tuple(replace(section, charts=()) for section in report.sections))
    )


def _without_pictures(data: bytes) -> str:
    """Another version of the library that draws them draws them otherwise."""
    return _PICTURE.sub("", data.decode("utf-8", errors="replace"))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, int | float):
        yield value
