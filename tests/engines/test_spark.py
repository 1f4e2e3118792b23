"""Spark on a cluster of real processes, held to what DuckDB says, and a worker that is killed on the way."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sensor.errors import StoreError
from sensor.simulate import load_scenario, simulate_store
from sensor.store import StoreWriter
from sensor.store.engine.spark import SparkRollups
from sensor.study import StudyOptions, study
from sensor.study.whole import study_rollups
from tests.cli.commands import blocktap
from tests.engines.spark_cluster import Cluster, need_spark
from tests.engines.stores import ZONES, awkward_store, options, swap_under_way

pytestmark = pytest.mark.long
FLOWS = 150_000


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    need_spark()
    with Cluster(tmp_path_factory.mktemp("spark")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return awkward_store(tmp_path_factory.mktemp("spark") / "a {store}* it's")


def text(numbers: dict[str, Any]) -> str:
    return json.dumps(numbers, indent=1)


def by_spark(store: Path, cluster: Cluster, zone: str = "UTC") -> str:
    words = {"engine": "spark", "engine_address": cluster.address, "engine_settings": cluster.settings}
    return text(study(store, options(zone, **words)))


class TestSameReport:
    @pytest.mark.parametrize("zone", ZONES)
    def test_in_every_zone(self, store: Path, cluster: Cluster, zone: str) -> None:
        assert by_spark(store, cluster, zone) == text(study(store, options(zone)))

    def test_in_the_midst_of_a_swap(self, tmp_path: Path, cluster: Cluster) -> None:
        store = awkward_store(tmp_path / "store")
        expected = text(study(store, options()))
        with swap_under_way(store):
            assert by_spark(store, cluster) == expected

    def test_of_an_empty_store(self, tmp_path: Path, cluster: Cluster) -> None:
        StoreWriter(tmp_path / "store", "none").close()
        assert by_spark(tmp_path / "store", cluster) == text(study(tmp_path / "store", options()))

    def test_page_and_numbers_of_the_command(self, store: Path, tmp_path: Path) -> None:
        """Without a cluster, inside the process."""
        for engine in (("duckdb",), ("spark", "--engine-address", "local[2]")):
            ended = blocktap(
                "report", "--store", store, "-o", tmp_path / f"{engine[0]}.html", "--json",
                tmp_path / f"{engine[0]}.json", "--engine", *engine, timeout=300,
            )  # fmt: skip
            assert ended.returncode == 0, ended.stderr
        for suffix in ("html", "json"):
            assert (tmp_path / f"spark.{suffix}").read_bytes() == (tmp_path / f"duckdb.{suffix}").read_bytes()


class Killing:
    """An engine during whose third rollup, and no later, a worker dies."""

    def __init__(self, engine: SparkRollups, cluster: Cluster) -> None:
        self._engine = engine
        self._cluster = cluster
        self._rollups = 0
        self.died = 0

    def rollup(self, sql: str) -> pa.Table:
        self._rollups += 1
        if self._rollups == 3:
            timer = threading.Timer(0.3, self._kill)
            timer.start()
        return self._engine.rollup(sql)

    def _kill(self) -> None:
        self.died = self._cluster.kill_worker(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def test_a_worker_dies_during_a_report(tmp_path: Path) -> None:
    need_spark()
    store = tmp_path / "store"
    simulate_store(load_scenario("model-2017").model_copy(update={"flows": FLOWS}), store)
    asked = StudyOptions(timezone="Asia/Pyongyang", resamples=100)
    with (
        Cluster(tmp_path) as cluster,
        SparkRollups(store, address=cluster.address, settings=cluster.settings) as spark,
    ):
        killing = Killing(spark, cluster)
        found = study_rollups(killing, asked, "model-2017")
        executors = spark._session._jsc.sc().getExecutorMemoryStatus().size() - 1  # one is the driver's
    assert killing.died >= 2, "the worker, and the executor that held a half of what was kept"
    assert executors == 1
    assert text(found) == text(study(store, asked))


def test_nobody_there(store: Path) -> None:
    need_spark()
    settings = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    with pytest.raises(StoreError, match="Spark"):
        SparkRollups(store, address="spark://127.0.0.1:1", settings=settings)
