"""ClickHouse: the engine inside this process, and by HTTP, each held to what DuckDB says."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sensor.errors import ConfigError, StoreError
from sensor.store import StoreWriter
from sensor.store.engine.clickhouse import ClickHouseRollups
from sensor.store.engine.visible import hold_segments
from sensor.study import study
from tests.cli.commands import blocktap
from tests.engines.stores import ZONES, awkward_store, options, swap_under_way

pytest.importorskip("chdb")
pytest.importorskip("clickhouse_connect")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return awkward_store(tmp_path_factory.mktemp("clickhouse") / "it's a store")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    program = Path(__file__).with_name("clickhouse_server.py")
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


def text(numbers: dict[str, Any]) -> str:
    return json.dumps(numbers, indent=1)


class TestSameReport:
    @pytest.mark.parametrize("zone", ZONES)
    def test_in_every_zone(self, store: Path, server: str, zone: str) -> None:
        expected = text(study(store, options(zone)))
        assert text(study(store, options(zone, engine="clickhouse", engine_address=server))) == expected

    def test_of_some_days(self, store: Path, server: str) -> None:
        asked = {"first_day": _day("2017-04-03"), "last_day": _day("2017-04-05"), "one_way": True}
        expected = text(study(store, options(ZONES[1], **asked)))
        found = study(store, options(ZONES[1], engine="clickhouse", engine_address=server, **asked))
        assert text(found) == expected

    def test_in_the_midst_of_a_swap(self, tmp_path: Path, server: str) -> None:
        store = awkward_store(tmp_path / "store")
        expected = text(study(store, options()))
        with swap_under_way(store):
            assert any(name.startswith(".") for name in _names(store))
            assert text(study(store, options(engine="clickhouse", engine_address=server))) == expected

    def test_of_an_empty_store(self, tmp_path: Path, server: str) -> None:
        StoreWriter(tmp_path / "store", "none").close()
        expected = text(study(tmp_path / "store", options()))
        assert (
            text(study(tmp_path / "store", options(engine="clickhouse", engine_address=server))) == expected
        )

    def test_page_and_numbers_of_the_command(self, store: Path, tmp_path: Path) -> None:
        """With the engine inside the process; the command writes both files byte for byte."""
        for engine in ("duckdb", "clickhouse"):
            ended = blocktap(
                "report", "--store", store, "--engine", engine, "-o", tmp_path / f"{engine}.html",
                "--json", tmp_path / f"{engine}.json",
            )  # fmt: skip
            assert ended.returncode == 0, ended.stderr
        for suffix in ("html", "json"):
            duckdb, clickhouse = (tmp_path / f"{engine}.{suffix}" for engine in ("duckdb", "clickhouse"))
            assert clickhouse.read_bytes() == duckdb.read_bytes()


class TestServer:
    def test_settings_reach_it(self, store: Path, server: str) -> None:
        with ClickHouseRollups(store, address=server, settings={"max_threads": "1"}) as engine:
            assert engine.rollup("SELECT getSetting('max_threads') AS n").to_pylist() == [{"n": 1}]

    def test_refusals_are_said_in_a_line(self, store: Path, server: str) -> None:
        with ClickHouseRollups(store, address=server) as engine:
            with pytest.raises(StoreError, match="Unknown expression") as caught:
                engine.rollup("SELECT nothing FROM flows")
            assert len(str(caught.value)) < 600

    def test_nobody_there(self, store: Path) -> None:
        with pytest.raises(StoreError, match=r"ClickHouse at 127\.0\.0\.1 cannot be used"):
            ClickHouseRollups(store, address="http://127.0.0.1:1")
        hold_segments(store).close()

    @pytest.mark.parametrize("address", ["host:8123", "clickhouse://host", "http://", "http://h/?clutser=x"])
    def test_addresses_that_are_none(self, store: Path, address: str) -> None:
        with pytest.raises(ConfigError):
            ClickHouseRollups(store, address=address)

    def test_a_path_that_would_be_a_pattern(self, tmp_path: Path, server: str) -> None:
        store = awkward_store(tmp_path / "a{b}c")
        with pytest.raises(StoreError, match="pattern"):
            ClickHouseRollups(store, address=server)

    def test_rows_that_are_lent(self, store: Path, server: str) -> None:
        lent = pa.table({"name": ["a'b", None], "number": pa.array([2**62, None], pa.int64())})
        with ClickHouseRollups(store, address=server) as engine:
            for rows in (lent, lent.slice(0, 1), lent.slice(0, 0)):
                engine.lend("lent", rows)
                assert engine.rollup("SELECT name, number FROM lent").to_pylist() == rows.to_pylist()


def _day(text: str) -> Any:
    from datetime import date

    return date.fromisoformat(text)


def _names(store: Path) -> list[str]:
    return [path.name for path in (store / "flows").rglob("*") if path.is_file()]
