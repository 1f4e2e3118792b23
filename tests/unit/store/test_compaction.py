"""Compaction, and readers and crashes in the midst of it."""

import threading
from datetime import date

import pytest

from sensor.store import Compaction, RunInfo, RunInput, StoreWriter, WriterOptions, compact
from sensor.store.engine.duckdb import connect
from sensor.store.lock import exclude_readers, maintenance_lock
from sensor.store.parquet import read_footer
from sensor.store.swap import carry_out, pending_swaps


def write_small(store, flows, count, *, sensor="tap", first=0, run=None):
    options = WriterOptions(compact_on_close=False)
    with StoreWriter(store, sensor, run=run, options=options) as writer:
        for number in range(first, first + count):
            writer.write("flows", flows([number], day=number % 2))
            writer.flush()


def files(store):
    return sorted(path.name for path in (store / "flows").rglob("*.parquet"))


class TestMerging:
    def test_by_day(self, tmp_path, flows, flow_ids, plain_flow_ids, hidden_files):
        write_small(tmp_path / "s", flows, 10)
        result = compact(tmp_path / "s")
        assert (result.merged, result.written) == (10, 2)
        assert len(files(tmp_path / "s")) == 2
        assert flow_ids(tmp_path / "s") == plain_flow_ids(tmp_path / "s") == list(range(10))
        assert hidden_files(tmp_path / "s") == []
        assert compact(tmp_path / "s").merged == 0

    def test_sensors_and_runs_stay_apart(self, tmp_path, flows, flow_ids):
        runs = [RunInfo((RunInput(name, 1, name),), "digest") for name in "ab"]
        write_small(tmp_path / "s", flows, 4, sensor="one", run=runs[0])
        write_small(tmp_path / "s", flows, 4, sensor="one", run=runs[1], first=4)
        write_small(tmp_path / "s", flows, 4, sensor="two", first=8)
        assert compact(tmp_path / "s", Compaction(sensor="one")).written == 4
        assert compact(tmp_path / "s").written == 2
        found = [read_footer(path)[:2] for path in (tmp_path / "s" / "flows").rglob("*.parquet")]
        assert sorted(found, key=str) == sorted([(2, runs[0].id), (2, runs[1].id), (2, None)] * 2, key=str)
        assert flow_ids(tmp_path / "s") == list(range(12))

    def test_large_segments_stay_and_merged_ones_are_bounded(self, tmp_path, flows, flow_ids):
        with StoreWriter(tmp_path / "s", "tap") as writer:
            for start, stop in ((0, 50), (50, 55), (55, 60), (60, 65), (65, 70)):
                writer.write("flows", flows(range(start, stop)))
                writer.flush()
        result = compact(tmp_path / "s", Compaction(small_rows=10, merged_rows=10))
        assert (result.merged, result.written) == (4, 2)
        assert flow_ids(tmp_path / "s") == list(range(70))

    def test_only_some_days(self, tmp_path, flows):
        write_small(tmp_path / "s", flows, 8)
        assert compact(tmp_path / "s", Compaction(days=frozenset({date(2017, 4, 2)}))).merged == 4

    def test_a_replay_compacts_itself(self, tmp_path, flows):
        run = RunInfo((), "digest")
        with StoreWriter(tmp_path / "s", "tap", run=run) as writer:
            for number in range(5):
                writer.write("flows", flows([number]))
                writer.flush()
        assert len(files(tmp_path / "s")) == 1

    def test_writer_beside_it(self, tmp_path, flows, flow_ids):
        write_small(tmp_path / "s", flows, 4)
        with StoreWriter(tmp_path / "s", "tap") as writer:
            writer.write("flows", flows([10]))
            writer.flush()
            assert compact(tmp_path / "s").merged == 5
            writer.write("flows", flows([11]))
        assert flow_ids(tmp_path / "s") == [0, 1, 2, 3, 10, 11]


class TestReaders:
    def test_open_connection_keeps_its_segments(self, tmp_path, flows, flow_ids, monkeypatch, hidden_files):
        monkeypatch.setattr("sensor.store.swap.READERS_WAIT_S", 0.05)
        store = tmp_path / "s"
        write_small(store, flows, 4)
        reader = connect(store)
        result = compact(store)
        assert result.is_held_up
        assert result.written == 1
        assert flow_ids(store) == [0, 1, 2, 3], "a new reader sees the decided swap"
        assert reader.execute("SELECT count(*) FROM flows").fetchall() == [(4,)]
        reader.close()
        assert compact(store).merged == 2
        assert hidden_files(store) == []
        assert flow_ids(store) == [0, 1, 2, 3]

    def test_polling_readers_always_see_every_row_once(self, tmp_path, flows, flow_ids):
        store = tmp_path / "s"
        write_small(store, flows, 40)
        stop, wrong, polls = threading.Event(), [], 0

        def poll():
            nonlocal polls
            while not stop.is_set():
                seen = flow_ids(store)
                polls += 1
                if seen != list(range(40)):
                    wrong.append(seen)

        thread = threading.Thread(target=poll)
        thread.start()
        try:
            for rows in (2, 4, 8, 40):
                compact(store, Compaction(merged_rows=rows))
        finally:
            stop.set()
            thread.join()
        compact(store, Compaction(merged_rows=40))
        assert wrong == []
        assert polls > 0
        assert len(files(store)) == 2

    def test_closing_the_connection_gives_the_lock_back(self, tmp_path, flows):
        write_small(tmp_path / "s", flows, 1)
        connection = connect(tmp_path / "s")
        assert exclude_readers(tmp_path / "s", 0) is None
        connection.close()
        assert exclude_readers(tmp_path / "s", 0) is not None


class TestCrash:
    def test_at_every_step(self, tmp_path, flows, flow_ids, plain_flow_ids, hidden_files, crash_at):
        for number in range(1000):
            store = tmp_path / str(number)
            write_small(store, flows, 4)
            with crash_at(number) as attempt:
                compact(store)
            assert flow_ids(store) == [0, 1, 2, 3]
            StoreWriter(store, "other").close()
            assert flow_ids(store) == plain_flow_ids(store) == [0, 1, 2, 3]
            compact(store)
            assert flow_ids(store) == plain_flow_ids(store) == [0, 1, 2, 3]
            assert hidden_files(store) == []
            assert len(files(store)) == 2
            if attempt.survived:
                break
        assert attempt.survived
        assert number > 5

    def test_recovery_that_crashes_too(self, tmp_path, flows, flow_ids, plain_flow_ids, crash_at):
        for number in range(1000):
            store = tmp_path / str(number)
            write_small(store, flows, 4)
            for first in range(1000):
                with crash_at(first):
                    compact(store)
                if pending_swaps(store):
                    break
            with crash_at(number) as attempt, maintenance_lock(store):
                carry_out(store)
            assert flow_ids(store) == [0, 1, 2, 3]
            StoreWriter(store, "other").close()
            assert plain_flow_ids(store) == [0, 1, 2, 3]
            if attempt.survived:
                break
        assert attempt.survived

    def test_damaged_journal_is_told(self, tmp_path, flows):
        write_small(tmp_path / "s", flows, 1)
        (tmp_path / "s" / ".journal" / "x.json").write_text("{")
        with pytest.raises(Exception, match=r"journal .* is damaged"):
            connect(tmp_path / "s")
