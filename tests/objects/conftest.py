"""A store on an S3 server; see `server` for which and why."""

import itertools
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sensor.schema import arrow_schema
from sensor.store.engine.duckdb import connect
from sensor.store.place import address
from tests.objects.server import BUCKET, Server, program

DAY_NS = 86_400_000_000_000
APRIL_2017_NS = 17_257 * DAY_NS
_numbers = itertools.count()


@pytest.fixture(scope="session")
def _server(tmp_path_factory):
    if program() is None:
        pytest.skip("there is no S3 server: make storage-server")
    server = Server(tmp_path_factory.mktemp("s3"))
    server.start()
    server.make_bucket()
    yield server
    server.kill()


@pytest.fixture
def server(_server, monkeypatch, tmp_path):
    """A server that runs, and an environment that says where; spools are the test's own."""
    for name, value in _server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BLOCKTAP_SPOOL", str(tmp_path / "spool"))
    yield _server
    if _server._process is None:
        _server.start()


@pytest.fixture
def url(server):
    """The address of a store that is not there yet."""
    assert server is not None
    return f"s3://{BUCKET}/{os.getpid()}/{next(_numbers)}"


@pytest.fixture
def local(tmp_path):
    """A store in a folder, to compare with."""
    return tmp_path / "local"


def make_flows(flow_ids, day=0):
    ids = np.asarray(list(flow_ids), np.uint64)
    count, schema = len(ids), arrow_schema("flows", encoded=True)
    times = pa.array(APRIL_2017_NS + day * DAY_NS + np.arange(count) * 1000, pa.timestamp("ns", tz="UTC"))
    values = {
        "sensor": pa.array(["tap"] * count).cast(schema.field("sensor").type),
        "inside_ip": pa.array(["175.45.176.1"] * count),
        "outside_ip": pa.array([f"198.51.{number // 256 % 256}.{number % 256}" for number in ids.tolist()]),
        "start_time": times,
        "end_time": times,
        "bytes_out": pa.array([100] * count, pa.uint64()),
        "name": pa.array([f"host-{number * 7919 % 100003}.example" for number in ids.tolist()]),
        "flow_id": pa.array(ids),
        "record": pa.array([0] * count, pa.uint32()),
    }
    return pa.record_batch(
        [values.get(field.name, pa.nulls(count, field.type)) for field in schema], schema=schema
    )


@pytest.fixture
def flows():
    """A maker of flow records."""
    return make_flows


@pytest.fixture
def flow_ids():
    """The flow identifiers that a reader sees, in order."""

    def ask(store):
        with connect(store) as connection:
            return [row[0] for row in connection.execute("SELECT flow_id FROM flows ORDER BY 1").fetchall()]

    return ask


@pytest.fixture
def folder_of(server):
    """The folder in which the server keeps the objects of an address."""

    def find(store: str) -> Path:
        return server.folder / address.parse_address(store).folder

    return find
