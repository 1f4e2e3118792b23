"""The daemon killed, its store taken away, its clock stepped, its rules half-written: it goes on, or says why not."""

from __future__ import annotations

import random
import shutil
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sensor.study import StudyOptions, study
from tests.live.daemon import EVERYTHING, Daemon, running
from tests.live.load import TAP, WATCHED, Traffic, Wire, accounts, check_store, finish, wait_for_metrics, wire
from tests.live.namespaces import wait_for
from tests.trust.faults.stores import check, rows_of

SEED = 9
FEW, MANY = 2, 200
SETTINGS: dict[str, dict[str, Any]] = {
    "rules": {"watch": [WATCHED]},
    "flow": {"active_timeout_s": 0.3, "close_timeout_s": 0.2},
    "store": {"flush_interval_s": 0.2, "min_free_bytes": 1},
}
STEPPED_CLOCK = Path(__file__).with_name("stepped_clock.c")


@pytest.fixture
def cabled(tmp_path: Path) -> Iterator[Wire]:
    with wire(tmp_path) as made:
        yield made


def kill_runs(cabled: Wire, folder: Path, count: int) -> None:
    """Kill one run after the other, each at a moment of its life, all over one store."""
    chance = random.Random(SEED)
    traffic = Traffic(watched_percent=100, flows=500, rate=5000, malformed_every=0)
    daemon = Daemon(cabled.sensor, folder, (TAP,), SETTINGS)
    lives: list[tuple[float, float]] = []
    kept = 0
    try:
        daemon.start()
        cabled.send(traffic, 0.5)
        assert daemon.stop().status == 0
        stopped = time.time()
        before = rows_of(daemon.store)
        for _ in range(count):
            began = time.time()
            daemon.start()
            sender = cabled.start(traffic, 60)
            time.sleep(chance.uniform(0.2, 5))
            acknowledged = visible(daemon.store)
            daemon.kill()
            lives.append((began, time.time()))
            sender.send_signal(signal.SIGTERM)
            finish(sender)
            assert acknowledged <= visible(daemon.store)
            check(daemon.store, is_finished=False)
            found = rows_of(daemon.store)
            assert all(before[table] <= found[table] for table in before), "rows of an earlier life are gone"
            kept += found["flows"].total() - before["flows"].total()
            before = found
        started = time.time()
        daemon.start()
        sent = cabled.send(traffic, 0.5)
        wait_for_metrics(daemon, sent)
        assert daemon.stop().status == 0
    finally:
        daemon.close()
    check(daemon.store)
    twice = daemon.rows("SELECT flow_id, record FROM {flows} GROUP BY ALL HAVING count(*) > 1")
    assert not twice
    gaps = [
        (moment(gap["start"]), moment(gap["end"]))
        for gap in study(daemon.store, StudyOptions(one_way=True))["loss"]["gaps"]
    ]
    for began, ended in lives:
        assert any(start < ended and began < end for start, end in gaps), "a life that was lost is in no gap"
    # What an orderly end wrote is in none, and the last life begins where the last gap ends.
    assert min(start for start, _ in gaps) >= stopped - 2
    assert started <= max(end for _, end in gaps) < time.time()
    print(f"\n{count} runs killed, {kept} flow records of theirs kept, {len(gaps)} gaps named")


def visible(store: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_size) for path in store.glob("*/*/*.parquet")}


def moment(text: str) -> float:
    # Texts are of whole seconds.
    return datetime.fromisoformat(text).timestamp() + 1


def test_killed_runs(cabled: Wire, tmp_path: Path) -> None:
    kill_runs(cabled, tmp_path, FEW)


@pytest.mark.long
def test_runs_killed_at_200_moments(cabled: Wire, tmp_path: Path) -> None:
    kill_runs(cabled, tmp_path, MANY)


def test_a_store_taken_away_and_brought_back(cabled: Wire, tmp_path: Path) -> None:
    traffic = Traffic(watched_percent=100, flows=500, rate=3000, malformed_every=0)
    with running(cabled.sensor, tmp_path, TAP, settings=SETTINGS) as daemon:
        sender = cabled.start(traffic, 60)
        time.sleep(1)
        away = tmp_path / "away"
        daemon.store.rename(away)
        daemon.wait_for_event("the store cannot be written, rows wait")
        assert "No such file" in daemon.events("the store cannot be written, rows wait")[0]["reason"]
        seen = daemon.seen()
        wait_for("it captures all the while", lambda: daemon.seen() > seen)
        assert not daemon.store.exists(), "what is at its place may be the wrong disk"
        away.rename(daemon.store)
        daemon.wait_for_event("the store is written again")
        sender.send_signal(signal.SIGTERM)
        sent = finish(sender)
        wait_for_metrics(daemon, sent)
        assert daemon.stop().status == 0
    check_store(daemon.store, sent)
    check(daemon.store)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that says by how much the wall clock of programs started meanwhile is wrong."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("NOT TESTED: missing cc")
    library, clock = tmp_path / "stepped_clock.so", tmp_path / "clock"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, STEPPED_CLOCK], check=True)
    clock.write_bytes(struct.pack("=q", 0))
    monkeypatch.setenv("STEPPED_CLOCK", str(clock))
    monkeypatch.setenv("LD_PRELOAD", str(library))
    return clock


