"""What a data set is made of: files, and what each says of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
            "format": "parquet",
            "mediatype": "application/vnd.apache.parquet",
            "bytes": self.bytes,
            "hash": f"sha256:{self.sha256}",
            "rows": self.rows,
            "schema": dict(self.schema),
        }
