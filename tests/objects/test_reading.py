"""A query fetches what it needs, and no more."""

import os

import duckdb
import pyarrow as pa
import pytest

from sensor.store import StoreWriter, WriterOptions
from sensor.store.engine.duckdb import connect
from sensor.store.place import place_of
from sensor.store.place.reading import SegmentFiles

ROWS = 150_000
WHOLE_BYTES = 2 << 20
END_BYTES = 1 << 16


@pytest.fixture
def fetched(monkeypatch):
    """Notes every request for bytes of a segment: which, where from, how many."""
    requests, real = [], SegmentFiles._get

    def get(self, inside, start, count):
        requests.append((inside, start, count))
        return real(self, inside, start, count)

    monkeypatch.setattr(SegmentFiles, "_get", get)
    return requests


@pytest.fixture
def filled(url, flows):
    """Three days of one segment each, and its size."""
    with StoreWriter(url, "tap", options=WriterOptions(segment_rows=ROWS, buffered_rows=ROWS)) as writer:
        for day in range(3):
            rows = flows(range(day * ROWS, day * ROWS + ROWS), day=day)
            # Text that does not shrink: what is small is fetched as a whole.
            names = pa.array([os.urandom(16).hex() for _ in range(ROWS)])
            writer.write("flows", rows.set_column(rows.schema.names.index("name"), "name", names))
    sizes = [found.size for found in place_of(url).files("flows")]
    assert len(sizes) == 3
    assert min(sizes) > WHOLE_BYTES
    return url, sum(sizes)


def test_columns(filled, fetched):
    url, size = filled
    with connect(url) as connection:
        assert connection.execute("SELECT sum(bytes_out) FROM flows").fetchall() == [(300 * ROWS,)]
        first = sum(count for _, _, count in fetched)
        assert first < size / 10
        fetched.clear()
        connection.execute("SELECT sum(bytes_in) FROM flows").fetchall()
        assert sum(count for _, _, count in fetched) < first, "the ends are kept"


def test_days(filled, fetched):
    url, _ = filled
    with connect(url) as connection:
        fetched.clear()
        sql = "SELECT sum(flow_id) FROM flows WHERE day = DATE '2017-04-02'"
        assert connection.execute(sql).fetchall() == [(sum(range(ROWS, 2 * ROWS)),)]
        assert {path.split("/")[1] for path, _, _ in fetched} <= {"day=2017-04-02", "day=2017-04-01"}
        others = [count for path, _, count in fetched if "04-02" not in path]
        assert sum(others) <= END_BYTES


def test_row_groups(filled, fetched):
    url, _ = filled
    with connect(url) as connection:
        connection.execute("SELECT max(flow_id) FROM flows").fetchall()
        whole = sum(count for _, _, count in fetched)
        fetched.clear()
        # A segment has two row groups, in order of time; one of six has this.
        sql = "SELECT count(*), max(flow_id) FROM flows WHERE start_time < TIMESTAMP_NS '2017-04-01 00:00:00.001'"
        assert connection.execute(sql).fetchall() == [(1000, 999)]
        assert sum(count for _, _, count in fetched) < whole / 2


def test_how_many_rows_there_are_is_in_the_ends(filled, fetched):
    url, _ = filled
    with connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM flows").fetchall() == [(3 * ROWS,)]
        assert len(fetched) <= 3


def test_reaches_nothing_else(filled, tmp_path):
    url, _ = filled
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with connect(url) as connection:
        for sql in (
            f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
            f"SELECT * FROM read_text('{url}/store.toml')",
            f"COPY (SELECT 1) TO '{url}/new.csv'",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)
