"""Two ways to one ClickHouse: a server by HTTP, or the engine inside this process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa

from sensor.errors import ConfigError, StoreError

PASSWORD_VARIABLE = "CLICKHOUSE_PASSWORD"  # noqa: S105 # its name, not a password
"""Environment variable with the server's password: command lines are read by others."""

Settings = Mapping[str, str | int]


class Client(Protocol):
    """One session of a ClickHouse: temporary tables live as long as it does."""

    def read(self, sql: str) -> pa.Table:
        """Return the rows of a query."""

    def run(self, sql: str) -> None:
        """Run a statement without rows."""

    def insert(self, table: str, rows: pa.Table) -> None:
        """Append rows to a table that is there."""

    def close(self) -> None:
        """End the session."""


class ServerClient:
    """A server by its HTTP interface.

    Parameters
    ----------
    address
        ``http://[user@]host[:port][/database]``, or ``https://``.
    settings
        Of every query.

    Raises
    ------
    ConfigError
        The address is none, or clickhouse-connect is not installed.
    StoreError
        The server does not answer, or refuses.
    """

    def __init__(self, address: str, settings: Settings) -> None:
        try:
            import clickhouse_connect
        except ImportError as error:
            raise ConfigError(
                "the engine clickhouse needs a package that is not installed: pip install blocktap[clickhouse]"
            ) from error
        from clickhouse_connect.driver.exceptions import ClickHouseError

        self._error: type[Exception] = ClickHouseError
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(
                f"{address!r} is no address of a ClickHouse server: write http://user@host:8123/database"
            )
        self._settings = dict(settings)
        try:
            self._client: Any = clickhouse_connect.get_client(
                host=parts.hostname,
                port=parts.port or (8443 if parts.scheme == "https" else 8123),
                secure=parts.scheme == "https",
                username=unquote(parts.username) if parts.username else None,
                password=os.environ.get(PASSWORD_VARIABLE) or unquote(parts.password or ""),
                database=parts.path.strip("/") or "__default__",
                settings=self._settings,
                # A rollup of years answers when it is done, not before.
                send_receive_timeout=24 * 3600,
                query_limit=0,
            )
        except (ClickHouseError, OSError) as error:
            raise StoreError(f"ClickHouse at {parts.hostname} cannot be used: {_brief(error)}") from error

    def read(self, sql: str) -> pa.Table:
        """See `Client`."""
        try:
            return self._client.query_arrow(sql)
        except (self._error, OSError) as error:
            raise StoreError(f"ClickHouse cannot read the store: {_brief(error)}") from error

    def run(self, sql: str) -> None:
        """See `Client`."""
        try:
            self._client.command(sql)
        except (self._error, OSError) as error:
            raise StoreError(f"ClickHouse cannot read the store: {_brief(error)}") from error

    def insert(self, table: str, rows: pa.Table) -> None:
        """See `Client`."""
        try:
            self._client.insert_arrow(table, rows)
        except (self._error, OSError) as error:
            raise StoreError(f"ClickHouse does not take rows: {_brief(error)}") from error

    def close(self) -> None:
        """See `Client`."""
        self._client.close()


class EmbeddedClient:
    """The engine inside this process, by chdb.

    Parameters
    ----------
    settings
        Of every query.

    Raises
    ------
    ConfigError
        The package chdb is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        try:
            from chdb.session import Session
        except ImportError as error:
            raise ConfigError(
                "no address of a ClickHouse server is given, and the package for one inside this process is not "
                "installed: pip install blocktap[clickhouse] and give --engine-address http://host:8123, or "
                "pip install chdb"
            ) from error
        self._folder = tempfile.TemporaryDirectory(prefix="blocktap-clickhouse-")
        self._session: Any = Session(self._folder.name)
        for name, value in settings.items():
            self.run(f"SET {name} = {_literal(value)}")

    def read(self, sql: str) -> pa.Table:
        """See `Client`."""
        answer = self._query(sql, "ArrowStream")
        return pa.ipc.open_stream(answer.bytes()).read_all()

    def run(self, sql: str) -> None:
        """See `Client`."""
        self._query(sql, "Null")

    def insert(self, table: str, rows: pa.Table) -> None:
        """See `Client`."""
        path = Path(self._folder.name) / f"{table}.arrow"
        try:
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
                writer.write_table(rows)
            self.run(f"INSERT INTO {table} SELECT * FROM file({text(str(path))}, 'Arrow')")
        finally:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """See `Client`."""
        self._session.close()
        self._folder.cleanup()

    def _query(self, sql: str, form: str) -> Any:
        try:
            return self._session.query(sql, form)
        # chdb's errors are of a class that its versions place differently.
        except Exception as error:
            raise StoreError(f"ClickHouse cannot read the store: {_brief(error)}") from error


def open_client(address: str | None, settings: Settings) -> tuple[Client, str | None]:
    """Return a client, and the name of the cluster that the address asks for (``?cluster=NAME``)."""
    if address is None:
        return EmbeddedClient(settings), None
    asked = parse_qs(urlsplit(address).query)
    if unknown := set(asked) - {"cluster"}:
        raise ConfigError(f"the engine's address has no {min(unknown)!r}: only cluster=NAME can be asked for")
    return ServerClient(address, settings), asked.get("cluster", [None])[-1]


def text(value: str) -> str:
    """A text as ClickHouse writes it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else text(value)


def _brief(error: Exception) -> str:
    """The error's first line: what follows is the query, which may be megabytes of paths."""
    return str(error).strip().split("\n", 1)[0][:500]
