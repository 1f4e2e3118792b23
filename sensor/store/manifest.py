"""``store.toml``: says that a folder is a store, and which schema it has."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sensor import schema
from sensor.errors import StoreError
from sensor.store import durable
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
        _write(place, Manifest(manifest.schema_version, manifest.created, ", ".join([*marks, scenario])))


def set_schema_version(where: Where, version: int) -> None:
    """Say that every segment has this version at least."""
    place = place_of(where)
    _write(place, replace(read_manifest(place), schema_version=version))


def _create(place: Place) -> None:
    root = local_root(place)
    if root is not None:
        durable.make_folder(root)
    # A temporary manifest is another process creating the same store, or one that died at it.
    strangers = [name for name in place.names() if not name.startswith(f".{FILE_NAME}.")]
    if strangers and FILE_NAME not in strangers:
        raise StoreError(
            f"{place.name} is not empty and no store (it holds {strangers[0]!r}): choose another folder"
        )
    if root is not None:
        os.chmod(root, durable.FOLDER_MODE)
    _write(place, Manifest(schema.SCHEMA_VERSION, datetime.now(UTC)))


def _write(place: Place, manifest: Manifest) -> None:
    created = manifest.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # JSON's quotes and escapes are TOML's too.
    simulated = f"simulated = {json.dumps(manifest.simulated)}\n" if manifest.simulated else ""
    place.write_text(
        FILE_NAME,
        "# A Blocktap store: Parquet files in folders by table and day.\n"
        f"schema_version = {manifest.schema_version}\ncreated = {created}\n{simulated}",
    )
