"""Apache Spark over a store: the same rollups on many machines, the files left where they are.

The workers read the segments themselves and need nothing of Python. What a study keeps lies in the executors'
memory, beyond that on their disks; when one is lost, its part is computed anew from the segments.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from sensor.errors import ConfigError, StoreError
from sensor.schema import TABLES, Column, Table
from sensor.store.engine.visible import hold_segments

LOCAL = "local[*]"
"""The master where none is named: inside this process, on every core."""

# Spark has no unsigned whole numbers and no nanoseconds: what is stored as such is read as the next wider signed
# type, of 64 bits as a decimal, and times as their nanoseconds since 1970.
_TYPES = {
    "BOOLEAN": "boolean",
    "DOUBLE": "double",
    "TIMESTAMP_NS": "bigint",
    "UBIGINT": "decimal(20,0)",
    "UINTEGER": "bigint",
    "USMALLINT": "int",
    "UTINYINT": "smallint",
    "UTINYINT[]": "array<smallint>",
    "VARCHAR": "string",
    "VARCHAR[]": "array<string>",
}
_SETTINGS = {
    "spark.app.name": "blocktap",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # The driver gathers what a study reads; names of years are gigabytes.
    "spark.driver.maxResultSize": "0",
    # Small stores need few tasks, large ones many: let the size of what is there decide, not a number of cores.
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    "spark.sql.optimizer.canChangeCachedPlanOutputPartitioning": "true",
}


class SparkRollups:
    """Spark over a store; a context manager.

    Parameters
    ----------
    store
        The store's folder, which the workers must see under the same path.
    address
        The master: ``spark://host:7077``, ``local[N]``, ``yarn``, ``k8s://...``; ``local[*]`` if not given.
    settings
        Further settings of Spark, ``spark.executor.memory`` and the like.

    Raises
    ------
    StoreError
        There is no store, its schema is newer than this program, or the master does not answer.
    ConfigError
        pyspark or a Java it runs on is not installed.
    """

    def __init__(
        self,
        store: str | os.PathLike[str],
        *,
        address: str | None = None,
        settings: Mapping[str, str | int] | None = None,
    ) -> None:
        self._held = hold_segments(store)
        try:
            self._session = _session(address or LOCAL, settings or {})
            self._kept: dict[str, Any] = {}
            for table in TABLES.values():
                self._create_view(table, self._held.paths[table.name])
        except BaseException:
            self._held.close()
            raise

    def rollup(self, sql: str) -> pa.Table:
        """Run a query and return its rows; see `Rollups`."""
        return _said(lambda: self._session.sql(sql).toArrow())

    def keep(self, name: str, sql: str) -> None:
        """Keep the rows of a query in the executors, once they are first asked for."""
        from pyspark import StorageLevel

        if (before := self._kept.pop(name, None)) is not None:
            before.unpersist()
        kept = _said(lambda: self._session.sql(sql).persist(StorageLevel.MEMORY_AND_DISK))
        kept.createOrReplaceTempView(name)
        self._kept[name] = kept

    def lend(self, name: str, rows: pa.Table) -> None:
        """Let later queries use rows of the caller."""
        _said(lambda: self._session.createDataFrame(rows).createOrReplaceTempView(name))

    def whole(self, dividend: str, divisor: int) -> str:
        """See `Rollups`."""
        return f"({dividend} div {divisor})"

    def close(self) -> None:
        """Let go of the executors and the store."""
        self._session.stop()
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _create_view(self, table: Table, paths: list[str]) -> None:
        columns = ", ".join(f"{column.name} {_TYPES[column.sql]}" for column in table.columns if column.sql != "DATE")
        schema = f"{columns}, day date"
        if paths:
            rows = (
                self._session.read.schema(schema)
                .option("basePath", f"{self._held.address}/{table.name}")
                .parquet(*(f"{self._held.address}/{path}" for path in paths))
            )
        else:
            rows = self._session.createDataFrame([], schema)
        shown = [part for column in table.columns if column.sql != "DATE" for part in _shown(column)]
        rows.selectExpr(*shown, "day").createOrReplaceTempView(table.name)


def _shown(column: Column) -> list[str]:
    if column.sql != "TIMESTAMP_NS":
        return [column.name]
    return [f"timestamp_micros({column.name} div 1000) AS {column.name}", f"{column.name} AS {column.name}_ns"]


def _session(master: str, settings: Mapping[str, str | int]) -> Any:
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ConfigError(
            "the engine spark needs a package that is not installed: pip install blocktap[spark]"
        ) from error
    builder = SparkSession.builder.master(master)
    for name, value in {**_SETTINGS, **settings}.items():
        builder = builder.config(name, str(value))
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise ConfigError(f"Spark does not start: is a Java 17 or newer installed? {error}") from error


def _said(action: Any) -> Any:
    from pyspark.errors import PySparkException
    from py4j.protocol import Py4JError

    try:
        return action()
    except (PySparkException, Py4JError) as error:
        brief = str(error).strip().split("\n", 1)[0][:500]
        raise StoreError(f"Spark cannot read the store: {brief}") from error
