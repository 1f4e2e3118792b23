"""Apache Spark over a store: the same rollups on many machines, the files left where they are.

The workers read the segments themselves and need nothing of Python. What a study keeps lies in the executors'
memory, beyond that on their disks; when one is lost, its part is computed anew from the segments.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import pyarrow as pa

from sensor.errors import ConfigError, StoreError
from sensor.schema import TABLES, Column, Table
from sensor.store.engine.bucket import Bucket
from sensor.store.engine.visible import hold_segments
from sensor.store.place import Where

_Answer = TypeVar("_Answer")

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
_S3_HINT = (
    "Spark reads S3 by a package of its own: "
    "--engine-setting spark.jars.packages=org.apache.hadoop:hadoop-aws:VERSION-OF-ITS-HADOOP"
)
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
        The store's folder, which the workers must see under the same path, or its address on object storage.
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
        store: Where,
        *,
        address: str | None = None,
        settings: Mapping[str, str | int] | None = None,
    ) -> None:
        self._held = hold_segments(store)
        try:
            bucket = self._held.bucket
            told = {**_SETTINGS, **(_bucket_settings(bucket) if bucket else {}), **(settings or {})}
            self._session = _session(address or LOCAL, told)
            self._kept: dict[str, Any] = {}
            _said(self._create_views)
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

    def _create_views(self) -> None:
        for table in TABLES.values():
            self._create_view(table, self._held.paths[table.name])

    def _create_view(self, table: Table, paths: list[str]) -> None:
        stored = [column for column in table.columns if column.sql != "DATE"]
        schema = ", ".join([*(f"{column.name} {_TYPES[column.sql]}" for column in stored), "day date"])
        folder = (
            self._held.folder
            if self._held.bucket is None
            else self._held.folder.replace("s3://", "s3a://", 1)
        )
        if paths:
            reader = self._session.read.schema(schema).option("basePath", f"{folder}/{table.name}")
            # Each file is named: no name is a pattern, and those of a swap that is under way are hidden ones.
            reader = reader.option("__globPaths__", "false").option("ignoredPathSegmentRegex", "(?!)")
            rows = reader.parquet(*(f"{folder}/{path}" for path in paths))
        else:
            rows = self._session.createDataFrame([], schema)
        rows.selectExpr(
            *(part for column in stored for part in _shown(column)), "day"
        ).createOrReplaceTempView(table.name)


def _shown(column: Column) -> list[str]:
    if column.sql != "TIMESTAMP_NS":
        return [column.name]
    return [
        f"timestamp_micros({column.name} div 1000) AS {column.name}",
        f"{column.name} AS {column.name}_ns",
    ]


def _session(master: str, settings: Mapping[str, str | int]) -> Any:
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ConfigError(
            "the engine spark needs a package that is not installed: pip install blocktap[spark]"
        ) from error
    builder = SparkSession.builder.master(master)
    for name, value in settings.items():
        builder = builder.config(name, str(value))
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise ConfigError(
            f"Spark does not start: is a Java 17 or newer installed? {_brief(error)}"
        ) from error
    except Exception as error:
        raise StoreError(f"Spark at {master} cannot be used: {_brief(error)}") from error


def _bucket_settings(bucket: Bucket) -> dict[str, str]:
    """What Hadoop's S3 file system must be told."""
    told = {
        "endpoint": bucket.endpoint,
        "endpoint.region": bucket.region,
        "path.style.access": "true" if bucket.endpoint else None,
        "access.key": bucket.key,
        "secret.key": bucket.secret,
        "session.token": bucket.token,
    }
    return {f"spark.hadoop.fs.s3a.{name}": value for name, value in told.items() if value}


def _said(action: Callable[[], _Answer]) -> _Answer:
    """Do what asks Spark something, and say what failed in one line."""
    try:
        with warnings.catch_warnings():
            # It says that it was not tried with the newest pandas, of which it takes nothing here.
            warnings.simplefilter("ignore", FutureWarning)
            return action()
    # Errors of three libraries, and those of the network, on the way through two languages.
    except Exception as error:
        hint = f"; {_S3_HINT}" if "S3AFileSystem" in str(error) else ""
        raise StoreError(f"Spark cannot read the store: {_brief(error)}{hint}") from error


def _brief(error: Exception) -> str:
    """The line that says what happened; what follows are the frames of a Java stack."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first = lines[0] if lines else type(error).__name__
    # "An error occurred while calling o126.getResult." says nothing, the next line does.
    return (lines[1] if first.startswith("An error occurred while calling") and len(lines) > 1 else first)[
        :500
    ]
