"""The daemon's export: it keeps nobody waiting, and what a collector does not take is counted."""

import threading
import time
from collections.abc import Callable
from typing import Any, Self

import pyarrow as pa
import pytest

from sensor.config import Config, ExportSettings
from sensor.daemon.exporting import Exporting, exporting_of
from sensor.errors import ConfigError
from tests.export.collectors import HOST, Keeping, decode, free_port, keeping
from tests.export.rows import batch, row

ROWS = [row(number) for number in range(500)]
PATIENCE_S = 20


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true()


def exporting_to(collector: Keeping, transport: str) -> Exporting:
    found = exporting_of(ExportSettings(ipfix=f"{HOST}:{collector.port}", transport=transport))
    assert found is not None
    return found


class Stuck:
    """An exporter whose collector takes nothing until it is told to."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.records = self.left_out = 0
        self.rows: list[pa.RecordBatch] = []

    def write(self, table: str, rows: pa.RecordBatch) -> None:
        assert self.released.wait(PATIENCE_S)
        self.rows.append(rows)
        self.records += rows.num_rows

    def finish(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_every_record_arrives(transport: str) -> None:
    with keeping(transport) as collector:
        exporting = exporting_to(collector, transport)
        exporting.start()
        for start in range(0, len(ROWS), 50):
            exporting.write("flows", batch(ROWS[start : start + 50]))
            exporting.write("dns", batch(ROWS[:1]))
        exporting.close()
        collector.wait_for(len(ROWS))
    assert sorted(one["flowId"] for one in decode(collector.stream)) == sorted(one["flow_id"] for one in ROWS)
    assert (exporting.sent, exporting.dropped) == (len(ROWS), 0)


def test_a_slow_collector_costs_its_oldest_records_and_nobody_time() -> None:
    stuck: Any = Stuck()
    exporting = Exporting(lambda: stuck, most_rows=1000)
    exporting.start()
    exporting.write("flows", batch(ROWS[:10]))
    wait_until(lambda: exporting._waiting_rows == 0)
    began = time.monotonic()
    many = batch(ROWS)
    for _ in range(10):
        exporting.write("flows", many)
    assert time.monotonic() - began < 1
    assert exporting.dropped == 4000
    stuck.released.set()
    exporting.close()
    assert exporting.sent == 1010
    assert exporting.sent + exporting.dropped == 5010


def test_a_collector_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.daemon.exporting.RETRY_S", 0.1)
    tries = 0
    with keeping("tcp") as collector:
        real = exporting_to(collector, "tcp")._connect

        def connect() -> Any:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise ConnectionError("away")
            return real()

        exporting = Exporting(connect, most_rows=10_000)
        exporting.start()
        exporting.write("flows", batch(ROWS))
        wait_until(lambda: exporting.sent == len(ROWS))
        exporting.close()
        collector.wait_for(len(ROWS))
    assert (tries, exporting.dropped) == (3, 0)
    assert len(decode(collector.stream)) == len(ROWS)


def test_a_collector_that_never_comes_ends_with_everything_counted() -> None:
    exporting = exporting_of(ExportSettings(ipfix=f"{HOST}:{free_port()}", transport="tcp"))
    assert exporting is not None
    exporting.start()
    exporting.write("flows", batch(ROWS))
    began = time.monotonic()
    exporting.close()
    assert time.monotonic() - began < 8
    assert (exporting.sent, exporting.dropped) == (0, len(ROWS))


def test_without_a_collector_there_is_no_export() -> None:
    assert exporting_of(Config().export) is None


def test_a_collector_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="host:port"):
        exporting_of(ExportSettings(ipfix=f"{HOST}:0"))
