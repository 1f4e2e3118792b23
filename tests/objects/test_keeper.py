"""The daemon's keeper over object storage."""

import time

import pytest

from sensor.daemon.keeper import FAR_BUDGET_S, Budget, Keeper, KeeperLimits
from sensor.daemon.mover import StoreLog
from sensor.store import StoreWriter, WriterOptions
from sensor.store.place import objects
from sensor.store.spool import SpoolOptions


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def keeper_of(url, clock, **budget):
    log = StoreLog()
    options = WriterOptions(compact_on_close=False, spool=SpoolOptions(events=log))
    writer = StoreWriter(url, "tap", options=options)
    return Keeper(writer, url, KeeperLimits(60.0, Budget(**budget)), log, clock)


def settle(keeper):
    """Wait for the shipper, and for what is done beside it."""
    while keeper.spool.segments:
        time.sleep(0.02)
    if keeper._helper:
        keeper._helper.join()


def test_rows_are_shipped_and_the_budget_is_kept(url, flows, flow_ids, clock):
    keeper = keeper_of(url, clock, days=2, least_free_bytes=1)
    for day in range(4):
        keeper.take("flows", flows([day], day=day))
    clock.now += 61
    keeper.tend()
    settle(keeper)
    assert flow_ids(url) == [0, 1, 2, 3]
    clock.now += FAR_BUDGET_S
    keeper.tend()
    settle(keeper)
    assert flow_ids(url) == [2, 3]
    assert keeper.bytes > 0
    assert keeper.spool.shipped == 4
    keeper.close()


def test_a_storage_that_is_away_is_no_failure_of_the_store(server, url, flows, flow_ids, clock):
    keeper = keeper_of(url, clock)
    server.kill()
    keeper.take("flows", flows([1]))
    clock.now += FAR_BUDGET_S + 61
    keeper.tend()
    assert keeper.ready
    while not keeper.spool.away:
        time.sleep(0.02)
    assert keeper.spool.segments == 1
    server.start()
    settle(keeper)
    keeper.close()
    assert flow_ids(url) == [1]


def test_compaction_goes_on_beside_the_writing(url, flows, flow_ids, clock, monkeypatch):
    monkeypatch.setattr("sensor.store.spool.shipper.MARK_S", 0.0)
    monkeypatch.setattr(objects, "GRACE_S", -60.0)
    keeper = keeper_of(url, clock)
    for number in range(4):
        keeper.take("flows", flows([number]))
        clock.now += 61
        keeper.tend()
    settle(keeper)
    time.sleep(0.5)  # the mark
    for _ in range(3):
        clock.now += 3601
        for _ in range(2):  # the budget first
            keeper.tend()
            settle(keeper)
    keeper.close()
    assert flow_ids(url) == [0, 1, 2, 3]
    visible = [one for one in objects.object_place(url).segments(("flows",)) if not one.state]
    assert len(visible) == 1
