"""A data set opened for reading: files against their hashes, tables against their columns and each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from sensor.dataset.consistency import faults
from sensor.dataset.descriptor import read_package
from sensor.dataset.folder import Folder, list_folder
from sensor.dataset.limits import MOST_TABLE_BYTES, MOST_TEXT_BYTES, is_plain_path, read_json
from sensor.dataset.package import DESCRIPTOR, MANIFEST, TEXTS, Package, manifest_text
from sensor.dataset.parquet import read_shape, read_table
from sensor.dataset.settings import METHOD, Settings
from sensor.dataset.tables import TABLES
from sensor.errors import DatasetError

_HASH_LENGTH = 64


@dataclass(frozen=True)
class Fault:
    """What is wrong, in which file, and with which number of the report if it is one."""

    file: str
    says: str
    number: str | None = None

    def __str__(self) -> str:
        return f"{self.file}: {self.says}"


@dataclass(frozen=True)
class Dataset:
    """What was read."""

    folder: Folder
    package: Package
    settings: Settings
    tables: dict[str, pa.Table]


def open_dataset(path: Path) -> Dataset:
    """Open a data set whose files are all there and as their hashes say.

    Raises
    ------
    DatasetError
        It is none; the message names the first file at fault.
    """
    folder = list_folder(path)
    for fault in files_at_fault(folder):
        raise DatasetError(f"{path}: {fault}")
    try:
        dataset = read_dataset(folder)
        for fault in tables_at_fault(dataset):
            raise DatasetError(str(fault))
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
    return dataset


def files_at_fault(folder: Folder) -> Iterator[Fault]:
    """Files that are missing, that nobody listed, or that have other hashes than were listed."""
    try:
        listed = _read_manifest(folder)
    except DatasetError as error:
        name, _, says = str(error).partition(": ")
        yield Fault(name, says)
        return
    for path in sorted(listed.keys() - folder.sizes.keys()):
        yield Fault(path, f"is missing; {MANIFEST} lists it")
    for path in sorted(folder.sizes.keys() - listed.keys() - {MANIFEST}):
        yield Fault(path, f"is not listed in {MANIFEST}: nobody answers for it")
    for path in sorted(listed.keys() & folder.sizes.keys()):
        if folder.digest(path) != listed[path]:
            yield Fault(path, f"has another hash than {MANIFEST} lists: it was changed")


def read_dataset(folder: Folder) -> Dataset:
    """Read descriptor and tables.

    Raises
    ------
    DatasetError
        One of them cannot be read; the message begins with its name.
    """
    package, settings = read_package(read_json(folder.read(DESCRIPTOR, MOST_TEXT_BYTES), DESCRIPTOR))
    if settings.method != METHOD:
        raise DatasetError(
            f"{DESCRIPTOR}: is of method {settings.method}, this program has method {METHOD}; use Blocktap "
            f"{settings.program}, which wrote it"
        )
    tables = {
        one.name: read_table(folder.read(one.path, MOST_TABLE_BYTES), one.path, one.arrow) for one in TABLES
    }
    return Dataset(folder, package, settings, tables)


def tables_at_fault(dataset: Dataset) -> Iterator[Fault]:
    """What the descriptor says of files and is not so, and tables that contradict themselves or each other."""
    folder = dataset.folder
    described = {one.path: one for one in dataset.package.resources}
    expected = {*described, *TEXTS, MANIFEST}
    for path in sorted(expected ^ folder.sizes.keys()):
        yield Fault(path, "is missing" if path in expected else "is no file that a data set has")
    for path, one in described.items():
        if path not in folder.sizes:
            continue
        if folder.sizes[path] != one.bytes or folder.digest(path) != one.sha256:
            yield Fault(path, f"has another hash or size than {DESCRIPTOR} says")
        elif one.name in dataset.tables:
            if dataset.tables[one.name].num_rows != one.rows:
                yield Fault(path, f"has another number of rows than {DESCRIPTOR} says")
        else:
            columns, rows = read_shape(str(folder.root / path), path)
            if columns != [field["name"] for field in one.schema["fields"]] or rows != one.rows:
                yield Fault(path, f"has other columns or rows than {DESCRIPTOR} says")
    for file, says in faults(dataset.tables, dataset.settings):
        yield Fault(file, says)


def _read_manifest(folder: Folder) -> dict[str, str]:
    try:
        text = folder.read(MANIFEST, MOST_TEXT_BYTES).decode("ascii")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{MANIFEST}: is no list of hashes") from error
    listed: dict[str, str] = {}
    for line in text.splitlines():
        listed[line[_HASH_LENGTH + 2 :]] = line[:_HASH_LENGTH]
    if not listed or manifest_text(listed) != text or not all(map(is_plain_path, listed)):
        raise DatasetError(
            f"{MANIFEST}: is no list of hashes of files inside the folder, one a line, by path"
        )
    return listed


def manifest_digest(folder: Folder) -> str:
    """The hash that stands for all of a data set."""
    return hashlib.sha256(folder.read(MANIFEST, MOST_TEXT_BYTES)).hexdigest()
