"""What a data set is made of: files, and what each says of its columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DESCRIPTOR = "datapackage.json"
README = "README.md"
REPORT = "report.json"
PAGE = "report.html"
NOT_REPRODUCIBLE = "not_reproducible.json"
PRIVACY = "privacy.json"
MANIFEST = "SHA256SUMS"
TEXTS = (DESCRIPTOR, README, REPORT, PAGE, NOT_REPRODUCIBLE, PRIVACY)
"""What every data set has besides its tables and its manifest."""


@dataclass(frozen=True)
class Resource:
    """One table of a data set.

    Attributes
    ----------
    name
        What it is called inside the data set: lower case, digits, ``-``.
    path
        Its file, relative to the data set's folder, steps divided by ``/``.
    title
        One sentence: what a row is.
    schema
        A Frictionless Table Schema: ``{"fields": [{"name", "type", "description"}], ...}``.
    rows
        How many.
    sha256
        Of the file's bytes, in lower-case hexadecimal digits.
    bytes
        The file's size.
    """

    name: str
    path: str
    title: str
    schema: Mapping[str, Any]
    rows: int
    sha256: str
    bytes: int

    def described(self) -> dict[str, Any]:
        """The resource in ``datapackage.json``."""
        return {
            "name": self.name,
            "path": self.path,
            "title": self.title,
            "type": "table",
            "format": "parquet",
            "mediatype": "application/vnd.apache.parquet",
            "bytes": self.bytes,
            "hash": f"sha256:{self.sha256}",
            "rows": self.rows,
            "schema": dict(self.schema),
        }


@dataclass(frozen=True)
class Licence:
    """Under which words a data set is shared."""

    name: str
    title: str
    path: str


LICENCES = {
    one.name: one
    for one in (
        Licence(
            "CC-BY-4.0",
            "Creative Commons Attribution 4.0",
            "https://creativecommons.org/licenses/by/4.0/",
        ),
        Licence("CC0-1.0", "Creative Commons CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        Licence("ODbL-1.0", "Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
        Licence(
            "ODC-By-1.0", "Open Data Commons Attribution 1.0", "https://opendatacommons.org/licenses/by/1-0/"
        ),
        Licence("PDDL-1.0", "Public Domain Dedication 1.0", "https://opendatacommons.org/licenses/pddl/1-0/"),
    )
}
"""What may be chosen, by name."""


@dataclass(frozen=True)
class Package:
    """What ``datapackage.json`` says."""

    name: str
    title: str
    licence: Licence
    settings: Mapping[str, Any]
    resources: Sequence[Resource]

    def described(self) -> dict[str, Any]:
        """The descriptor, as Frictionless Data Package 2 has it; ``blocktap`` is what a study needs besides."""
        return {
            "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
            "name": self.name,
            "title": self.title,
            "licenses": [{"name": self.licence.name, "title": self.licence.title, "path": self.licence.path}],
            "blocktap": dict(self.settings),
            "resources": [resource.described() for resource in self.resources],
        }


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest_text(hashes: Mapping[str, str]) -> str:
    """The manifest, as ``sha256sum --check`` reads it: a line a file, by path."""
    return "".join(f"{hashes[path]}  {path}\n" for path in sorted(hashes))
