"""The engine that was asked for, over a store."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from sensor.errors import ConfigError
from sensor.store.engine.rollup import MEMORY_LIMIT, DuckDBRollups, Rollups
from sensor.store.place import Where

ENGINES = ("duckdb", "spark", "clickhouse")


@dataclass(frozen=True)
class EngineOptions:
    """Which engine reads a store, and where it runs.

    Attributes
    ----------
    name
        ``duckdb``, ``spark`` or ``clickhouse``.
    address
        Spark's master, or ClickHouse's server; None for an engine inside this process. DuckDB has none.
    settings
        Of Spark or of ClickHouse, by the names that they have there.
    memory_limit, threads
        Of DuckDB; the others are told by their settings.
    """

    name: str = "duckdb"
    address: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    memory_limit: str = MEMORY_LIMIT
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise ConfigError(
                f"there is no engine {self.name!r}: use {', '.join(ENGINES[:-1])} or {ENGINES[-1]}"
            )
        if self.name == "duckdb" and (self.address or self.settings):
            raise ConfigError("DuckDB runs inside this process and takes no address and no settings")


def open_rollups(store: Where, options: EngineOptions) -> AbstractContextManager[Rollups]:
    """Open a store with an engine.

    Raises
    ------
    StoreError
        The store cannot be read, or the engine does not answer.
    ConfigError
        The engine's package is not installed, or its address is none.
    """
    # Each brings a library that the others do without.
    if options.name == "spark":
        from sensor.store.engine.spark import SparkRollups

        return SparkRollups(store, address=options.address, settings=options.settings)
    if options.name == "clickhouse":
        from sensor.store.engine.clickhouse import ClickHouseRollups

        return ClickHouseRollups(store, address=options.address, settings=options.settings)
    return DuckDBRollups(store, memory_limit=options.memory_limit, threads=options.threads)
