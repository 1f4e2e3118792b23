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
        if is_new := not (root / FILE_NAME).exists():
            _create(root)
        manifest = read_manifest(root)
        # All entries of the folder are synced at once: nothing is in the store before they are.
        created = [durable.create_folder(folder) for folder in _folders(root)]
        if is_new or any(created):
            durable.sync_folder(root)
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
        marked = Manifest(manifest.schema_version, manifest.created, ", ".join([*marks, scenario]))
        durable.write_text(root / FILE_NAME, _text(marked))


def _folders(root: Path) -> list[Path]:
    return [*(root / table for table in TABLES), journal_folder(root), lock_folder(root), run_folder(root)]


def _create(root: Path) -> None:
    durable.make_folder(root)
    strangers = sorted(name for name in os.listdir(root) if not _is_begun(root, name))
    if strangers and FILE_NAME not in strangers:
        raise StoreError(
            f"{root} is not empty and no store (it holds {strangers[0]!r}): choose another folder"
        )
    os.chmod(root, durable.FOLDER_MODE)
    durable.replace_text(root / FILE_NAME, _text(Manifest(SCHEMA_VERSION, datetime.now(UTC))))


def _is_begun(root: Path, name: str) -> bool:
    """Whether an entry is what somebody left who is creating this store, or died at it."""
    if name.startswith(f".{FILE_NAME}."):
        return True
    folder = root / name
    try:
        return folder in _folders(root) and not any(folder.iterdir())
    except OSError:
        return False


def _text(manifest: Manifest) -> str:
    created = manifest.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # JSON's quotes and escapes are TOML's too.
    simulated = f"simulated = {json.dumps(manifest.simulated)}\n" if manifest.simulated else ""
    return (
        "# A Blocktap store: Parquet files in folders by table and day.\n"
        f"schema_version = {manifest.schema_version}\ncreated = {created}\n{simulated}"
    )
