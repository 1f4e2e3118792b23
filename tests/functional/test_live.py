"""A live capture of a cable: the rows of a replay, no packet lost, everything counted."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.capture import Capturing, RingSettings
from sensor.config import Config
from sensor.errors import CaptureError
from sensor.rules.names import load_names
from tests.functional.built import Talk
from tests.functional.replays import Rows, packets_of, replay, watching
from tests.functional.wire import NEAR, Recorder, Sender, cable, frames_of

DEMO = Path(__file__).resolve().parents[1] / "golden" / "captures" / "demo.pcap"
PATIENCE_S = 20


@pytest.fixture(autouse=True)
def wire() -> Iterator[None]:
    with cable():
        yield


@pytest.fixture
def sender() -> Iterator[Sender]:
    sender = Sender()
    yield sender
    sender.close()


class Running:
    """A capture whose rows are moved by a thread."""

    def __init__(self, workers: int = 1, *prefixes: str, rings: int = 1) -> None:
        self.rows = Rows()
        self.capturing = Capturing(
            RingSettings((NEAR,), rings_per_interface=rings), watching(*prefixes), Config(), workers,
            flush_interval_s=0.1,
        )  # fmt: skip
        self.counts: dict[str, int] = {}
        self._thread = threading.Thread(target=self._move, daemon=True)
        self._thread.start()

    def _move(self) -> None:
        self.counts = self.capturing.run(self.rows)

    def seen(self) -> int:
        return self.capturing.snapshot()["interfaces"][NEAR]["packets_seen"]

    def wait_for(self, packets: int) -> None:
        end = time.monotonic() + PATIENCE_S
        while self.seen() < packets and time.monotonic() < end:
            time.sleep(0.01)
        assert self.seen() == packets

    def stop(self) -> None:
        began = time.monotonic()
        self.capturing.stop()
        self._thread.join()
        assert time.monotonic() - began < PATIENCE_S

    def accounted(self, column: str) -> int:
        return sum(row[column] for row in self.rows.of("accounting"))

    def check(self, sent: int) -> None:
        """Everything sent is somewhere, exactly."""
        fates = ("packets_matched", "packets_unmatched", "packets_malformed")
        drops = ("packets_dropped_kernel", "packets_dropped_interface")
        assert self.accounted("packets_seen") == sum(self.accounted(fate) for fate in fates)
        assert sent == self.accounted("packets_seen") + sum(self.accounted(drop) for drop in drops)
        kept = self.accounted("packets_matched") - self.accounted("packets_dropped_store")
        assert packets_of(self.rows.of("flows")) == kept


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_rows_are_those_of_a_replay(tmp_path: Path, sender: Sender, workers: int) -> None:
    frames = frames_of(DEMO)
    recorder = Recorder(tmp_path / "recorded.pcap")
    running = Running(workers)
    sent = sender.send(frames)
    running.wait_for(sent)
    recorder.stop()
    running.stop()
    assert recorder.packets == sent
    running.check(sent)
    replayed = replay(recorder.path)
    assert running.rows.table("flows").equals(replayed.rows.table("flows"))
    assert running.rows.table("dns").equals(replayed.rows.table("dns"))
    assert {row["interface"] for row in running.rows.of("accounting")} == {NEAR}


@pytest.mark.parametrize("workers", [1, 2])
def test_other_rules_lose_no_packet(sender: Sender, workers: int) -> None:
    talks = [Talk(inside=f"192.0.2.{number}") for number in range(1, 200)]
    frames = [bytes(talk.out(0, size=100)[1]) for talk in talks]
    running = Running(workers, "192.0.2.0/24")
    names = load_names()
    plans = [watching("192.0.2.0/24"), watching("192.0.2.0/25", "192.0.2.128/25"), watching("192.0.2.0/26")]
    swapping = threading.Event()
    sent = 0

    def send() -> None:
        nonlocal sent
        while not swapping.is_set():
            sent += sender.send(frames)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    for number in range(100):
        running.capturing.swap(plans[number % 3], names)
        time.sleep(0.005)
    swapping.set()
    thread.join()
    running.wait_for(sent - running.capturing.snapshot()["interfaces"][NEAR]["packets_dropped_kernel"])
    running.stop()
    running.check(sent)
    assert len({row["block"] for row in running.rows.of("flows")}) > 1


def test_rows_and_accounts_come_while_it_goes_on(sender: Sender) -> None:
    running = Running(2)
    syn, reset = Talk().out(0, "S")[1], Talk().back(0, "R")[1]
    sender.send([bytes(syn), bytes(reset)])
    running.wait_for(2)
    assert running.capturing.snapshot()["active_flows"] == 1
    assert running.capturing.account(NEAR, prefiltered_packets=10, prefiltered_bytes=640, dropped_interface=3)
    end = time.monotonic() + PATIENCE_S
    # A closed flow is over when close and reordering time have passed: on a quiet link too.
    while not running.rows.of("flows") and time.monotonic() < end:
        time.sleep(0.1)
    (row,) = running.rows.of("flows")
    assert row["end_reason"] == "rst"
    counts = running.capturing.snapshot()["interfaces"][NEAR]
    assert (counts["packets_seen"], counts["packets_prefiltered"]) == (12, 10)
    assert counts["packets_dropped_interface"] == 3
    running.stop()
    running.check(2 + 10 + 3)
    assert not running.capturing.account(NEAR, prefiltered_packets=1)


def test_a_slow_store_loses_rows_and_not_packets(sender: Sender) -> None:
    talks = [Talk(inside=f"192.0.2.{number % 250}", inside_port=1000 + number) for number in range(5000)]
    frames = [bytes(talk.out(0, size=10)[1]) for talk in talks]
    capturing = Capturing(
        RingSettings((NEAR,)), watching("192.0.2.0/24"), workers=2, flush_interval_s=0.05, queue_rows=1000
    )
    for number in range(6):
        sender.send(frames)
        # Flows are cut, so that there are rows.
        capturing.swap(watching(f"192.0.2.{number}/32"), load_names())
        time.sleep(0.2)
        capturing.swap(watching("192.0.2.0/24"), load_names())
        time.sleep(0.2)
    capturing.stop()
    time.sleep(1)
    rows = Rows()
    capturing.run(rows)
    accounts = rows.of("accounting")
    total = {
        name: sum(row[name] for row in accounts)
        for name in accounts[0]
        if name.startswith(("packets", "rows"))
    }
    assert total["packets_seen"] == 6 * len(frames)
    assert total["rows_dropped_store"] > 0
    assert packets_of(rows.of("flows")) == total["packets_matched"] - total["packets_dropped_store"]


def test_what_cannot_be_captured_is_told() -> None:
    with pytest.raises(CaptureError, match="nowhere0"):
        Capturing(RingSettings(("nowhere0",)), watching())
    with pytest.raises(CaptureError):
        Capturing(RingSettings((NEAR,), filter_descriptor=987), watching())


def test_an_interface_goes_down_and_comes_back(sender: Sender) -> None:
    running = Running()
    frame = bytes(Talk().out(0)[1])
    running.wait_for(sender.send([frame]))
    with pytest.raises(ValueError, match="eth9"):
        running.capturing.account("eth9")
    running.capturing.reopen(NEAR)
    time.sleep(0.5)
    sent = 1 + sender.send([frame] * 10)
    running.wait_for(sent)
    running.stop()
    running.check(sent)
