"""The storage is killed again and again while two sensors write and a reader polls."""

import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import duckdb
import pyarrow.parquet as pq
import pytest

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store import compact
from sensor.store.engine.duckdb import connect
from sensor.store.place import place_of
from sensor.store.swap import visible_segments
from tests.objects.feeding import replay

SENSORS = ("one", "two")
START_S = 1_491_004_800 + 86_400 - 20  # some rows on each side of midnight


def write_capture(path, flows):
    """So many flows of one datagram each, a thousand a second."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for number in range(flows):
            seconds, microseconds = START_S + number // 1000, number % 1000 * 1000
            inside = bytes((10, number >> 16 & 255, number >> 8 & 255, number & 255))
            header = struct.pack(">BBHHHBBH", 0x45, 0, 36, 0, 0, 64, 17, 0) + inside + b"\xc6\x33\x64\x01"
            packet = header + struct.pack(">HHHH", 1024 + number % 50000, 4000, 16, 0) + b"blocktap"
            file.write(struct.pack("<IIII", seconds, microseconds, len(packet), len(packet)) + packet)


def rows_of(store):
    """Every row of every table, in an order of their own, and how many there are."""
    with connect(store) as connection:
        return {
            table: connection.sql(f"SELECT * FROM {table} ORDER BY ALL").to_arrow_table() for table in TABLES
        }


@dataclass
class Poller:
    """A reader that never rests."""

    store: str
    polls: int = 0
    away: int = 0
    wrong: list = field(default_factory=list)
    seen: dict = field(default_factory=dict)

    def __post_init__(self):
        self._stop = threading.Event()
        self._most = dict.fromkeys(SENSORS, 0)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.is_set():
            try:
                self._poll()
                self.polls += 1
            except (StoreError, OSError, duckdb.Error) as error:
                if not any(word in str(error) for word in ("NETWORK", "no store", "curlCode", "connect")):
                    self.wrong.append(str(error))
                self.away += 1
                time.sleep(0.02)

    def _poll(self):
        with connect(self.store) as connection:
            counts = connection.execute(
                "SELECT sensor, count(*), count(DISTINCT flow_id) FROM flows GROUP BY sensor"
            ).fetchall()
        for sensor, rows, flows in counts:
            if rows != flows or rows < self._most[sensor]:
                self.wrong.append((sensor, rows, flows, self._most[sensor]))
            self._most[sensor] = rows
        place = place_of(self.store)
        for segment in visible_segments(place, ("flows",))[-3:]:
            path = segment.relative_path
            found = (place.size(path), pq.read_metadata(place.source(path)).num_rows)
            if self.seen.setdefault(segment.visible(), found) != found:
                self.wrong.append((path, found, self.seen[segment.visible()]))


def run(server, url, tmp_path, *, flows, kills, pause_s):
    capture = tmp_path / "capture.pcap"
    write_capture(capture, flows)
    for sensor in SENSORS:
        replay(capture, tmp_path / "local", sensor)
    poller = Poller(url)
    feeders = [
        subprocess.Popen([sys.executable, "-m", "tests.objects.feeding", capture, url, name, str(pause_s)])
        for name in SENSORS
    ]
    try:
        while not list(server.folder.rglob("flows/*/*.parquet")):
            time.sleep(0.05)
        for number in range(kills):
            assert all(feeder.poll() is None for feeder in feeders), "the replay was over too soon"
            server.kill()
            time.sleep(0.2 + number % 3 * 0.4)
            server.start()
            time.sleep(0.5 + number % 2 * 0.5)
        assert [feeder.wait(timeout=300) for feeder in feeders] == [0, 0]
        time.sleep(0.2)
    finally:
        poller.stop()
        for feeder in feeders:
            feeder.kill()
            feeder.wait()
    assert poller.wrong == []
    assert poller.polls > kills
    assert poller.away > 0
    return poller


def check(url, tmp_path, flows):
    far, near = rows_of(url), rows_of(tmp_path / "local")
    for table in TABLES:
        assert far[table].num_rows == near[table].num_rows, table
        assert far[table].equals(near[table]), table
    assert far["flows"].num_rows == 2 * flows
    assert list((tmp_path / "spool").rglob("*.parquet")) == []


def test_three_times(server, url, tmp_path):
    run(server, url, tmp_path, flows=12_000, kills=3, pause_s=0.1)
    check(url, tmp_path, 12_000)


@pytest.mark.long
def test_ten_times_with_compaction(server, url, tmp_path):
    stop = threading.Event()

    def compact_now_and_then():
        while not stop.wait(1.0):
            with suppress(StoreError, OSError):
                compact(url)

    thread = threading.Thread(target=compact_now_and_then)
    thread.start()
    try:
        run(server, url, tmp_path, flows=60_000, kills=10, pause_s=0.1)
    finally:
        stop.set()
        thread.join()
    check(url, tmp_path, 60_000)
    compact(url)
    check(url, tmp_path, 60_000)
