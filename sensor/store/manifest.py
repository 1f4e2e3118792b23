"""``store.toml``: says that a folder is a store, and which schema it has."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sensor.errors import StoreError
from sensor.schema import SCHEMA_VERSION, TABLES
from sensor.store import durable
from sensor.store.layout import journal_folder, lock_folder, run_folder
from sensor.store.lock import READER_LOCKS

FILE_NAME = "store.toml"


@dataclass(frozen=True)
class Manifest:
    """What ``store.toml`` says.

    ``simulated`` names the scenario whose rows the store has, or several, with commas between them; None
    where nothing in it is made up.
    """

    schema_version: int
    created: datetime
    simulated: str | None = None


def read_manifest(root: Path) -> Manifest:
    """Read and check a store's manifest.

    Raises
    ------
    StoreError
        There is no store, it is damaged, or its schema is newer than this program.
    """
    path = root / FILE_NAME
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        version, created = data["schema_version"], data["created"]
        if not isinstance(version, int) or not isinstance(created, datetime):
            raise TypeError("schema_version must be a number and created a time")
        simulated = data.get("simulated")
        if not isinstance(simulated, str | None):
            raise TypeError("simulated must be a text")
        manifest = Manifest(version, created, simulated)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(f"{root} is no store: there is no {FILE_NAME} in it") from error
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged: {error}") from error
    if manifest.schema_version > SCHEMA_VERSION:
        raise StoreError(
            f"{root} has schema version {manifest.schema_version}, this program knows versions up to "
            f"{SCHEMA_VERSION}: update Blocktap"
        )
    return manifest


def open_or_create(root: Path) -> Manifest:
    """Read the manifest of a store, making the store where the folder is missing or empty."""
    try:
        if not (root / FILE_NAME).exists():
            _create(root)
        manifest = read_manifest(root)
        for folder in (
            *(root / table for table in TABLES),
            journal_folder(root),
            lock_folder(root),
            run_folder(root),
        ):
            durable.make_folder(folder)
        for name in READER_LOCKS:
            if not (lock_folder(root) / name).exists():
                durable.create_file(lock_folder(root) / name)
    except OSError as error:
        raise StoreError(f"cannot open the store {root}: {error.strerror}") from error
    return manifest


def mark_simulated(root: Path, scenario: str) -> None:
    """Say in a store's manifest that rows of this scenario are in it; nothing takes the mark off again."""
    manifest = read_manifest(root)
    marks = manifest.simulated.split(", ") if manifest.simulated else []
    if scenario not in marks:
        _write(root, Manifest(manifest.schema_version, manifest.created, ", ".join([*marks, scenario])))


def _create(root: Path) -> None:
    durable.make_folder(root)
    # A temporary manifest is another process creating the same store, or one that died at it.
    strangers = sorted(name for name in os.listdir(root) if not name.startswith(f".{FILE_NAME}."))
    if strangers and FILE_NAME not in strangers:
        raise StoreError(
            f"{root} is not empty and no store (it holds {strangers[0]!r}): choose another folder"
        )
    os.chmod(root, durable.FOLDER_MODE)
    _write(root, Manifest(SCHEMA_VERSION, datetime.now(UTC)))


def _write(root: Path, manifest: Manifest) -> None:
    created = manifest.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # JSON's quotes and escapes are TOML's too.
    simulated = f"simulated = {json.dumps(manifest.simulated)}\n" if manifest.simulated else ""
    durable.write_text(
        root / FILE_NAME,
        "# A Blocktap store: Parquet files in folders by table and day.\n"
        f"schema_version = {manifest.schema_version}\ncreated = {created}\n{simulated}",
    )
