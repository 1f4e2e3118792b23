"""What a replay stored, any engine reads, and all read the same."""

import csv
import io
import json
import stat
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from sensor.rules import load_plan
from sensor.schema import TABLES, arrow_schema
from sensor.store.engine.duckdb import connect
from tests.cli.commands import DEMO, DEMO_PACKETS, blocktap
from tests.functional.replays import in_order, replay

SUMS = """
    SELECT block, initiator, count(*) AS records, count(DISTINCT flow_id) AS flows,
        sum(packets_out + packets_in)::BIGINT AS packets, sum(bytes_out + bytes_in)::BIGINT AS bytes
    FROM {} GROUP BY ALL ORDER BY ALL
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo, replayed with the shipped rules."""
    folder = tmp_path_factory.mktemp("query") / "store"
    ended = blocktap("replay", DEMO, "--store", folder, "--json")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["packets"] == DEMO_PACKETS
    return folder


@pytest.fixture(scope="module")
def sums(store: Path) -> list[tuple[object, ...]]:
    """Sums that DuckDB alone finds in the files."""
    return duckdb.sql(SUMS.format(f"'{store}/flows/*/*.parquet'")).fetchall()


def test_rows_are_those_that_the_core_gave(store: Path) -> None:
    expected = replay(DEMO, plan=load_plan([], [])).rows.table("flows")
    stored = pa.dataset.dataset(store / "flows").to_table()
    assert in_order(stored.select(expected.column_names)).equals(expected)


def test_dataset_of_arrow(store: Path, sums: list[tuple[object, ...]]) -> None:
    rows = pa.dataset.dataset(store / "flows", partitioning="hive").to_table()
    packets = pc.add(rows["packets_out"], rows["packets_in"])
    assert pc.sum(packets).as_py() == sum(row[4] for row in sums)
    assert rows.num_rows == sum(row[2] for row in sums)
    starts = pc.strftime(rows["start_time"], "%Y-%m-%d").to_pylist()
    assert starts == [str(day) for day in rows["day"].to_pylist()]
    assert set(starts) == {"2017-05-17", "2017-05-18"}


def test_views(store: Path, sums: list[tuple[object, ...]]) -> None:
    with connect(store) as connection:
        assert connection.sql(SUMS.format("flows")).fetchall() == sums
        for table in TABLES:
            columns = connection.sql(f"SELECT * FROM {table} LIMIT 0").columns
            assert set(arrow_schema(table).names) <= set(columns)


def test_command_json(store: Path, sums: list[tuple[object, ...]]) -> None:
    ended = blocktap("query", "--store", store, "--format", "json", SUMS.format("flows"))
    assert ended.returncode == 0
    assert [tuple(row.values()) for row in json.loads(ended.stdout)] == sums


def test_command_csv_and_table(store: Path, sums: list[tuple[object, ...]]) -> None:
    ended = blocktap("query", "--store", store, "--format", "csv", SUMS.format("flows"))
    rows = list(csv.reader(io.StringIO(ended.stdout)))
    assert rows[0] == ["block", "initiator", "records", "flows", "packets", "bytes"]
    assert [tuple(row) for row in rows[1:]] == [tuple(map(str, row)) for row in sums]
    shown = blocktap("query", "--store", store, SUMS.format("flows")).stdout
    assert all(str(row[5]) in shown for row in sums)


def test_command_parquet(store: Path, sums: list[tuple[object, ...]], tmp_path: Path) -> None:
    target = tmp_path / "sums.parquet"
    words = ["--format", "parquet", "-o", target, SUMS.format("flows")]
    assert blocktap("query", "--store", store, *words).returncode == 0
    assert [tuple(row.values()) for row in pq.read_table(target).to_pylist()] == sums


def test_accounting_explains_the_rows(store: Path, sums: list[tuple[object, ...]]) -> None:
    ((seen, matched, unmatched, malformed),) = duckdb.sql(
        "SELECT sum(packets_seen), sum(packets_matched), sum(packets_unmatched), sum(packets_malformed) "
        f"FROM '{store}/accounting/*/*.parquet'"
    ).fetchall()
    assert seen == DEMO_PACKETS == matched + unmatched + malformed
    assert matched == sum(row[4] for row in sums)


def test_community_id(store: Path) -> None:
    columns = "inside_ip, outside_ip, inside_port, outside_port, protocol, initiator"
    sql = f"SELECT DISTINCT community_id({columns}) AS id FROM flows"
    ended = blocktap("query", "--store", store, "--format", "json", sql)
    assert ended.returncode == 0
    identifiers = [row["id"] for row in json.loads(ended.stdout)]
    assert len(identifiers) > 100
    assert all(one.startswith("1:") and len(one) == 30 for one in identifiers)


def test_bad_sql_is_told_and_changes_nothing(store: Path) -> None:
    for sql in ("SELECT nothing FROM flows", "DROP VIEW flows", "COPY flows TO '/tmp/x.csv'"):
        ended = blocktap("query", "--store", store, sql)
        assert (ended.returncode, ended.stdout) == (1, ""), sql
        assert "Traceback" not in ended.stderr


def test_only_the_owner_may_look(store: Path) -> None:
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
