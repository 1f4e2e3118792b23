"""A store is read by engines that know nothing of Blocktap: the same rows, lists and times in each."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sensor.store.engine.duckdb import connect

NAMED = "www.facebook.com"


@pytest.fixture(scope="module")
def expected(store: Path) -> dict[str, Any]:
    """What each engine has to find, by our own reader."""
    connection = connect(store)
    try:
        days = connection.sql(
            "SELECT day, count(*), sum(bytes_out)::BIGINT FROM flows GROUP BY day ORDER BY day"
        ).fetchall()
        (lists,) = connection.sql("SELECT sum(len(names))::BIGINT, max(len(names)) FROM flows").fetchall()
        (first,) = connection.sql("SELECT epoch_ns(min(start_time)) FROM flows").fetchall()
        (names,) = connection.sql(
            f"SELECT count(*) FROM flows WHERE list_contains(names, '{NAMED}')"
        ).fetchall()
        (answers,) = connection.sql("SELECT sum(len(answers))::BIGINT FROM dns").fetchall()
    finally:
        connection.close()
    return {"days": days, "lists": lists, "first_ns": first[0], "named": names[0], "answers": answers[0]}


def test_the_store_has_something_to_find(expected: dict[str, Any]) -> None:
    assert len(expected["days"]) == 2
    assert expected["first_ns"] % 1000 == 0  # the capture has microseconds
    assert expected["named"] > 0
    assert expected["answers"] > 0


def test_duckdb(store: Path, expected: dict[str, Any]) -> None:
    duckdb = pytest.importorskip("duckdb")
    flows, dns = f"'{store}/flows/**/*.parquet'", f"'{store}/dns/**/*.parquet'"
    with duckdb.connect() as engine:

        def ask(query: str) -> Any:
            return engine.sql(query).fetchall()

        days = ask(f"SELECT day, count(*), sum(bytes_out)::BIGINT FROM {flows} GROUP BY day ORDER BY day")
        assert days == expected["days"]
        lists = ask(f"SELECT sum(len(names))::BIGINT, max(len(names)) FROM {flows}")
        assert lists == [expected["lists"]]
        assert ask(f"SELECT epoch_ns(min(start_time)) FROM {flows}") == [(expected["first_ns"],)]
        assert ask(f"SELECT sum(len(answers))::BIGINT FROM {dns}") == [(expected["answers"],)]


def test_pandas(store: Path, expected: dict[str, Any]) -> None:
    pandas = pytest.importorskip("pandas")
    flows = pandas.read_parquet(store / "flows")
    by_day = flows.groupby("day", observed=True)["bytes_out"].agg(["count", "sum"])
    found = [
        (date.fromisoformat(str(day)), int(one["count"]), int(one["sum"])) for day, one in by_day.iterrows()
    ]
    assert found == expected["days"]
    assert str(flows["start_time"].dtype) == "datetime64[ns, UTC]"
    assert flows["start_time"].min().value == expected["first_ns"]
    lengths = flows["names"].dropna().map(len)
    assert (int(lengths.sum()), int(lengths.max())) == expected["lists"]
    assert int(flows["names"].dropna().map(lambda names: NAMED in names).sum()) == expected["named"]
    assert flows["block"].map(type).eq(str).all()


def test_polars(store: Path, expected: dict[str, Any]) -> None:
    polars = pytest.importorskip("polars")
    flows = polars.scan_parquet(store / "flows" / "**" / "*.parquet", hive_partitioning=True).collect()
    by_day = flows.group_by("day").agg(polars.len(), polars.col("bytes_out").sum()).sort("day")
    assert by_day.rows() == expected["days"]
    assert flows.schema["start_time"] == polars.Datetime("ns", "UTC")
    assert flows.schema["names"] == polars.List(polars.String)
    assert flows["start_time"].dt.timestamp("ns").min() == expected["first_ns"]
    assert flows["names"].list.len().sum() == expected["lists"][0]
    assert flows.filter(polars.col("names").list.contains(NAMED)).height == expected["named"]


def test_clickhouse(store: Path, expected: dict[str, Any]) -> None:
    pytest.importorskip("chdb")
    flows, dns = f"file('{store}/flows/**/*.parquet')", f"file('{store}/dns/**/*.parquet')"
    days = clickhouse(
        "SELECT toDate(day) AS of, count() AS rows, sum(bytes_out) AS bytes "
        f"FROM {flows} GROUP BY of ORDER BY of"
    )
    found = [(date.fromisoformat(one["of"]), int(one["rows"]), int(one["bytes"])) for one in days]
    assert found == expected["days"]
    (one,) = clickhouse(
        f"SELECT sum(length(names)) AS total, max(length(names)) AS most, countIf(has(names, '{NAMED}')) AS named, "
        f"toUnixTimestamp64Nano(min(start_time)) AS first, any(toTypeName(start_time)) AS kind FROM {flows}"
    )
    assert (int(one["total"]), int(one["most"]), int(one["named"])) == (*expected["lists"], expected["named"])
    assert int(one["first"]) == expected["first_ns"]
    assert "DateTime64(9, 'UTC')" in one["kind"]
    (answers,) = clickhouse(f"SELECT sum(length(answers)) AS n FROM {dns}")
    assert int(answers["n"]) == expected["answers"]


def clickhouse(query: str) -> list[dict[str, Any]]:
    """Rows of a query. In a process of its own: the engine does not share one well with others."""
    program = "import sys, chdb; sys.stdout.write(str(chdb.query(sys.argv[1], 'JSONEachRow')))"
    ended = subprocess.run(
        [sys.executable, "-c", program, query], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_times_are_those_of_the_capture(expected: dict[str, Any]) -> None:
    first = datetime.fromtimestamp(expected["first_ns"] // 10**9, UTC)
    assert first.date() == expected["days"][0][0]
