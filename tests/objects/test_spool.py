"""What becomes of segments while the storage is away."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sensor.errors import StoreError
from sensor.store import RunInfo, RunInput, StoreWriter, WriterOptions, compact, read_runs
from sensor.store.place import place_of
from sensor.store.place.state import State, default_folder
from sensor.store.spool import SpoolOptions
from sensor.store.spool.leftover import ship_left_overs

CAPTURE = Path("tests/golden/captures/demo.pcap")


@dataclass
class Told:
    """Notes what is told."""

    words: list = field(default_factory=list)

    def away(self, reason, spool):
        self.words.append("away")

    def back(self):
        self.words.append("back")


@pytest.fixture
def told():
    return Told()


def options(told=None, **words):
    spool = SpoolOptions(**({"events": told} if told else {}), **words)
    return WriterOptions(compact_on_close=False, spool=spool)


def spooled():
    return sorted(path.name for path in default_folder().rglob("*.parquet"))


def wait_until(ready, seconds=20):
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def away(server):
    server.kill()
    try:
        yield
    finally:
        server.start()


def test_rows_wait_and_are_shipped_in_order(server, url, flows, flow_ids, told):
    with StoreWriter(url, "tap", options=options(told)) as writer:
        writer.write("flows", flows([0]))
        writer.flush()
        wait_until(lambda: writer.spool_state.shipped == 1)
        with away(server):
            for number in range(1, 5):
                writer.write("flows", flows([number]))
                writer.flush()
            wait_until(lambda: writer.spool_state.away)
            assert writer.spool_state.segments == 4
            assert len(spooled()) == 4
        wait_until(lambda: not writer.spool_state.segments)
    assert told.words == ["away", "back"]
    assert spooled() == []
    assert flow_ids(url) == [0, 1, 2, 3, 4]
    sequences = sorted(segment.sequence for segment in place_of(url).segments(("flows",)))
    assert len(sequences) == 5


def test_a_live_sensor_begins_without_the_storage(server, url, flows, flow_ids, told):
    with away(server):
        writer = StoreWriter(url, "tap", options=options(told))
        writer.write("flows", flows([1]))
        began = time.monotonic()
        writer.flush()
        assert time.monotonic() - began < 2
    wait_until(lambda: not writer.spool_state.segments)
    writer.close()
    assert flow_ids(url) == [1]
    assert told.words == ["away", "back"]


def test_a_live_sensor_that_stops_leaves_the_rest_for_its_next_start(
    server, url, flows, flow_ids, monkeypatch
):
    monkeypatch.setattr("sensor.store.spool.landing.LAST_WORDS_S", 0.2)
    with away(server), StoreWriter(url, "tap", options=options()) as writer:
        writer.write("flows", flows([1]))
    assert len(spooled()) == 1
    with StoreWriter(url, "tap", options=options()) as writer:
        writer.write("flows", flows([2]))
    assert flow_ids(url) == [1, 2]
    assert spooled() == []


def test_a_full_spool_is_an_error_at_once_for_a_sensor(server, url, flows, flow_ids, monkeypatch):
    monkeypatch.setattr("sensor.store.spool.landing.LAST_WORDS_S", 0.2)
    with away(server):
        writer = StoreWriter(url, "tap", options=options(most_bytes=10_000))
        writer.write("flows", flows(range(2000)))
        writer.flush()
        writer.write("flows", flows(range(2000, 2010)))
        with pytest.raises(StoreError, match=r"spool is full .*1 segments wait in"):
            writer.flush()
        assert writer.waiting_rows == 10
    wait_until(lambda: not writer.spool_state.segments)
    writer.close()
    assert flow_ids(url) == list(range(2010))


def test_a_full_spool_keeps_a_replay_waiting(url, flows, flow_ids):
    run = RunInfo((RunInput("a", 1, "x"),), "digest")
    with StoreWriter(url, "tap", run, options=options(most_bytes=1000, patience_s=20)) as writer:
        for number in range(6):
            writer.write("flows", flows(range(number * 500, number * 500 + 500)))
            writer.flush()
    assert flow_ids(url) == list(range(3000))


def test_a_replay_gives_up_and_the_next_one_ships(server, url, flows, flow_ids):
    first, second = (RunInfo((RunInput(name, 1, name),), "digest") for name in "ab")
    writer = StoreWriter(url, "tap", first, options=options(patience_s=0.5))
    writer.write("flows", flows(range(100)))
    with away(server), pytest.raises(StoreError, match=r"is away .*: 1 segments wait in .*spool") as failure:
        writer.close()
    assert str(default_folder()) in str(failure.value)
    assert flow_ids(url) == []
    assert [run.complete for run in read_runs(url)] == [False]
    with StoreWriter(url, "tap", second, options=options()) as writer:
        writer.write("flows", flows(range(100, 110)))
    assert flow_ids(url) == list(range(110))
    assert [run.complete for run in read_runs(url)] == [True, True]


def test_a_replay_without_the_storage_does_not_begin(server, url):
    run = RunInfo((RunInput("a", 1, "x"),), "digest")
    with away(server), pytest.raises(StoreError, match="is away"):
        StoreWriter(url, "tap", run, options=options(patience_s=0.2))
    StoreWriter(url, "tap", run, options=options()).close()


def test_ship_by_hand(server, url, flows, flow_ids):
    for name in ("one", "two"):
        run = RunInfo((RunInput(name, 1, name),), "digest")
        writer = StoreWriter(url, name, run, options=options(patience_s=0.2))
        writer.write("flows", flows(range(10) if name == "one" else range(10, 20)))
        with away(server), pytest.raises(StoreError):
            writer.close()
    assert ship_left_overs(url) == 2
    assert flow_ids(url) == list(range(20))
    assert [run.complete for run in read_runs(url)] == [True, True]
    assert ship_left_overs(url) == 0


def test_what_another_run_stands_in_for_is_not_shipped(server, url, flows, flow_ids, tmp_path, monkeypatch):
    run = RunInfo((RunInput("a", 1, "x"),), "digest")
    writer = StoreWriter(url, "tap", run, options=options(patience_s=0.2))
    writer.write("flows", flows(range(10)))
    with away(server), pytest.raises(StoreError):
        writer.close()
    elsewhere = options(folder=tmp_path / "other machine")
    monkeypatch.setattr("sensor.store.place.lease.LEASE_S", 0.5)  # whoever failed could not let go
    time.sleep(2)
    with StoreWriter(url, "tap", RunInfo(run.inputs, "digest"), True, elsewhere) as writer:
        writer.write("flows", flows(range(10)))
    assert ship_left_overs(url) == 0
    assert spooled() == []
    assert flow_ids(url) == list(range(10)), "once, not twice"


class TestDeath:
    """A writer's process is killed and comes again."""

    SCRIPT = """
import sys, time
from tests.objects.conftest import make_flows
from sensor.store import StoreWriter, WriterOptions
writer = StoreWriter(sys.argv[1], "tap", options=WriterOptions(compact_on_close=False))
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 400):
    writer.write("flows", make_flows([number]))
    writer.flush()
    print(number, flush=True)
"""

    def kill_after(self, url, first, seconds):
        """Write numbers until killed; return those that were said to be on the disk."""
        with subprocess.Popen(
            [sys.executable, "-c", self.SCRIPT, url, str(first)], stdout=subprocess.PIPE, text=True
        ) as process:
            told = [process.stdout.readline()]
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
            told += process.stdout.read().split()
        return [int(number) for number in told]

    def test_nothing_lost_nothing_twice(self, server, url, flow_ids):
        told = []
        for number in range(4):
            told += self.kill_after(url, 1000 * number, 0.15 * (number + 1))
        StoreWriter(url, "tap").close()
        seen = flow_ids(url)
        assert len(seen) == len(set(seen))
        assert set(told) <= set(seen), "the last of each life may be there without having been told"
        assert spooled() == []

    def test_shipped_and_not_yet_forgotten(self, url, flows, flow_ids, monkeypatch):
        """The process dies between the storage's word and the removal from the spool."""
        from sensor.store.spool.folder import Spool

        with monkeypatch.context() as patch:
            patch.setattr("sensor.store.spool.landing.LAST_WORDS_S", 0.5)
            patch.setattr(Spool, "forget", lambda *_: (_ for _ in ()).throw(OSError("dies here")))
            writer = StoreWriter(url, "tap", options=options())
            writer.write("flows", flows([1]))
            writer.flush()
            wait_until(lambda: flow_ids(url) == [1])
            writer.close()
        assert len(spooled()) == 1
        assert compact(url).merged == 0, "it may come again"
        with StoreWriter(url, "tap", options=options()) as writer:
            writer.write("flows", flows([2]))
        assert flow_ids(url) == [1, 2]
        assert compact(url).merged == 2
        StoreWriter(url, "tap").close()
        assert flow_ids(url) == [1, 2]


