"""``store.toml``: says that a folder is a store, and which schema it has."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sensor import schema
from sensor.errors import StoreError
from sensor.store import durable
from sensor.store.layout import FOLDERS
from sensor.store.place import Place, Where, place_of
from sensor.store.place.model import local_root, reason_of

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


def read_manifest(where: Where) -> Manifest:
    """Read and check a store's manifest.

    Raises
    ------
    StoreError
        There is no store, it is damaged, or its schema is newer than this program.
    """
    place = place_of(where)
    path = place.url(FILE_NAME) if place.shares_locks else f"{place.name}/{FILE_NAME}"
    try:
        data = tomllib.loads(place.read_text(FILE_NAME))
        version, created = data["schema_version"], data["created"]
        if not isinstance(version, int) or not isinstance(created, datetime):
            raise TypeError("schema_version must be a number and created a time")
        simulated = data.get("simulated")
        if not isinstance(simulated, str | None):
            raise TypeError("simulated must be a text")
        manifest = Manifest(version, created, simulated)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(f"{place.name} is no store: there is no {FILE_NAME} in it") from error
    except OSError as error:
        raise StoreError(f"cannot read {path}: {reason_of(error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged: {error}") from error
    if manifest.schema_version > schema.SCHEMA_VERSION:
        raise StoreError(
            f"{place.name} has schema version {manifest.schema_version}, this program knows versions up to "
            f"{schema.SCHEMA_VERSION}: update Blocktap"
        )
    return manifest


def open_or_create(where: Where) -> Manifest:
    """Read the manifest of a store, making the store where the folder is missing or empty."""
    place = place_of(where)
    try:
        if not place.exists(FILE_NAME):
            _create(place)
        manifest = read_manifest(place)
        place.prepare()
    except OSError as error:
        raise StoreError(f"cannot open the store {place.name}: {reason_of(error)}") from error
    return manifest


def mark_simulated(where: Where, scenario: str) -> None:
    """Say in a store's manifest that rows of this scenario are in it; nothing takes the mark off again."""
    place = place_of(where)
    manifest = read_manifest(place)
    marks = manifest.simulated.split(", ") if manifest.simulated else []
    if scenario not in marks:
        marked = Manifest(manifest.schema_version, manifest.created, ", ".join([*marks, scenario]))
        place.write_text(FILE_NAME, _text(marked))


def set_schema_version(where: Where, version: int) -> None:
    """Say that every segment has this version at least."""
    place = place_of(where)
    place.write_text(FILE_NAME, _text(replace(read_manifest(place), schema_version=version)))


def _create(place: Place) -> None:
    root = local_root(place)
    if root is not None:
        durable.make_folder(root)
    names = place.names()
    strangers = [name for name in names if not _is_begun(root, name)]
    if strangers and FILE_NAME not in strangers:
        raise StoreError(
            f"{place.name} is not empty and no store (it holds {strangers[0]!r}): choose another folder"
        )
    text = _text(Manifest(schema.SCHEMA_VERSION, datetime.now(UTC)))
    if root is not None:
        os.chmod(root, durable.FOLDER_MODE)
    if root is None or names:
        place.write_text(FILE_NAME, text)
    else:
        # Synced with the folders that the store is about to get.
        durable.replace_text(root / FILE_NAME, text)


def _is_begun(root: Path | None, name: str) -> bool:
    """Whether an entry is of somebody who is creating this store, or died at it."""
    if name.startswith(f".{FILE_NAME}."):
        return True
    try:
        return root is not None and name in FOLDERS and not any((root / name).iterdir())
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
