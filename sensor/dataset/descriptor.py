"""``datapackage.json`` of a stranger, believed in nothing that can be checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sensor.dataset.limits import MOST_ROWS, is_plain_path
from sensor.dataset.package import LICENCES, Package, Resource
from sensor.dataset.settings import Settings, read_settings
from sensor.dataset.tables import TABLES
from sensor.errors import DatasetError

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_MOST_TITLE = 300
_KEYS = {"$schema", "name", "title", "licenses", "blocktap", "resources"}
_FILE = "datapackage.json"


def read_package(found: Any) -> tuple[Package, Settings]:
    """Read the descriptor.

    Raises
    ------
    DatasetError
        It is none of a data set, or names a file that is none inside the folder.
    """
    if not isinstance(found, dict) or found.keys() != _KEYS or not isinstance(found["resources"], list):
        raise DatasetError(f"{_FILE}: has to hold " + ", ".join(sorted(_KEYS)))
    settings = read_settings(found["blocktap"])
    resources = [_resource(one) for one in found["resources"]]
    known = {one.name: one for one in TABLES}
    for one in resources:
        if one.name in known and (
            one.path != known[one.name].path or dict(one.schema) != known[one.name].schema
        ):
            raise DatasetError(
                f"{_FILE}: table {one.name} has another path or other columns than it has to have"
            )
    if [one.name for one in resources[: len(TABLES)]] != list(known):
        raise DatasetError(f"{_FILE}: the tables are not " + ", ".join(known))
    if len({one.name for one in resources} | {one.path for one in resources}) != 2 * len(resources):
        raise DatasetError(f"{_FILE}: two tables have one name or path")
    package = Package(
        _text(found, "name"),
        _text(found, "title"),
        LICENCES[_licence(found)],
        settings.described(),
        resources,
    )
    if package.described() != found:
        raise DatasetError(f"{_FILE}: says something that does not follow from the rest of it")
    return package, settings


def _licence(found: Mapping[str, Any]) -> str:
    """Name of the first licence; `Package.described` compares the rest."""
    listed = found["licenses"]
    first = listed[0] if isinstance(listed, list) and listed else None
    name = first.get("name") if isinstance(first, dict) else None
    if not isinstance(name, str) or name not in LICENCES:
        raise DatasetError(f"{_FILE}: the licence is none of " + ", ".join(LICENCES))
    return name


def _resource(found: Any) -> Resource:
    if not isinstance(found, dict):
        raise DatasetError(f"{_FILE}: a resource is no object")
    path = found.get("path")
    if not is_plain_path(path) or not str(path).endswith(".parquet"):
        raise DatasetError(f"{_FILE}: {ascii(path)[:80]} is no Parquet file inside the folder")
    name, hashed = _NAME.fullmatch(_text(found, "name")), _HASH.fullmatch(_text(found, "hash"))
    if name is None or hashed is None:
        raise DatasetError(f"{_FILE}: {path}: name or hash is none")
    rows, size, schema = found.get("rows"), found.get("bytes"), found.get("schema")
    if type(rows) is not int or type(size) is not int or not 0 <= rows <= MOST_ROWS or size < 0:
        raise DatasetError(f"{_FILE}: {path}: rows or bytes is out of range")
    if not isinstance(schema, dict) or not _has_fields(schema):
        raise DatasetError(f"{_FILE}: {path}: the schema has no fields")
    return Resource(name[0], str(path), _text(found, "title"), schema, rows, hashed[1], size)


def _has_fields(schema: Mapping[str, Any]) -> bool:
    fields = schema.get("fields")
    return isinstance(fields, list) and all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in fields
    )


def _text(found: Mapping[str, Any], key: str) -> str:
    text = found.get(key)
    if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= _MOST_TITLE:
        raise DatasetError(f"{_FILE}: {key} is no line of text")
    return text
