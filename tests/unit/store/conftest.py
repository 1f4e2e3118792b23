"""Rows for the store's tests, views of a store, and crashes."""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from sensor.schema import TABLES, arrow_schema
from sensor.store.engine.duckdb import connect

DAY_NS = 86_400_000_000_000
APRIL_2017_NS = 17_257 * DAY_NS  # 2017-04-01


class Crash(BaseException):
    """The process dies here."""


def _flows(flow_ids, *, day=0, spacing_ns=1_000_000, encoded=True, start_ns=None):
    flow_ids = np.asarray(list(flow_ids), np.uint64)
    count = len(flow_ids)
    schema = arrow_schema("flows", encoded=encoded)
    start = APRIL_2017_NS + day * DAY_NS if start_ns is None else start_ns
    times = pa.array(start + np.arange(count) * spacing_ns, pa.timestamp("ns", tz="UTC"))
    addresses = [f"198.51.{number // 256 % 256}.{number % 256}" for number in flow_ids.tolist()]
    values = {
        "sensor": pa.array(["tap"] * count).cast(schema.field("sensor").type),
        "block": pa.array([("star-jv", "satnet")[number % 2] for number in range(count)]).cast(
            schema.field("block").type
        ),
        "inside_ip": pa.array(["175.45.176.1"] * count),
        "outside_ip": pa.array(addresses),
        "inside_port": pa.array([40000] * count, pa.uint16()),
        "outside_port": pa.array([443] * count, pa.uint16()),
        "protocol": pa.array([6] * count, pa.uint8()),
        "start_time": times,
        "end_time": times,
        "bytes_out": pa.array([100] * count, pa.uint64()),
        "names": pa.array([["a.example", "b.example"]] * count, pa.list_(pa.utf8())),
        "flow_id": pa.array(flow_ids),
        "record": pa.array([0] * count, pa.uint32()),
    }
    return pa.record_batch(
        [values.get(field.name, pa.nulls(count, field.type)) for field in schema], schema=schema
    )


@pytest.fixture
def flows():
    """A maker of flow records, one a flow identifier, in order of time."""
    return _flows


@pytest.fixture
def flow_ids():
    """The flow identifiers that our reader sees, in order."""

    def ask(store):
        connection = connect(store)
        try:
            return [row[0] for row in connection.execute("SELECT flow_id FROM flows ORDER BY 1").fetchall()]
        finally:
            connection.close()

    return ask


@pytest.fixture
def plain_flow_ids():
    """The flow identifiers that plain DuckDB sees with a glob."""

    def ask(store):
        if not any(store.glob("flows/*/*.parquet")):
            return []
        sql = f"SELECT flow_id FROM read_parquet('{store}/flows/**/*.parquet') ORDER BY 1"
        with duckdb.connect() as connection:
            return [row[0] for row in connection.execute(sql).fetchall()]

    return ask


@pytest.fixture
def hidden_files():
    """The unfinished or invisible files of a store."""

    def ask(store):
        names = [path.name for table in TABLES for path in (store / table).rglob(".*")]
        return sorted(names + [path.name for path in (store / ".journal").iterdir()])

    return ask


@dataclass
class Attempt:
    """Whether the work inside `crash_at` came to its end."""

    survived: bool = False


@pytest.fixture
def crash_at(monkeypatch):
    """Let the process die at its n-th change of the file system: that call and all later ones fail."""

    @contextmanager
    def dying_at(number):
        calls = 0

        def dying(function):
            def call(*arguments, **options):
                nonlocal calls
                calls += 1
                if calls > number:
                    raise Crash
                return function(*arguments, **options)

            return call

        attempt = Attempt()
        with monkeypatch.context() as patch:
            for name in ("rename", "replace", "unlink", "fsync", "mkdir"):
                patch.setattr(os, name, dying(getattr(os, name)))
            patch.setattr(Path, "unlink", dying(Path.unlink))
            try:
                yield attempt
                attempt.survived = True
            except Crash:
                pass

    return dying_at
