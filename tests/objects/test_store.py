"""A store on object storage does what one in a folder does."""

import threading

import duckdb
import pytest

import sensor
from sensor.errors import StoreError
from sensor.export import stored_flows
from sensor.store import (
    Compaction,
    RunInfo,
    RunInput,
    StoreWriter,
    WriterOptions,
    compact,
    prune,
    read_manifest,
    read_runs,
)
from sensor.store.engine.duckdb import connect
from sensor.store.place import objects, place_of
from sensor.store.place.state import State
from sensor.store.swap import carry_out, pending_swaps


def run_of(name):
    return RunInfo((RunInput(name, 1, name),), "digest")


def write_small(store, flows, count, *, sensor="tap", first=0, run=None):
    options = WriterOptions(compact_on_close=False)
    with StoreWriter(store, sensor, run, options=options) as writer:
        for number in range(first, first + count):
            writer.write("flows", flows([number], day=number % 2))
            writer.flush()


def paths(store):
    return sorted(found.path for found in place_of(store).files(""))


def segments(store):
    return [path for path in paths(store) if path.endswith(".parquet")]


@pytest.fixture
def no_grace(monkeypatch):
    """What was replaced goes at once."""
    monkeypatch.setattr(objects, "GRACE_S", -60.0)


def test_rows_come_back(url, flows, flow_ids):
    write_small(url, flows, 6)
    assert flow_ids(url) == list(range(6))
    assert read_manifest(url).schema_version >= 1
    assert len(segments(url)) == 6


def test_two_sensors_write_one_store(url, flows, flow_ids):
    with StoreWriter(url, "one") as one, StoreWriter(url, "two") as two:
        one.write("flows", flows(range(10)))
        two.write("flows", flows(range(10, 20)))
    assert flow_ids(url) == list(range(20))


def test_a_second_writer_of_a_name_is_refused(url, tmp_path):
    with StoreWriter(url, "tap"):
        with pytest.raises(StoreError, match=r"'tap' is being written to s3://.* by process"):
            StoreWriter(url, "tap")
        elsewhere = objects.object_place(url, State(tmp_path / "other machine"))
        with pytest.raises(StoreError, match=r"'tap' is being written to s3://.* by process"):
            StoreWriter(elsewhere, "tap")
    StoreWriter(elsewhere, "tap").close()


def test_what_is_there_and_no_store(url, folder_of):
    folder_of(url).mkdir(parents=True)
    (folder_of(url) / "photo.jpg").write_text("x")
    with pytest.raises(StoreError, match="not empty and no store"):
        StoreWriter(url, "tap")


def test_no_store(url):
    with pytest.raises(StoreError, match=r"no store: there is no store\.toml"):
        connect(url)


class TestRuns:
    def test_are_remembered(self, url, flows):
        write_small(url, flows, 2, run=run_of("a"))
        assert [(run.sensor, run.complete) for run in read_runs(url)] == [("tap", True)]

    def test_one_replaces_another(self, url, flows, flow_ids, no_grace):
        write_small(url, flows, 4, run=run_of("a"))
        write_small(url, flows, 2, first=10, run=run_of("b"))
        with StoreWriter(url, "tap", run_of("a"), replace=True) as writer:
            writer.write("flows", flows(range(20, 25)))
            writer.flush()
            assert flow_ids(url) == [0, 1, 2, 3, 10, 11], "nothing is seen before it is complete"
        assert flow_ids(url) == [10, 11, 20, 21, 22, 23, 24]
        assert len(read_runs(url)) == 2
        compact(url)
        compact(url)
        assert flow_ids(url) == [10, 11, 20, 21, 22, 23, 24]
        assert not [path for path in paths(url) if "staged" in path]

    def test_a_replacing_run_that_fails_changes_nothing(self, url, flows, flow_ids):
        write_small(url, flows, 4, run=run_of("a"))
        with pytest.raises(ZeroDivisionError), StoreWriter(url, "tap", run_of("a"), replace=True) as writer:
            writer.write("flows", flows(range(20, 25)))
            writer.flush()
            raise ZeroDivisionError
        assert flow_ids(url) == [0, 1, 2, 3]
        StoreWriter(url, "tap").close()
        assert not [path for path in paths(url) if "staged" in path]
        assert len(read_runs(url)) == 1


