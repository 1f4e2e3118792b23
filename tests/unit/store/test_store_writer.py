"""Writing segments."""

import errno
import os
import stat
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from sensor.errors import StoreError
from sensor.schema import TABLES, arrow_schema
from sensor.store import StoreWriter, WriterOptions, read_manifest
from sensor.store.engine.duckdb import connect

DAY_NS = 86_400_000_000_000


def segments(store, table="flows"):
    return sorted(path.relative_to(store / table).as_posix() for path in (store / table).rglob("*.parquet"))


class TestSegments:
    def test_names_and_statistics(self, tmp_path, flows):
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", flows(range(10)))
            writer.flush()
            writer.write("flows", flows(range(10, 15), day=1))
        found = segments(tmp_path / "s")
        assert found == ["day=2017-04-01/tap-000000000000.parquet", "day=2017-04-02/tap-000000000001.parquet"]
        written = writer.statistics["flows"]
        assert (written.rows, written.segments) == (15, 2)
        assert written.bytes == sum((tmp_path / "s" / "flows" / name).stat().st_size for name in found)

    def test_second_writer_goes_on_counting(self, tmp_path, flows):
        for number in range(3):
            with StoreWriter(tmp_path / "s", "tap") as writer:
                writer.write("flows", flows([number]))
        assert [name[-10:-8] for name in segments(tmp_path / "s")] == ["00", "01", "02"]

    def test_a_removed_segment_number_is_not_used_again(self, tmp_path, flows):
        for number in range(2):
            with StoreWriter(tmp_path / "s", "tap") as writer:
                writer.write("flows", flows([number]))
            for path in (tmp_path / "s").rglob("*.parquet"):
                path.unlink()
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", flows([2]))
        assert segments(tmp_path / "s") == ["day=2017-04-01/tap-000000000002.parquet"]

    def test_lost_counter_is_found_again_from_the_segments(self, tmp_path, flows):
        for number in range(2):
            with StoreWriter(tmp_path / "s", "tap") as writer:
                writer.write("flows", flows([number]))
            (tmp_path / "s" / ".locks" / "tap.sequence").write_text("0")
        assert len(segments(tmp_path / "s")) == 2

    def test_sensors_share_a_store(self, tmp_path, flows, flow_ids):
        with StoreWriter(tmp_path / "s", "a") as one, StoreWriter(tmp_path / "s", "a-1") as other:
            one.write("flows", flows([1]))
            other.write("flows", flows([2]))
        assert flow_ids(tmp_path / "s") == [1, 2]

    def test_private_modes(self, tmp_path, flows):
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", flows([1]))
        for path in [tmp_path / "s", *(tmp_path / "s").rglob("*")]:
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path

    def test_day_is_cut_at_midnight_utc(self, tmp_path, flows, flow_ids):
        batch = flows(range(6), start_ns=17_258 * DAY_NS - 2, spacing_ns=1)
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", batch)
        rows = connect(tmp_path / "s").execute("SELECT day, flow_id FROM flows ORDER BY flow_id").fetchall()
        assert rows == [(date(2017, 4, 1), 0), (date(2017, 4, 1), 1)] + [
            (date(2017, 4, 2), n) for n in range(2, 6)
        ]

    def test_times_before_1970(self, tmp_path, flows):
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", flows([1], start_ns=-1))
        assert segments(tmp_path / "s") == ["day=1969-12-31/tap-000000000000.parquet"]

    @pytest.mark.parametrize("encoded", [(True, True), (False, False), (True, False)])
    def test_joined_batches_are_sorted(self, tmp_path, flows, encoded):
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", flows(range(100, 200), encoded=encoded[0]))
            writer.write("flows", flows(range(100), encoded=encoded[1]))
        (path,) = (tmp_path / "s" / "flows").rglob("*.parquet")
        rows = pq.ParquetFile(path).read().select(["start_time", "flow_id", "record", "sensor"]).to_pydict()
        keys = list(zip(rows["start_time"], rows["flow_id"], rows["record"], strict=True))
        assert keys == sorted(keys)
        assert set(rows["sensor"]) == {"tap"}

    def test_unsorted_batch_is_sorted(self, tmp_path, flows):
        batch = flows(range(50))
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", batch.take(pa.array(np.random.default_rng(1).permutation(50))))
        (path,) = (tmp_path / "s" / "flows").rglob("*.parquet")
        assert pq.ParquetFile(path).read()["flow_id"].to_pylist() == list(range(50))

    def test_many_days_stay_in_few_segments(self, tmp_path, flows, flow_ids):
        with StoreWriter(tmp_path / "s", "tap", options=WriterOptions(buffered_rows=500)) as writer:
            for number in range(20):
                start = number * 97
                writer.write("flows", flows(range(start, start + 97), spacing_ns=DAY_NS))
                assert sum(buffer.rows for buffer in writer._buffers.values()) <= 500
        assert flow_ids(tmp_path / "s") == list(range(20 * 97))

    def test_full_segments_are_written_at_once(self, tmp_path, flows):
        writer = StoreWriter(tmp_path / "s", "tap", options=WriterOptions(segment_rows=100))
        writer.write("flows", flows(range(100)))
        writer.write("flows", flows(range(99), day=1))
        assert len(segments(tmp_path / "s")) == 1
        writer.close()

    @pytest.mark.parametrize("table", ["dns", "accounting"])
    @pytest.mark.parametrize("encoded", [True, False])
    def test_other_tables(self, tmp_path, table, encoded):
        schema = arrow_schema(table, encoded=encoded)
        times = pa.array([17_257 * DAY_NS, 17_258 * DAY_NS], pa.timestamp("ns", tz="UTC"))
        columns = [times if one.name == "time" else pa.nulls(2, one.type) for one in schema]
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write(table, pa.record_batch(columns, schema=schema))
        assert connect(tmp_path / "s").execute(f"SELECT count(*) FROM {table}").fetchall() == [(2,)]
        assert len(segments(tmp_path / "s", table)) == 2

    def test_hosts_lie_in_the_day_they_name(self, tmp_path):
        schema = arrow_schema("hosts")
        days = pa.array([17_257, 17_258, 17_257], pa.date32())
        columns = [days if one.name == "day" else pa.nulls(3, one.type) for one in schema]
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("hosts", pa.record_batch(columns, schema=schema))
        rows = (
            connect(tmp_path / "s")
            .execute("SELECT day, count(*) FROM hosts GROUP BY 1 ORDER BY 1")
            .fetchall()
        )
        assert rows == [(date(2017, 4, 1), 2), (date(2017, 4, 2), 1)]


