"""Country of outside addresses, a batch at a time.

By default the country is the one to which a regional Internet registry has assigned the
address (data inside the ``iptocc`` package, no network needed). That is where the holder is
registered, which need not be where the address is used. A MaxMind-format database given by
setting takes its place.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import Protocol

import iptocc
import maxminddb
import pyarrow as pa

from sensor.errors import ConfigError

CACHE_LIMIT = 200_000
"""Addresses remembered in each of the two generations of the database's cache."""

# Codes of registration data that name no single country.
_NO_COUNTRY = frozenset({"AP", "EU", "XX", "ZZ"})


class _Source(Protocol):
    name: str
    data_date: date | None

    def countries(self, addresses: Sequence[str]) -> list[str | None]: ...


class CountryLookup:
    """Look up countries, each distinct address of a batch once.

    Parameters
    ----------
    database : Path, optional
        A MaxMind-format file (``.mmdb``); None takes registration data.

    Attributes
    ----------
    source : str
        ``rir``, or the type that the database says it has (``GeoLite2-Country``).
    data_date : date or None
        Day on which the data was built.

    Raises
    ------
    ConfigError
        The database cannot be read.
    """

    def __init__(self, database: Path | None = None) -> None:
        self._backend: _Source = _Registration() if database is None else _Database(database)
        self.source = self._backend.name
        self.data_date = self._backend.data_date

    @property
    def country_source(self) -> str:
        """What goes into the column ``country_source``: source and date, ``rir 2026-10-27``."""
        return self.source if self.data_date is None else f"{self.source} {self.data_date.isoformat()}"

    def lookup(self, addresses: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
        """Country of each address.

        Parameters
        ----------
        addresses : pyarrow array of utf8, or dictionary of utf8
            Textual IPv4 and IPv6 addresses; may hold nulls.

        Returns
        -------
        pyarrow.DictionaryArray of int32 to utf8
            ISO 3166-1 alpha-2 codes in the order of the addresses; null for private, reserved
            and unassigned addresses, for text that is no address, and for nulls.
        """
        if isinstance(addresses, pa.ChunkedArray):
            addresses = addresses.combine_chunks()
        encoded = addresses if isinstance(addresses, pa.DictionaryArray) else addresses.dictionary_encode()
        distinct = [address or "" for address in encoded.dictionary.to_pylist()]
        codes = pa.array(self._backend.countries(distinct), pa.string()).dictionary_encode()
        indices = codes.indices.take(encoded.indices)
        return pa.DictionaryArray.from_arrays(indices, codes.dictionary)


class _Registration:
    """Registration data of iptocc: some 0.1 us an address, so a cache would cost more than it saves."""

    name = "rir"

    def __init__(self) -> None:
        self.data_date = _registration_date()

    def countries(self, addresses: Sequence[str]) -> list[str | None]:
        codes = iptocc.country_code(addresses)
        return [None if code in _NO_COUNTRY else code for code in codes]


class _Database:
    """A MaxMind-format file, with the answers of recent batches remembered.

    Two generations make a cheap cache of the recently used: an address found in the old one
    moves to the new one, and when the new one is full it becomes the old one.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._reader = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise ConfigError(f"{path}: no usable MaxMind-format database ({error})") from error
        header = self._reader.metadata()
        self.name = header.database_type
        built = header.build_epoch
        self.data_date = datetime.fromtimestamp(built, UTC).date() if built else None
        self._new: dict[str, str | None] = {}
        self._old: dict[str, str | None] = {}

    def countries(self, addresses: Sequence[str]) -> list[str | None]:
        return [self._country(address) for address in addresses]

    def _country(self, address: str) -> str | None:
        if address in self._new:
            return self._new[address]
        code = self._old[address] if address in self._old else self._read(address)
        if len(self._new) >= CACHE_LIMIT:
            self._old, self._new = self._new, {}
        self._new[address] = code
        return code

    def _read(self, address: str) -> str | None:
        try:
            parsed = ipaddress.ip_address(address)
            # An IPv4-only database refuses IPv6 addresses.
            record = self._reader.get(parsed) if parsed.is_global else None
        except ValueError:
            return None
        except maxminddb.InvalidDatabaseError:
            # A damaged record must not stop the capture of everything else.
            return None
        return _country_of_record(record)


def _country_of_record(record: object) -> str | None:
    """ISO code in the shapes that publishers use: nested as MaxMind has it, or a flat key."""
    if not isinstance(record, dict):
        return None
    for key in ("country", "registered_country", "country_code"):
        value = record.get(key)
        if isinstance(value, dict):
            value = value.get("iso_code")
        if isinstance(value, str) and len(value) == 2 and value.isalpha():
            return value.upper()
    return None


def _registration_date() -> date | None:
    """Build day of the registration data: its packager notes it in the bill of materials, nowhere else."""
    for file in metadata.files("iptocc") or []:
        if file.name.endswith(".cyclonedx.json"):
            try:
                bill = json.loads(file.read_text(encoding="utf-8"))
                return datetime.fromisoformat(bill["metadata"]["timestamp"]).date()
            except (OSError, ValueError, KeyError, TypeError):
                return None
    return None