def test_a_number_that_the_store_has_already_is_given_up(url, flows, flow_ids, monkeypatch, tmp_path):
    """Two machines, one after the other, with clocks that say the same."""
    for module in ("sensor.store.spool.folder", "sensor.store.place.objects"):
        monkeypatch.setattr(f"{module}.ticks", lambda: 1000)
    for number in range(2):
        spool = options(folder=tmp_path / str(number))
        writer = StoreWriter(url, "tap", options=spool)
        writer.write("flows", flows([number]))
        writer.close()
        place_of(url).remove([".locks/tap.shipped"])
    assert flow_ids(url) == [0, 1]


def test_who_this_machine_is(tmp_path):
    one, other = State(tmp_path / "one"), State(tmp_path / "other")
    assert one.owner == State(tmp_path / "one").owner
    assert one.owner != other.owner


class TestCommands:
    def run(self, *words, **more):
        return subprocess.run(
            [sys.executable, "-m", "sensor", *words], capture_output=True, text=True, timeout=60, check=False,
            env=os.environ | more,
        )  # fmt: skip

    def test_replay_query_report_export_ship(self, server, url, tmp_path):
        replay = ("replay", str(CAPTURE), "--watch", "0.0.0.0/0", "--watch", "::/0", "--json")
        far = json.loads(self.run(*replay, "--store", url).stdout)
        assert far["store"] == url
        near = json.loads(self.run(*replay, "--store", str(tmp_path / "near")).stdout)
        sql = "SELECT * EXCLUDE (sensor) FROM flows ORDER BY flow_id, record"
        asked = [
            self.run("query", "--store", store, "--format", "json", sql)
            for store in (url, str(tmp_path / "near"))
        ]
        assert asked[0].stdout == asked[1].stdout
        assert len(json.loads(asked[0].stdout)) == near["records"] == far["records"]
        reports = [
            self.run("report", "--store", store, "--json", "-") for store in (url, str(tmp_path / "near"))
        ]
        assert reports[0].returncode == 0, reports[0].stderr
        assert reports[0].stdout == reports[1].stdout
        assert "nothing waits" in self.run("store", "ship", "--store", url).stdout
        assert "merged" in self.run("store", "compact", "--store", url).stdout
        assert "removed 0 days" in self.run("store", "prune", "--store", url, "--days", "9").stdout

    def test_a_storage_that_stays_away(self, server, url, tmp_path):
        settings = tmp_path / "blocktap.toml"
        settings.write_text(f'[store]\npath = "{url}"\npatience_s = 1\n')
        words = ["--config", str(settings), "--watch", "0.0.0.0/0", "--json"]
        with subprocess.Popen(
            [sys.executable, "-m", "sensor", "replay", "-", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as replay:  # fmt: skip
            capture = CAPTURE.read_bytes()
            replay.stdin.write(capture[:10_000])
            replay.stdin.flush()
            # It has opened the store when its record is there.
            wait_until(lambda: any(place_of(url).files("runs")))
            with away(server):
                _, said = replay.communicate(capture[10_000:], timeout=60)
                assert replay.returncode == 1
                assert b"segments wait in" in said
                assert str(default_folder()).encode() in said
                refused = self.run("replay", str(CAPTURE), *words)
                assert refused.returncode == 1
                assert "is away" in refused.stderr
        assert re.fullmatch(r"shipped [1-9] segments\n", self.run("store", "ship", "--store", url).stdout)
        assert [run.complete for run in read_runs(url)] == [True]
        counted = self.run("query", "--store", url, "--format", "csv", "SELECT count(*) FROM flows").stdout
        assert int(counted.split()[-1]) > 300

    def test_wrong_keys(self, server, url):
        failed = self.run("query", "--store", url, "SELECT 1", AWS_SECRET_ACCESS_KEY="wrong")
        assert failed.returncode == 1
        assert "ACCESS_DENIED" in failed.stderr
