"""Runs: captures replayed before, and runs that replace them."""

import pytest

from sensor.errors import StoreError
from sensor.store import RunInfo, RunInput, StoreWriter, earlier_runs, fingerprint, read_runs
from sensor.store.engine.duckdb import connect
from sensor.store.parquet import read_footer


def run(*names):
    return RunInfo(tuple(RunInput(name, 1, f"content of {name}") for name in names), "digest")


def replay(store, flows, identifiers, info, *, sensor="tap", replace=False):
    with StoreWriter(store, sensor, run=info, replace=replace) as writer:
        writer.write("flows", flows(identifiers))
        writer.write("flows", flows([identifier + 100 for identifier in identifiers], day=1))


class TestFingerprint:
    def test_depends_on_size_head_and_tail(self, tmp_path):
        path = tmp_path / "a.pcap"
        found = set()
        for content in (b"", b"a", b"ab", b"a" * 200_000, b"a" * 199_999 + b"b", b"b" + b"a" * 199_999):
            path.write_bytes(content)
            described = fingerprint(path)
            assert described.size == len(content)
            found.add(described.fingerprint)
        assert len(found) == 6

    def test_does_not_depend_on_the_name(self, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).write_bytes(b"same")
        assert fingerprint(tmp_path / "a").fingerprint == fingerprint(tmp_path / "b").fingerprint

    def test_standard_input_has_none(self):
        assert fingerprint("-") == RunInput("-", None, None)


class TestRecords:
    def test_remembered(self, tmp_path, flows):
        info = run("a", "b")
        replay(tmp_path / "s", flows, [1], info)
        (found,) = read_runs(tmp_path / "s")
        assert (found.id, found.sensor, found.inputs, found.complete) == (info.id, "tap", info.inputs, True)
        assert {read_footer(path)[1] for path in (tmp_path / "s").rglob("*.parquet")} == {info.id}

    def test_earlier_runs(self, tmp_path, flows):
        assert earlier_runs(tmp_path / "none", run("a").inputs) == []
        replay(tmp_path / "s", flows, [1], run("a", "b"))
        assert len(earlier_runs(tmp_path / "s", run("b", "c").inputs)) == 1
        assert earlier_runs(tmp_path / "s", run("c").inputs) == []
        assert earlier_runs(tmp_path / "s", [RunInput("-")]) == []

    def test_interrupted_run_is_not_complete(self, tmp_path, flows):
        with pytest.raises(RuntimeError), StoreWriter(tmp_path / "s", "tap", run=run("a")):
            raise RuntimeError
        assert [one.complete for one in read_runs(tmp_path / "s")] == [False]

    def test_live_sensor_leaves_none(self, tmp_path, flows):
        StoreWriter(tmp_path / "s", "tap").close()
        assert read_runs(tmp_path / "s") == []


class TestReplacing:
    def test_same_capture(self, tmp_path, flows, flow_ids, plain_flow_ids, hidden_files):
        store = tmp_path / "s"
        replay(store, flows, [1, 2], run("a"))
        replay(store, flows, [50], run("b"))
        replay(store, flows, [3, 4], run("a"), replace=True)
        assert flow_ids(store) == plain_flow_ids(store) == [3, 4, 50, 103, 104, 150]
        assert [one.inputs[0].path for one in read_runs(store)] == ["b", "a"]
        assert hidden_files(store) == []

    def test_invisible_before_close(self, tmp_path, flows, flow_ids, plain_flow_ids):
        store = tmp_path / "s"
        replay(store, flows, [1], run("a"))
        writer = StoreWriter(store, "tap", run=run("a"), replace=True)
        writer.write("flows", flows([2]))
        writer.flush()
        assert flow_ids(store) == plain_flow_ids(store) == [1, 101]
        writer.close()
        assert flow_ids(store) == [2]

    def test_nothing_to_replace(self, tmp_path, flows, flow_ids):
        replay(tmp_path / "s", flows, [1], run("a"), replace=True)
        assert flow_ids(tmp_path / "s") == [1, 101]
        assert [one.complete for one in read_runs(tmp_path / "s")] == [True]

    def test_run_of_another_sensor_and_several_runs(self, tmp_path, flows, flow_ids):
        store = tmp_path / "s"
        replay(store, flows, [1], run("a"), sensor="one")
        replay(store, flows, [2], run("b"), sensor="two")
        replay(store, flows, [3], run("a", "b"), sensor="three", replace=True)
        assert flow_ids(store) == [3, 103]

    def test_run_with_further_captures_is_refused(self, tmp_path, flows, flow_ids):
        replay(tmp_path / "s", flows, [1], run("a", "b"))
        with pytest.raises(StoreError, match="also read b"):
            StoreWriter(tmp_path / "s", "tap", run=run("a"), replace=True)
        assert flow_ids(tmp_path / "s") == [1, 101]

    def test_an_error_changes_nothing(self, tmp_path, flows, flow_ids, hidden_files):
        store = tmp_path / "s"
        replay(store, flows, [1], run("a"))
        with (
            pytest.raises(RuntimeError),
            StoreWriter(store, "tap", run=run("a"), replace=True) as writer,
        ):
            writer.write("flows", flows([2]))
            writer.flush()
            raise RuntimeError
        assert flow_ids(store) == [1, 101]
        assert hidden_files(store) == []
        assert len(read_runs(store)) == 1

    def test_run_still_going_elsewhere_is_refused(self, tmp_path, flows):
        store = tmp_path / "s"
        with (
            StoreWriter(store, "one", run=run("a")),
            pytest.raises(StoreError, match="being replayed as sensor 'one'"),
        ):
            replay(store, flows, [2], run("a"), sensor="two", replace=True)

    def test_only_runs_replace(self, tmp_path):
        with pytest.raises(ValueError, match="only a run"):
            StoreWriter(tmp_path / "s", "tap", replace=True)

    def test_crash_at_every_step(
        self, tmp_path, flows, flow_ids, plain_flow_ids, hidden_files, crash_at, monkeypatch
    ):
        old, new = [1, 2, 101, 102], [3, 4, 103, 104]
        seen_states = set()
        for number in range(1000):
            store = tmp_path / str(number)
            replay(store, flows, [1, 2], run("a"))
            with crash_at(number) as attempt:
                replay(store, flows, [3, 4], run("a"), replace=True)
            seen = flow_ids(store)
            assert seen in (old, new)
            seen_states.add(tuple(seen))
            assert len(earlier_runs(store, run("a").inputs)) >= 1
            StoreWriter(store, "tap").close()
            assert flow_ids(store) == plain_flow_ids(store) == seen
            assert hidden_files(store) == []
            assert len(read_runs(store)) == 1
            if attempt.survived:
                break
        assert attempt.survived
        assert seen_states == {tuple(old), tuple(new)}

    def test_reader_keeps_the_old_run_until_it_closes(self, tmp_path, flows, flow_ids, monkeypatch):
        monkeypatch.setattr("sensor.store.swap.READERS_WAIT_S", 0.05)
        store = tmp_path / "s"
        replay(store, flows, [1], run("a"))
        reader = connect(store)
        replay(store, flows, [2], run("a"), replace=True)
        assert reader.execute("SELECT flow_id FROM flows ORDER BY 1").fetchall() == [(1,), (101,)]
        assert flow_ids(store) == [2, 102]
        reader.close()
        StoreWriter(store, "tap").close()
        assert flow_ids(store) == [2, 102]
