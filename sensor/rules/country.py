"""Country of outside addresses by a database in MaxMind's format, a batch at a time.

Without one the core takes the country in which a registry has given the address away. That is where
the holder is registered, which need not be where the address is used.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import maxminddb
import pyarrow as pa
import pyarrow.compute

from sensor.errors import ConfigError

CACHE_LIMIT = 200_000
"""Addresses remembered in each of the two generations of the cache."""


class CountryDatabase:
    """A MaxMind-format file (``.mmdb``), each distinct address of a batch looked up once.

    The answers of recent batches are remembered. Two generations make a cheap cache of the recently
    used: an address found in the old one moves to the new one, and when the new one is full it becomes
    the old one.

    Attributes
    ----------
    name : str
        The type that the database says it has (``GeoLite2-Country``).
    data_date : date or None
        Day on which the data was built.

    Raises
    ------
    ConfigError
        The database cannot be read.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._reader = _open_copy(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise ConfigError(f"{path}: no usable MaxMind-format database ({error})") from error
        header = self._reader.metadata()
        self.name = header.database_type
        built = header.build_epoch
        self.data_date = datetime.fromtimestamp(built, UTC).date() if built else None
        self._new: dict[str, str | None] = {}
        self._old: dict[str, str | None] = {}

    @property
    def country_source(self) -> str:
        """What goes into the column of that name: type and day, ``GeoLite2-Country 2026-10-27``."""
        return self.name if self.data_date is None else f"{self.name} {self.data_date.isoformat()}"

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
            and unknown addresses, for text that is no address, and for nulls.
        """
        if isinstance(addresses, pa.ChunkedArray):
            addresses = addresses.combine_chunks()
        encoded = addresses if isinstance(addresses, pa.DictionaryArray) else addresses.dictionary_encode()
        found = [self._country(address or "") for address in encoded.dictionary.to_pylist()]
        codes = pa.array(found, pa.string()).dictionary_encode()
        return pa.DictionaryArray.from_arrays(codes.indices.take(encoded.indices), codes.dictionary)

    def fill_in(self, flows: pa.RecordBatch) -> pa.RecordBatch:
        """Set the columns ``country`` and ``country_source`` of flow rows by their outside addresses."""
        countries = self.lookup(flows["outside_ip"])
        known = countries.is_valid()
        keys = pa.compute.if_else(known, pa.scalar(0, pa.int32()), pa.scalar(None, pa.int32()))
        sources = pa.DictionaryArray.from_arrays(keys, pa.array([self.country_source]))
        for name, column in (("country", countries), ("country_source", sources)):
            flows = flows.set_column(flows.schema.get_field_index(name), name, column)
        return flows

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


def _open_copy(path: Path) -> maxminddb.Reader:
    """Open a copy in memory: the file may be cut short while the sensor runs, which would end whoever maps it."""
    descriptor = os.memfd_create("countries", os.MFD_CLOEXEC)
    try:
        with path.open("rb") as source, open(descriptor, "wb", closefd=False) as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
        return maxminddb.open_database(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


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
