"""The store's side of the daemon: a full disk, a budget, and nothing lost by either."""

import os
import subprocess

import pytest

from sensor.daemon.keeper import COMPACTION_S, RETRY_S, Budget, Keeper, KeeperLimits
from sensor.errors import StoreError
from sensor.store import StoreWriter, WriterOptions

FLUSH_S = 60.0


class Clock:
    """A clock that goes on when told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def go_on(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    """What the keeper told, in order."""
    return []


class Events:
    """Notes what the keeper tells."""

    def __init__(self, told):
        self.told = told

    def flushed(self, seconds):
        assert seconds >= 0
        self.told.append("flushed")

    def failed(self, reason):
        self.told.append(reason)

    def recovered(self):
        self.told.append("recovered")

    def pruned(self, days, size):
        assert size > 0
        self.told.append(f"pruned {days}")

    def held_up(self, reason):
        self.told.append(f"held up: {reason}")

    def broken(self, what):
        self.told.append(f"broken: {what}")


@pytest.fixture
def events(told):
    return Events(told)


def fill(path):
    """Take all that is left of a disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        with pytest.raises(OSError, match="No space"):
            while True:
                os.write(descriptor, bytes(4096))
    finally:
        os.close(descriptor)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def keeper_of(store, events, clock, **budget):
    writer = StoreWriter(store, "tap", options=WriterOptions(segment_rows=1_000_000, compact_on_close=False))
    return Keeper(writer, store, KeeperLimits(FLUSH_S, Budget(**budget)), events, clock)


def test_rows_are_written_in_time(tmp_path, flows, flow_ids, events, told, clock):
    keeper = keeper_of(tmp_path / "s", events, clock)
    keeper.take("flows", flows(range(10)))
    keeper.tend()
    assert flow_ids(tmp_path / "s") == []
    clock.go_on(FLUSH_S)
    keeper.tend()
    assert flow_ids(tmp_path / "s") == list(range(10))
    assert told == ["flushed"]
    keeper.tend()
    assert told == ["flushed"]
    keeper.close()


def test_a_full_disk_loses_nothing(small_disk, flows, flow_ids, events, told, clock):
    store = small_disk / "s"
    keeper = keeper_of(store, events, clock)
    filler = small_disk / "filler"
    fill(filler)
    keeper.take("flows", flows(range(500)))
    clock.go_on(FLUSH_S)
    keeper.tend()
    assert "No space" in told[0]
    assert not keeper.ready
    assert "No space" in keeper.failure
    keeper.tend()
    assert len(told) == 1, "before its time a retry is none"
    clock.go_on(RETRY_S)
    keeper.tend()
    assert len(told) == 1, "a failure is told once"
    filler.unlink()
    clock.go_on(RETRY_S)
    keeper.tend()
    assert told[1:] == ["flushed", "recovered"]
    assert keeper.ready
    assert flow_ids(store) == list(range(500))
    keeper.close()


def test_the_least_free_bytes_are_left_alone(small_disk, flows, flow_ids, events, told, clock):
    store = small_disk / "s"
    keeper = keeper_of(store, events, clock, least_free_bytes=512 * 1024)
    keeper.take("flows", flows(range(5), day=0))
    keeper.take("flows", flows(range(5, 10), day=1))
    clock.go_on(FLUSH_S)
    keeper.tend()
    filler = small_disk / "filler"
    filler.write_bytes(bytes(600 * 1024))
    keeper.take("flows", flows(range(10, 15), day=2))
    keeper.tend()
    assert told[1] == "pruned 1", "the oldest day made room"
    assert "bytes are free" in told[2]
    assert not keeper.ready
    assert flow_ids(store) == list(range(5, 10))
    filler.unlink()
    clock.go_on(RETRY_S)
    keeper.tend()
    assert told[3:] == ["flushed", "recovered"]
    assert flow_ids(store) == list(range(5, 15))
    keeper.close()


def test_the_budget_is_kept(tmp_path, flows, flow_ids, events, told, clock):
    keeper = keeper_of(tmp_path / "s", events, clock, days=2)
    for day in range(4):
        keeper.take("flows", flows([day], day=day))
    clock.go_on(FLUSH_S)
    keeper.tend()
    clock.go_on(FLUSH_S)
    keeper.tend()
    assert "pruned 2" in told
    assert flow_ids(tmp_path / "s") == [2, 3]
    assert keeper.bytes > 0
    keeper.close()


def test_what_cannot_be_written_in_the_end_is_said(small_disk, flows, events, clock):
    keeper = keeper_of(small_disk / "s", events, clock)
    keeper.take("flows", flows(range(500)))
    fill(small_disk / "filler")
    with pytest.raises(StoreError, match=r"500 rows are lost: .*No space"):
        keeper.close()


def test_a_store_that_goes_away_is_waited_for(tmp_path, flows, flow_ids, events, told, clock):
    store = tmp_path / "s"
    keeper = keeper_of(store, events, clock, least_free_bytes=1)
    keeper.take("flows", flows(range(5)))
    store.rename(tmp_path / "away")
    clock.go_on(FLUSH_S)
    keeper.tend()
    assert not keeper.ready
    assert "No such file" in told[-1]
    assert not store.exists(), "what is at its place may be another disk"
    (tmp_path / "away").rename(store)
    clock.go_on(RETRY_S)
    keeper.tend()
    assert told[-1] == "recovered"
    assert flow_ids(store) == list(range(5))
    keeper.close()


def test_a_broken_segment_does_not_stop_the_sensor(tmp_path, flows, flow_ids, events, told, clock):
    store = tmp_path / "s"
    keeper = keeper_of(store, events, clock)
    for first in (0, 5, 10):
        keeper.take("flows", flows(range(first, first + 5)))
        clock.go_on(FLUSH_S)
        keeper.tend()
    path = sorted(store.glob("flows/*/*.parquet"))[1]
    path.write_bytes(path.read_bytes()[:1000])
    clock.go_on(COMPACTION_S)
    keeper.tend()
    assert told[-1].startswith("broken: ")
    assert path.name in told[-1]
    assert not path.exists()
    assert flow_ids(store) == [*range(5), *range(10, 15)]
    assert len(list(store.glob("flows/*/*.parquet"))) == 1, "the others are merged"
    keeper.close()
