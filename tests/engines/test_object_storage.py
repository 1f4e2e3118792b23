"""The same report from a store on an S3 server, whose segments the engines fetch themselves."""

import json
import os
from collections.abc import Iterator

import pytest

from sensor.errors import StoreError
from sensor.store import compact
from sensor.store.engine.bucket import read_bucket
from sensor.store.engine.visible import hold_segments
from sensor.store.place.address import parse_address
from sensor.study import study
from tests.engines.spark_cluster import need_spark
from tests.engines.stores import ZONES, awkward_store, options
from tests.objects.server import BUCKET, Server, program

HADOOP_AWS = "org.apache.hadoop:hadoop-aws:3.5.0"
"""Of the Hadoop that pyspark brings."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store of which a part was compacted, and what it replaced is still there."""
    if program() is None:
        pytest.skip("there is no S3 server: make storage-server")
    server = Server(tmp_path_factory.mktemp("s3"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        patch.setenv("BLOCKTAP_SPOOL", str(tmp_path_factory.mktemp("spool")))
        server.start()
        server.make_bucket()
        address = f"s3://{BUCKET}/{os.getpid()}/a store"
        awkward_store(address)
        compact(address)
        yield address
        server.kill()


@pytest.fixture(scope="module")
def expected(url: str) -> str:
    return json.dumps(study(url, options(ZONES[1])))


def test_what_was_replaced_is_not_listed(url: str) -> None:
    with hold_segments(url) as held:
        assert held.folder == url
        assert any("/." in path for path in held.paths["flows"]), "hidden until the grace period is over"


def test_clickhouse(url: str, expected: str) -> None:
    pytest.importorskip("chdb")
    assert json.dumps(study(url, options(ZONES[1], engine="clickhouse"))) == expected


@pytest.mark.long
def test_spark(url: str, expected: str) -> None:
    """Fetches Spark's package for S3, 600 MB, once."""
    need_spark()
    told = {"spark.jars.packages": HADOOP_AWS, "spark.driver.host": "127.0.0.1"}
    found = study(url, options(ZONES[1], engine="spark", engine_address="local[2]", engine_settings=told))
    assert json.dumps(found) == expected


class TestBucket:
    @pytest.fixture(autouse=True)
    def _no_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)

    def test_amazon(self) -> None:
        bucket = read_bucket(parse_address("s3://lab/a/b?region=eu-west-1"))
        assert bucket.url == "https://lab.s3.eu-west-1.amazonaws.com/a/b"
        assert (bucket.key, bucket.endpoint) == ("", None)

    def test_a_server_of_ones_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = "s3://lab?endpoint_override=localhost:9000&scheme=http"
        assert read_bucket(parse_address(told)).url == "http://localhost:9000/lab"
        assert read_bucket(parse_address("s3://lab?endpoint_override=s3.lab")).url == "https://s3.lab/lab"
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000/")
        assert read_bucket(parse_address("s3://lab/x")).url == "http://127.0.0.1:9000/lab/x"


def test_other_storage_is_left_to_duckdb() -> None:
    with pytest.raises(StoreError, match="--engine duckdb"):
        read_bucket(parse_address("gs://lab/store"))
