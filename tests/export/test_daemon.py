"""A running sensor sends to its collector what it writes into its store."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sensor.store.engine.duckdb import connect
from tests.export.collectors import HOST, decode, free_port, keeping
from tests.functional.wire import NEAR, Sender, cable, frames_of

PATIENCE_S = 30


class Daemon:
    """A sensor on the near end of the cable."""

    def __init__(self, folder: Path, export: str) -> None:
        self.store = folder / "store"
        self._log = folder / "log"
        settings = folder / "settings.toml"
        settings.write_text(
            f'[capture]\ninterfaces = ["{NEAR}"]\n[store]\npath = "{self.store}"\nmin_free_bytes = 0\n'
            f'[process]\ncontrol_socket = "{folder}/run/control.sock"\n[metrics]\nenabled = false\n'
            f'[log]\nformat = "json"\n[export]\n{export}\n'
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sensor", "run", "--config", str(settings), "--workers", "1"],
            stderr=self._log.open("w"),
        )
        self.wait_for("captures")

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    def wait_for(self, event: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not any(line["event"] == event for line in self.lines()):
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < end, self._log.read_text()
            time.sleep(0.05)

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE_S)


@pytest.fixture(autouse=True)
def _wire() -> object:
    with cable():
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield


def stored(store: Path) -> list[tuple[int, int, int]]:
    connection = connect(store)
    try:
        return connection.sql(
            "SELECT flow_id, packets_out + packets_in, bytes_out + bytes_in FROM flows"
        ).fetchall()
    finally:
        connection.close()


def test_the_collector_has_the_rows_of_the_store(tmp_path: Path, own_captures: Path) -> None:
    with keeping("tcp") as collector:
        daemon = Daemon(tmp_path, f'ipfix = "{HOST}:{collector.port}"\ntransport = "tcp"')
        sender = Sender()
        sender.send(frames_of(own_captures / "demo.pcap"))
        sender.close()
        time.sleep(1)
        assert daemon.stop() == 0
        rows = stored(daemon.store)
        collector.wait_for(len(rows))
    found = [
        (one["flowId"], one["packetDeltaCount"] + one["reversePacketDeltaCount"],
         one["octetDeltaCount"] + one["reverseOctetDeltaCount"])
        for one in decode(collector.stream)
    ]  # fmt: skip
    assert rows
    assert sorted(found) == sorted(rows)
    (last,) = [line for line in daemon.lines() if line["event"] == "the export ends"]
    assert (last["records"], last["dropped"]) == (len(rows), 0)


def test_without_its_collector_a_sensor_captures_and_counts_what_it_could_not_send(
    tmp_path: Path, own_captures: Path
) -> None:
    daemon = Daemon(tmp_path, f'ipfix = "{HOST}:{free_port()}"\ntransport = "tcp"')
    daemon.wait_for("the collector cannot be reached, records wait")
    sender = Sender()
    sender.send(frames_of(own_captures / "demo.pcap"))
    sender.close()
    time.sleep(1)
    assert daemon.stop() == 0
    rows = stored(daemon.store)
    assert rows
    (last,) = [line for line in daemon.lines() if line["event"] == "the export ends"]
    assert (last["records"], last["dropped"]) == (0, len(rows))
    assert any(line["event"] == "drops before the collector began" for line in daemon.lines())