class TestCompaction:
    def test_takes_effect_at_once_and_is_carried_out_later(self, url, flows, flow_ids, monkeypatch):
        write_small(url, flows, 8)
        reader = connect(url)
        assert compact(url).written == 2
        assert flow_ids(url) == list(range(8))
        assert len([path for path in segments(url) if "/." not in path]) == 8, "readers may be at them"
        assert reader.execute("SELECT count(*) FROM flows").fetchall() == [(8,)]
        reader.close()
        assert compact(url).merged == 0
        monkeypatch.setattr(objects, "GRACE_S", -60.0)
        compact(url)
        assert len(segments(url)) == 2
        assert flow_ids(url) == list(range(8))
        compact(url)
        assert pending_swaps(url) == {}
        assert not [path for path in paths(url) if "merging" in path]
        assert flow_ids(url) == list(range(8))

    def test_leaves_alone_what_may_come_again(self, url, flows, flow_ids, monkeypatch):
        monkeypatch.setattr("sensor.store.spool.shipper.MARK_S", 1e9)
        options = WriterOptions(compact_on_close=False)
        with StoreWriter(url, "tap", options=options) as writer:
            for number in range(4):
                writer.write("flows", flows([number]))
                writer.flush()
            while writer.spool_state.segments:
                pass
            place_of(url).remove([".locks/tap.shipped"])
            assert compact(url).merged == 0
        assert compact(url).merged == 4

    def test_polling_readers_always_see_every_row_once(self, url, flows, flow_ids, no_grace):
        write_small(url, flows, 12)
        stop, wrong, polls = threading.Event(), [], []

        def poll():
            while not stop.is_set():
                try:
                    seen = flow_ids(url)
                except (StoreError, OSError, duckdb.Error):
                    # Without grace a segment may go while it is read: what is read to its end is what counts.
                    continue
                polls.append(1)
                if seen != list(range(12)):
                    wrong.append(seen)

        thread = threading.Thread(target=poll)
        thread.start()
        try:
            for rows in (2, 4, 12):
                compact(url, Compaction(merged_rows=rows))
                compact(url, Compaction(merged_rows=rows))
        finally:
            stop.set()
            thread.join()
        assert wrong == []
        assert polls
        compact(url)
        assert flow_ids(url) == list(range(12))

    def test_carried_out_halfway_through_a_list(self, url, flows, flow_ids, no_grace, monkeypatch):
        write_small(url, flows, 6)
        with monkeypatch.context() as patch:
            patch.setattr(objects, "GRACE_S", 1e6)
            compact(url)
        assert len(pending_swaps(url)) == 1
        real = objects.ObjectPlace.segments

        def segments_and_then(self, tables):
            found = real(self, tables)
            with monkeypatch.context() as patch:
                patch.setattr(objects.ObjectPlace, "segments", real)
                compact(url)
            return found

        with monkeypatch.context() as patch:
            patch.setattr(objects.ObjectPlace, "segments", segments_and_then)
            connection = connect(url)
        with connection:
            assert connection.execute("SELECT flow_id FROM flows ORDER BY 1").fetchall() == [
                (number,) for number in range(6)
            ]
        assert flow_ids(url) == list(range(6))

    @pytest.mark.parametrize("dies_at", range(14))
    def test_that_dies_loses_nothing(self, url, flows, flow_ids, no_grace, monkeypatch, dies_at):
        write_small(url, flows, 4)
        calls = iter(range(1000))

        class Died(BaseException):
            pass

        def dying(name):
            real = getattr(objects.ObjectPlace, name)

            def call(self, *arguments):
                if next(calls) >= dies_at:
                    raise Died
                return real(self, *arguments)

            return call

        with monkeypatch.context() as patch:
            for name in ("write", "_remove", "publish"):
                patch.setattr(objects.ObjectPlace, name, dying(name))
            try:
                compact(url)
                compact(url)
            except Died:
                pass
        assert flow_ids(url) == [0, 1, 2, 3]
        for _ in range(3):
            compact(url)
        assert flow_ids(url) == [0, 1, 2, 3]
        assert len(segments(url)) == 2
        assert pending_swaps(url) == {}


class TestPruning:
    def test_is_seen_at_once_and_frees_later(self, url, flows, flow_ids, monkeypatch):
        write_small(url, flows, 4)
        reader = connect(url)
        assert prune(url, days=1).segments == 2
        assert flow_ids(url) == [1, 3]
        assert reader.execute("SELECT count(*) FROM flows").fetchall() == [(4,)]
        reader.close()
        monkeypatch.setattr(objects, "GRACE_S", -60.0)
        place = place_of(url)
        with place.maintenance_lock():
            carry_out(place)
        assert len(segments(url)) == 2
        assert prune(url, days=1).segments == 0

    def test_by_bytes(self, url, flows, flow_ids):
        write_small(url, flows, 4)
        assert prune(url, most_bytes=0).segments == 2
        assert flow_ids(url) == [1, 3]


def test_a_merged_segment_of_a_pending_swap_can_be_pruned(url, flows, flow_ids, monkeypatch):
    write_small(url, flows, 8)
    compact(url)
    prune(url, days=1)
    assert flow_ids(url) == [1, 3, 5, 7]
    monkeypatch.setattr(objects, "GRACE_S", -60.0)
    for _ in range(3):
        compact(url)
    assert flow_ids(url) == [1, 3, 5, 7]
    assert len(segments(url)) == 1


def test_for_python_and_for_collectors(url, flows):
    write_small(url, flows, 4, run=run_of("a"))
    with sensor.open_store(url) as store:
        assert [day.isoformat() for day in store.days] == ["2017-04-01", "2017-04-02"]
        assert [run.complete for run in store.runs] == [True]
        write_small(url, flows, 2, first=4)
        store.refresh()
        assert store.sql("SELECT count(*) FROM flows").fetchall() == [(6,)]
        assert "volume" in sensor.Study(store)
    assert sum(batch.num_rows for batch in stored_flows(url)) == 6
