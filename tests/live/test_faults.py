"""The daemon killed, and its disk full, under load: what is lost is bounded, and counted where it can be."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.live.daemon import Daemon, running
from tests.live.load import TAP, WATCHED, Traffic, Wire, accounts, check_store, finish, wait_for_metrics, wire
from tests.live.namespaces import Namespace, need, stop, wait_for

ACTIVE_S, FLUSH_S = 2, 1
HAND_OVER_S = 2
"""From the worker to the store's writer a row takes a second at most; the rest is for a busy machine."""
SETTINGS: dict[str, dict[str, Any]] = {
    "rules": {"watch": [WATCHED]},
    "flow": {"active_timeout_s": ACTIVE_S, "close_timeout_s": 1},
    "store": {"flush_interval_s": FLUSH_S},
}
PROMETHEUS = "127.0.0.1:9490"


@pytest.fixture
def cabled(tmp_path: Path) -> Iterator[Wire]:
    with wire(tmp_path) as made:
        yield made


def test_killed_it_loses_what_it_may_and_goes_on(cabled: Wire, tmp_path: Path) -> None:
    traffic = Traffic(watched_percent=100, flows=5000, rate=50_000, malformed_every=0)
    with running(cabled.sensor, tmp_path, TAP, settings=SETTINGS) as daemon:
        sender = cabled.start(traffic, 60)
        time.sleep(8)
        killed_ns = time.time_ns()
        daemon.kill()
        sender.send_signal(signal.SIGTERM)
        finish(sender)
        (kept,) = daemon.rows(
            "SELECT max(end_time) AS last, min(start_time) AS first, sum(packets_out)::BIGINT AS packets FROM {flows}"
        )
        missing_s = (killed_ns - kept["last"]) / 1e9
        assert missing_s < ACTIVE_S + FLUSH_S + HAND_OVER_S
        # No flow that went on lacks more than it may.
        (least,) = daemon.rows(
            "SELECT count(*) AS flows, min(last) AS last "
            "FROM (SELECT flow_id, max(end_time) AS last FROM {flows} GROUP BY 1)"
        )
        assert least["flows"] == traffic.flows
        assert (killed_ns - least["last"]) / 1e9 < ACTIVE_S + FLUSH_S + HAND_OVER_S
        before = rows_of_accounting(daemon)
        began_ns = time.time_ns()
        daemon.start()
        sent = cabled.send(traffic, 2)
        wait_for_metrics(daemon, sent)
        assert daemon.stop().status == 0
        after = rows_of_accounting(daemon)
        new = [row for row in after if row not in before]
        # The interval that was under way when it was killed is missing: all that is there is of afterwards.
        assert sum(row["packets_seen"] for row in new) == sent.sent
        assert all(row["time"] + 60e9 > began_ns for row in new)
        assert all(row["time"] + 60e9 < killed_ns for row in before)
        assert {row["sensor"] for row in after} == {"live"}
        print(
            f"\nkilled: the store ends {missing_s:.2f} s before, no flow lacks more than "
            f"{(killed_ns - least['last']) / 1e9:.2f} s; it has {kept['packets']:,} packets"
        )


def rows_of_accounting(daemon: Daemon) -> list[dict[str, Any]]:
    """Rows of the accounting table, none where there is no segment."""
    if not list(daemon.store.glob("accounting/*/*.parquet")):
        return []
    return daemon.rows("SELECT time, sensor, worker, interface, packets_seen FROM {accounting}")


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own that is soon full."""
    folder.mkdir()
    need("mount", "umount")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"NOT TESTED: no file system can be mounted: {made.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> Path:
    """Leave no room."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    return ballast


@contextmanager
def prometheus(namespace: Namespace, folder: Path, target: str) -> Iterator[None]:
    """A real one that asks every second."""
    need("prometheus")
    folder.mkdir()
    settings = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "blocktap", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(settings))
    server = namespace.start(
        "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={PROMETHEUS}", "--log.level=error",
    )  # fmt: skip
    try:
        wait_for("Prometheus has asked", lambda: scraped(namespace, "up") == 1)
        yield
    finally:
        stop(server)


def scraped(namespace: Namespace, expression: str) -> float | None:
    """The value of an expression, if there is one."""
    words = urllib.parse.urlencode({"query": expression})
    with namespace.entered(), suppress(OSError):
        with urllib.request.urlopen(f"http://{PROMETHEUS}/api/v1/query?{words}", timeout=5) as answer:
            found = json.load(answer)["data"]["result"]
        return float(found[0]["value"][1]) if found else None
    return None


class Watching:
    """Asks again and again whether the sensor is ready."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._over = threading.Event()
        self.answers: list[bool] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            self.answers.append(self._daemon.ready())

    def end(self) -> list[bool]:
        self._over.set()
        self._thread.join()
        return self.answers


def test_a_full_disk_stops_no_capture(cabled: Wire, tmp_path: Path) -> None:
    full_disk(cabled, tmp_path, full_s=3)


@pytest.mark.long
def test_a_disk_full_for_long(cabled: Wire, tmp_path: Path) -> None:
    full_disk(cabled, tmp_path, full_s=45)


def full_disk(cabled: Wire, folder: Path, *, full_s: float) -> None:
    need("prometheus")
    traffic = Traffic(watched_percent=100, flows=60_000, rate=60_000, malformed_every=1000)
    with small_disk(folder / "disk", 300) as disk:
        kept = {"path": str(disk / "store"), "queue_rows": 100_000}
        settings = SETTINGS | {"store": SETTINGS["store"] | kept}
        with running(cabled.sensor, folder, TAP, settings=settings) as daemon:
            daemon.store = disk / "store"
            with prometheus(cabled.sensor, folder / "prometheus", "127.0.0.1:9477"):
                began = time.monotonic()
                watching = Watching(daemon)
                sender = cabled.start(traffic, 300)
                time.sleep(2)
                ballast = fill(disk)
                daemon.wait_for_event("the store cannot be written, rows wait")
                wait_for("rows are given up", lambda: dropped_rows(daemon) > 0, patience_s=30)
                time.sleep(full_s)
                seen = daemon.seen()
                time.sleep(1)
                assert daemon.seen() > seen, "it captures all the while"
                ballast.unlink()
                daemon.wait_for_event("the store is written again")
                time.sleep(3)
                sender.send_signal(signal.SIGTERM)
                sent = finish(sender)
                wait_for_metrics(daemon, sent)
                lasted_s = int(time.monotonic() - began)
                assert all(watching.end())
                assert scraped(cabled.sensor, f"min_over_time(up[{lasted_s}s])") == 1
                asked = scraped(cabled.sensor, f"count_over_time(up[{lasted_s}s])")
            assert daemon.stop().status == 0
        found = check_store(disk / "store", sent)
        assert found["packets_dropped_store"] > 0
        assert found["rows_dropped_store"] > 0
        assert accounts(disk / "store")["packets_matched"] == found["packets_matched"]
        print(f"\ndisk full: {lasted_s} s, {asked:.0f} scrapes, none failed; {sent}; {found}")


def dropped_rows(daemon: Daemon) -> int:
    counts = daemon.status()["snapshot"]["interfaces"].values()
    return sum(one["rows_dropped_store"] for one in counts)
