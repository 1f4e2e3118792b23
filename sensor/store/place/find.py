"""From what people write to a place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from sensor.errors import StoreError
from sensor.store.place.local import LocalPlace
from sensor.store.place.model import Place

SCHEMES = frozenset({"s3", "gs", "gcs", "abfs", "abfss", "az"})

Where: TypeAlias = str | os.PathLike[str] | Place
"""A store as callers name it: a folder, ``s3://bucket/prefix``, or a place that they have already."""


def is_remote(where: str | os.PathLike[str]) -> bool:
    """Whether this names a store on object storage."""
    return isinstance(where, str) and "://" in where and not where.startswith("file://")


def place_of(where: Where) -> Place:
    """The place that is meant.

    Raises
    ------
    StoreError
        The address is not understood.
    """
    if not isinstance(where, str | os.PathLike):
        return where
    if is_remote(where):
        # It brings pyarrow's file systems, which take a while.
        from sensor.store.place.objects import object_place

        return object_place(str(where))
    if isinstance(where, str) and where.startswith("file://"):
        where = unquote(urlsplit(where).path)
    first = Path(where).parts[:1]
    if first and first[0].rstrip(":") in SCHEMES and first[0].endswith(":"):
        # A path has lost one of the two slashes, and would make a folder of that name.
        raise StoreError(f"{where}: a store on object storage cannot be named here")
    return LocalPlace(Path(where))