class TestRefusals:
    def test_wrong_columns(self, tmp_path, flows):
        with StoreWriter(tmp_path / "s", "tap") as writer:
            with pytest.raises(ValueError, match="columns are"):
                writer.write("flows", flows([1]).drop_columns(["ech"]))
            with pytest.raises(ValueError, match=r"flows\.protocol: the type is string"):
                batch = flows([1])
                place = batch.schema.get_field_index("protocol")
                writer.write("flows", batch.set_column(place, "protocol", pa.array(["6"])))
            with pytest.raises(ValueError, match="no table"):
                writer.write("packets", flows([1]))

    def test_second_writer_of_a_sensor(self, tmp_path, flows):
        with (
            StoreWriter(tmp_path / "s", "tap"),
            pytest.raises(StoreError, match=r"'tap' is being written .*process \d+"),
        ):
            StoreWriter(tmp_path / "s", "tap")
        StoreWriter(tmp_path / "s", "tap").close()

    @pytest.mark.parametrize("name", ["", "a/b", "../a", ".hidden", "a b", "x" * 65])
    def test_sensor_names_that_make_no_file_name(self, tmp_path, name):
        with pytest.raises(ValueError, match="sensor name"):
            StoreWriter(tmp_path / "s", name)

    def test_newer_schema(self, tmp_path):
        StoreWriter(tmp_path / "s", "tap").close()
        (tmp_path / "s" / "store.toml").write_text("schema_version = 99\ncreated = 2030-01-01T00:00:00Z\n")
        for attempt in (lambda: StoreWriter(tmp_path / "s", "tap"), lambda: connect(tmp_path / "s")):
            with pytest.raises(StoreError, match="schema version 99"):
                attempt()

    @pytest.mark.parametrize("text", ["", "schema_version = 'x'\ncreated = 1", "schema_version = ["])
    def test_damaged_manifest(self, tmp_path, text):
        StoreWriter(tmp_path / "s", "tap").close()
        (tmp_path / "s" / "store.toml").write_text(text)
        with pytest.raises(StoreError, match="damaged"):
            read_manifest(tmp_path / "s")

    def test_folder_that_is_something_else(self, tmp_path):
        (tmp_path / "holiday.jpg").touch()
        with pytest.raises(StoreError, match=r"not empty and no store .*holiday\.jpg"):
            StoreWriter(tmp_path, "tap")
        assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]

    def test_file_instead_of_a_folder(self, tmp_path):
        (tmp_path / "s").touch()
        with pytest.raises(StoreError):
            StoreWriter(tmp_path / "s", "tap")

    def test_empty_folder_becomes_a_store(self, tmp_path):
        StoreWriter(tmp_path, "tap").close()
        assert read_manifest(tmp_path).schema_version == 1


