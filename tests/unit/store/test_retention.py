"""Removing the oldest days."""

from datetime import UTC, date, datetime, timedelta

import pytest

from sensor.errors import StoreError
from sensor.store import StoreWriter, prune
from sensor.store.engine.duckdb import connect

_EPOCH = date(1970, 1, 1)
_DAY_NS = 86_400_000_000_000


@pytest.fixture
def store(tmp_path, flows):
    with StoreWriter(tmp_path / "s", "tap") as writer:
        for day in range(5):
            writer.write("flows", flows([day], day=day))
    return tmp_path / "s"


def test_nothing_by_default(store, flow_ids):
    assert prune(store).segments == 0
    assert flow_ids(store) == [0, 1, 2, 3, 4]


def test_days_are_counted_from_the_newest(store, flow_ids):
    result = prune(store, days=2)
    assert flow_ids(store) == [3, 4]
    assert result.days == (date(2017, 4, 1), date(2017, 4, 2), date(2017, 4, 3))
    assert result.segments == 3
    assert len(list((store / "flows").iterdir())) == 2


def test_bytes(store, flow_ids):
    size = next((store / "flows").rglob("*.parquet")).stat().st_size
    prune(store, most_bytes=3 * size + size // 2)
    assert flow_ids(store) == [2, 3, 4]
    prune(store, most_bytes=0)
    assert flow_ids(store) == [4]


def test_a_time_in_the_future_does_not_empty_the_store(tmp_path, flows, flow_ids):
    today = datetime.now(UTC).date()
    days = [(today - timedelta(days=back) - _EPOCH).days for back in (40, 1, 0)] + [80_000]
    with StoreWriter(tmp_path / "s", "tap") as writer:
        for number, day in enumerate(days):
            writer.write("flows", flows([number], start_ns=day * _DAY_NS))
    prune(tmp_path / "s", days=30)
    assert flow_ids(tmp_path / "s") == [1, 2, 3]


def test_readers_are_left_in_peace(store, monkeypatch):
    monkeypatch.setattr("sensor.store.retention.READERS_WAIT_S", 0.05)
    with connect(store) as connection:
        with pytest.raises(StoreError, match="readers hold"):
            prune(store, days=1)
        assert connection.execute("SELECT count(*) FROM flows").fetchall() == [(5,)]


@pytest.mark.parametrize("limits", [{"days": 0}, {"most_bytes": -1}])
def test_limits_without_sense(store, limits):
    with pytest.raises(ValueError, match="at least one day"):
        prune(store, **limits)
