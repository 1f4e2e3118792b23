"""Files of a data set, each on the disk when the function returns."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sensor.dataset.package import DESCRIPTOR, Resource, digest
from sensor.dataset.tables import TableSpec
from sensor.errors import DatasetError
from sensor.store import durable

ROW_GROUP_ROWS = 100_000
_ZSTD_LEVEL = 9


@contextmanager
def new_folder(path: Path, *, replace: bool) -> Iterator[Path]:
    """A folder to fill that gets its name when all is in it; after a failure there is none.

    Parameters
    ----------
    path
        Its name.
    replace
        A data set of this name may go.

    Raises
    ------
    DatasetError
        There is something else of this name, or the folder cannot be written.
    """
    path = path.absolute()
    _refuse(path, replace=replace)
    part = path.with_name(f".{path.name}.{getpid()}.part")
    old = path.with_name(f".{path.name}.{getpid()}.old")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir()
        yield part
        for folder in sorted((one for one in part.rglob("*") if one.is_dir()), reverse=True):
            durable.sync_folder(folder)
        durable.sync_folder(part)
        if path.exists() and any(path.iterdir()):
            path.rename(old)
        part.rename(path)
        durable.sync_folder(path.parent)
    except OSError as error:
        raise DatasetError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)


def _refuse(path: Path, *, replace: bool) -> None:
    if not path.exists() and not path.is_symlink():
        return
    if path.is_symlink() or not path.is_dir():
        raise DatasetError(f"{path} is there already and no folder: name another one")
    if not any(path.iterdir()):
        return
    if not replace:
        raise DatasetError(f"{path} is not empty: name another folder, or say --replace if it is a data set")
    if not (path / DESCRIPTOR).is_file():
        raise DatasetError(f"{path} is no data set ({DESCRIPTOR} is missing): it is not replaced")


def write_table(folder: Path, one: TableSpec, table: pa.Table) -> Resource:
    """Write a table; the same rows give the same bytes."""
    path = folder / one.path
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        path,
        row_group_size=ROW_GROUP_ROWS,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        # Without the Arrow schema in the file every reader sees the same plain columns.
        store_schema=False,
    )
    durable.sync_file(path)
    return Resource(
        one.name, one.path, one.title, one.schema, table.num_rows, digest(path), path.stat().st_size
    )


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8."""
    path.write_text(text, encoding="utf-8", newline="\n")
    durable.sync_file(path)


def json_text(value: Any) -> str:
    """JSON as every file of a data set has it."""
    return json.dumps(value, ensure_ascii=True, indent=1, allow_nan=False) + "\n"