class TestFullDisk:
    def test_is_told_and_nothing_is_lost(self, tmp_path, flows, flow_ids, hidden_files, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", flows([1]))
            with monkeypatch.context() as patch:
                patch.setattr("sensor.store.durable.sync_file", full)
                with pytest.raises(StoreError, match=r"cannot write .*No space left"):
                    writer.flush()
            assert hidden_files(tmp_path / "s") == []
            writer.flush()
        assert flow_ids(tmp_path / "s") == [1]


class TestOtherEngines:
    def test_plain_duckdb_and_pyarrow_read_the_tree(self, tmp_path, flows):
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", flows(range(10)))
            writer.flush()
            writer.write("flows", flows(range(10, 20), day=3, encoded=False))
        sql = f"SELECT count(*), count(DISTINCT day) FROM read_parquet('{tmp_path}/s/flows/**/*.parquet')"
        assert duckdb.connect().execute(sql).fetchall() == [(20, 2)]
        rows = pyarrow.dataset.dataset(tmp_path / "s" / "flows", partitioning="hive").to_table()
        assert rows.num_rows == 20
        expected = arrow_schema("flows")
        for name in TABLES["flows"].stored_columns:
            if name != "names":
                assert rows.schema.field(name).type == expected.field(name).type, name
        assert rows["names"][0].as_py() == ["a.example", "b.example"]


class TestCrash:
    def test_writing_never_shows_a_part_and_leaves_nothing(
        self, tmp_path, flows, flow_ids, plain_flow_ids, hidden_files, crash_at
    ):
        for number in range(1000):
            store = tmp_path / str(number)
            with StoreWriter(store, "tap") as writer:
                writer.write("flows", flows([1, 2]))
            with crash_at(number) as attempt, StoreWriter(store, "tap") as writer:
                writer.write("flows", flows([3, 4]))
                writer.write("flows", flows([5, 6], day=1))
            seen = flow_ids(store)
            assert seen in ([1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6])
            assert plain_flow_ids(store) == seen
            with StoreWriter(store, "tap") as writer:
                writer.write("flows", flows([7]))
            assert flow_ids(store) == [*seen, 7]
            assert hidden_files(store) == []
            if attempt.survived:
                break
        assert attempt.survived
        assert number > 3

    def test_creating_a_store(self, tmp_path, flows, flow_ids, crash_at):
        for number in range(1000):
            store = tmp_path / str(number)
            with crash_at(number) as attempt:
                StoreWriter(store, "tap").close()
            with StoreWriter(store, "tap") as writer:
                writer.write("flows", flows([7]))
            assert flow_ids(store) == [7]
            if attempt.survived:
                break
        assert attempt.survived

    def test_another_sensor_leaves_temporaries_alone(self, tmp_path, flows, hidden_files):
        StoreWriter(tmp_path / "s", "tap").close()
        stray = tmp_path / "s" / "flows" / "day=2017-04-01" / ".tap-000000000009.parquet.writing"
        stray.parent.mkdir()
        stray.touch()
        StoreWriter(tmp_path / "s", "tap-2").close()
        assert hidden_files(tmp_path / "s") == [stray.name]
        StoreWriter(tmp_path / "s", "tap").close()
        assert hidden_files(tmp_path / "s") == []

    def test_an_error_keeps_what_was_written(self, tmp_path, flows, flow_ids):
        with pytest.raises(RuntimeError), StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", flows([1]))
            writer.flush()
            writer.write("flows", flows([2]))
            raise RuntimeError
        assert flow_ids(tmp_path / "s") == [1]
