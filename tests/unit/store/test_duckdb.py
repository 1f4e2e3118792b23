"""SQL over a store."""

from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sensor.community_id import community_id
from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store import StoreWriter
from sensor.store.engine.duckdb import connect


@pytest.fixture
def store(tmp_path, flows):
    with StoreWriter(tmp_path / "s", "tap") as writer:
        writer.write("flows", flows(range(4)))
        writer.write("flows", flows(range(4, 6), day=1))
    return tmp_path / "s"


def test_no_store(tmp_path):
    with pytest.raises(StoreError, match="no store"):
        connect(tmp_path / "none")


@pytest.mark.parametrize("filled", [True, False])
def test_columns_and_types(tmp_path, store, filled):
    if not filled:
        store = tmp_path / "empty"
        StoreWriter(store, "tap").close()
    with connect(store) as connection:
        for table in TABLES.values():
            described = connection.execute(f"DESCRIBE {table.name}").fetchall()
            expected = {column.name: column.sql for column in table.columns} | {"day": "DATE"}
            assert {row[0]: row[1] for row in described} == expected


def test_day_and_time_arithmetic(store):
    sql = (
        "SELECT day, date_trunc('hour', min(start_time)), sum(bytes_out) FROM flows GROUP BY day ORDER BY day"
    )
    with connect(store) as connection:
        rows = connection.execute(sql).fetchall()
        assert [(row[0], str(row[1]), row[2]) for row in rows] == [
            (date(2017, 4, 1), "2017-04-01 00:00:00", 400),
            (date(2017, 4, 2), "2017-04-02 00:00:00", 200),
        ]


def test_nanoseconds_are_kept(tmp_path, flows):
    with StoreWriter(tmp_path / "s", "tap") as writer:
        writer.write("flows", flows([1], start_ns=1_491_004_800_123_456_789))
    with connect(tmp_path / "s") as connection:
        assert connection.execute("SELECT epoch_ns(start_time) FROM flows").fetchall() == [
            (1_491_004_800_123_456_789,)
        ]


def test_community_id(store):
    columns = ["inside_ip", "outside_ip", "inside_port", "outside_port", "protocol", "initiator"]
    call = f"community_id({', '.join(columns)})"
    with connect(store) as connection:
        found = connection.execute(f"SELECT {call} FROM flows ORDER BY flow_id").fetchall()
        rows = [pq.ParquetFile(path).read() for path in sorted(store.rglob("*.parquet"))]
        expected = community_id(*(pa.concat_tables(rows)[name] for name in columns)).to_pylist()
        assert [row[0] for row in found] == expected
        literal = "SELECT community_id('192.168.1.52', '8.8.8.8', 54585, 53, 17, NULL)"
        assert connection.execute(literal).fetchall() == [("1:d/FP5EW3wiY1vCndhwleRRKHowQ=",)]


def test_folder_names_that_look_like_globs_and_quotes(tmp_path, flows, flow_ids):
    for name in ("a[b]c", "what?", "it's", "x=1", "a*"):
        with StoreWriter(tmp_path / name, "tap") as writer:
            writer.write("flows", flows([7]))
        assert flow_ids(tmp_path / name) == [7], name


def test_reaches_nothing_else(store, tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with connect(store) as connection:
        for sql in (
            f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
            f"COPY (SELECT 1) TO '{tmp_path}/new.csv'",
            f"COPY (SELECT 1) TO '{store}/new.csv'",
            f"ATTACH '{tmp_path}/new.db'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)


def test_sorting_more_than_fits_goes_to_a_temporary_folder(store):
    with connect(store) as connection:
        sql = "SELECT count(*) FROM (SELECT * FROM flows, range(1000) ORDER BY hash(range))"
        assert connection.execute(sql).fetchall() == [(6000,)]


def test_copied_store_without_locks(store):
    for path in (store / ".locks").iterdir():
        path.unlink()
    (store / ".locks").rmdir()
    with connect(store) as connection:
        assert connection.execute("SELECT count(*) FROM flows").fetchall() == [(6,)]