def step(clock: Path, seconds: int) -> None:
    """Step the clock, which is mapped: the file must stay the same one."""
    with clock.open("r+b", buffering=0) as file:
        file.write(struct.pack("=q", seconds))


@pytest.mark.parametrize("hours", [-3, pytest.param(3, marks=pytest.mark.long)])
def test_a_stepped_clock_loses_nothing(
    cabled: Wire, clock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """The sensor's own clock is stepped; the kernel's, which stamps packets, stays the machine's."""
    traffic = Traffic(watched_percent=100, flows=200, rate=3000, malformed_every=0)
    with running(cabled.sensor, tmp_path, TAP, settings=SETTINGS) as daemon:
        monkeypatch.delenv("LD_PRELOAD")
        sender = cabled.start(traffic, 3)
        time.sleep(1)
        step(clock, 3600 * hours)
        sent = finish(sender)
        wait_for_metrics(daemon, sent)
        assert daemon.ready()
        assert daemon.stop().status == 0
    check_store(daemon.store, sent)
    assert accounts(daemon.store)["packets_seen"] == sent.sent
    check(daemon.store)
    (kept,) = daemon.rows("SELECT sum(packets_out + packets_in)::BIGINT AS packets FROM {flows}")
    assert kept["packets"] == sent.matched
    (interval,) = daemon.rows("SELECT min(interval_s) AS least, max(interval_s) AS most FROM {accounting}")
    assert 0 < interval["least"] <= interval["most"] <= 60


def test_rules_replaced_half_written(cabled: Wire, tmp_path: Path) -> None:
    """A reload at any moment of a file being written, or of noise: the old rules, or ones that were written."""
    chance = random.Random(SEED)
    blocks = tmp_path / "blocks.toml"
    whole = "".join(
        f'[[block]]\nname = "block-{number}"\nprefixes = ["10.{number}.0.0/16"]\n' for number in range(40)
    )
    blocks.write_text(whole)
    settings = SETTINGS | {"rules": {"blocks": [str(blocks)]}}
    traffic = Traffic(watched_percent=100, flows=200, rate=2000, malformed_every=0)
    with running(cabled.sensor, tmp_path, TAP, settings=settings) as daemon:
        sender = cabled.start(traffic, 60)
        answers = []
        for _ in range(25):
            cut = whole.encode()[: chance.randrange(len(whole))]
            content = chance.choice((cut, cut, whole.encode(), chance.randbytes(200)))
            over = threading.Event()
            writing = threading.Thread(target=_write_slowly, args=(blocks, content, over))
            writing.start()
            answers += [daemon.reload() for _ in range(2)]
            over.set()
            writing.join()
            answers.append(daemon.reload())
        assert {answer["ok"] for answer in answers} == {True, False}
        assert all(str(blocks) in answer["error"] for answer in answers if not answer["ok"])
        config = daemon.config.read_bytes()
        for content in (config[: len(config) // 2], chance.randbytes(500), b""):
            daemon.config.write_bytes(content)
            daemon.reload()
        daemon.config.write_bytes(config)
        blocks.write_text(whole)
        assert daemon.reload()["rules"]["blocks"] == 40 + len(EVERYTHING)
        sender.send_signal(signal.SIGTERM)
        sent = finish(sender)
        wait_for("all is seen", lambda: daemon.seen() == sent.sent)
        assert daemon.stop().status == 0
    assert accounts(daemon.store)["packets_seen"] == sent.sent
    check(daemon.store)


def _write_slowly(path: Path, content: bytes, over: threading.Event) -> None:
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(content), 300):
            file.write(content[start : start + 300])
            if over.wait(0.002):
                continue


@pytest.mark.long
def test_a_second_sensor_of_the_same_name(cabled: Wire, tmp_path: Path) -> None:
    with running(cabled.sensor, tmp_path, TAP, settings=SETTINGS) as daemon:
        second = cabled.sensor.run(
            *daemon.process.args[4:], check=False, cwd=tmp_path,
        )  # fmt: skip
        assert second.returncode == 1
        assert "sensor 'live' is being written" in second.stderr
        assert str(daemon.process.pid) in second.stderr
        assert "Traceback" not in second.stderr
        assert daemon.ready(), "the first goes on"
        assert daemon.stop().status == 0
