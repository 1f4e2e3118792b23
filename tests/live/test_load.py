"""The daemon under load: every frame ends in one counter, rules change without a loss, memory stays flat."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.daemon import Daemon, running
from tests.live.load import (
    TAP,
    WATCHED,
    Traffic,
    Wire,
    check_store,
    cpu_s,
    finish,
    resident_bytes,
    sensor_process,
    wait_for_metrics,
    wire,
)
from tests.live.namespaces import wait_for

BLOCKS = {"rules": {"watch": [WATCHED]}}


@pytest.fixture
def cabled(tmp_path: Path) -> Iterator[Wire]:
    with wire(tmp_path) as made:
        yield made


def check_everything(daemon: Daemon, cabled: Wire, traffic: Traffic, seconds: float) -> None:
    """Send, and look for each frame in the metrics, then in the store."""
    sent = cabled.send(traffic, seconds)
    wait_for_metrics(daemon, sent)
    assert daemon.stop().status == 0
    found = check_store(daemon.store, sent)
    print(f"\n{sent.rate:,.0f} packets/s for {sent.seconds:.1f} s: {sent}\n{found}")


@pytest.mark.parametrize("prefilter", ["none", "socket", "xdp"])
def test_every_frame_is_in_one_counter(cabled: Wire, tmp_path: Path, prefilter: str) -> None:
    settings = BLOCKS | {"capture": {"prefilter": prefilter}}
    with running(cabled.sensor, tmp_path, TAP, settings=settings) as daemon:
        check_everything(daemon, cabled, Traffic(watched_percent=1), 2)


def test_what_a_small_ring_loses_is_counted(cabled: Wire, tmp_path: Path) -> None:
    settings = {"capture": {"memory_bytes": 1 << 22}}
    with running(cabled.sensor, tmp_path, TAP, settings=settings) as daemon:
        # Its threads are kept from running now and then, as by a busy machine.
        sender = cabled.start(Traffic(watched_percent=50, flows=50_000), 2)
        while sender.poll() is None:
            daemon.process.send_signal(signal.SIGSTOP)
            time.sleep(0.2)
            daemon.process.send_signal(signal.SIGCONT)
            time.sleep(0.2)
        sent = finish(sender)
        counts = wait_for_metrics(daemon, sent)
        assert counts["packets_dropped_kernel"] > 0
        assert daemon.stop().status == 0
        check_store(daemon.store, sent)
        assert daemon.events("kernel drops began")


@pytest.mark.long
def test_a_minute_at_full_speed(cabled: Wire, tmp_path: Path) -> None:
    traffic = Traffic(watched_percent=10, flows=100_000)
    with running(cabled.sensor, tmp_path, TAP, settings=BLOCKS) as daemon:
        process = sensor_process(daemon)
        before = cpu_s(process)
        sender = cabled.start(traffic, 60)
        resident = []
        while sender.poll() is None:
            time.sleep(5)
            resident.append(resident_bytes(process))
        sent = finish(sender)
        cost = cpu_s(process) - before
        counts = wait_for_metrics(daemon, sent)
        assert daemon.stop().status == 0
        found = check_store(daemon.store, sent)
        print(
            f"\n{sent.rate:,.0f} packets/s for {sent.seconds:.1f} s; the sensor's CPU "
            f"{cost / sent.sent * 1e9:.0f} ns a packet, the sender's with the receive path "
            f"{sent.cpu_s / sent.sent * 1e9:.0f} ns; resident MB "
            f"{[size >> 20 for size in resident]}\n{sent}\n{counts}\n{found}"
        )
        # All flows are there after the first seconds; from then on nothing grows.
        assert max(resident[3:]) < 1.1 * resident[2]


def test_rules_reloaded_under_load_lose_nothing(cabled: Wire, tmp_path: Path) -> None:
    reload_often(cabled, tmp_path, reloads=12)


@pytest.mark.long
def test_rules_reloaded_a_hundred_times(cabled: Wire, tmp_path: Path) -> None:
    reload_often(cabled, tmp_path, reloads=100)


def reload_often(cabled: Wire, folder: Path, *, reloads: int) -> None:
    """Alternate between two lists, with one in between that must be refused."""
    blocks = folder / "blocks.toml"
    lists = [blocks_of(whole=[WATCHED]), blocks_of(low=["10.0.0.0/16"], high=["10.128.0.0/9"])]
    bad = '[[block]]\nname = "broken"\nprefixes = ["10.0.0.0/99"]\n'
    blocks.write_text(lists[0])
    settings: dict[str, dict[str, Any]] = {"rules": {"watch": [], "blocks": [str(blocks)]}}
    with running(cabled.sensor, folder, TAP, settings=settings) as daemon:
        sender = cabled.start(Traffic(watched_percent=10, flows=5000), 100)
        for number in range(reloads):
            blocks.write_text(bad if number % 10 == 5 else lists[number % 2])
            answer = daemon.reload()
            assert answer["ok"] == (number % 10 != 5), answer
            if number % 10 == 5:
                assert daemon.metric("blocktap_rules_last_reload_successful") == 0
                assert "10.0.0.0/99" in answer["error"]
        assert sender.poll() is None, "it was all under load"
        sender.send_signal(signal.SIGTERM)
        # A page of the metrics may be some moments old.
        wait_for("the rules are good", lambda: daemon.metric("blocktap_rules_last_reload_successful") == 1)
        sent = finish(sender)
        wait_for_metrics(daemon, sent)
        time.sleep(2)
        by_block = daemon.metric("blocktap_block_packets_total")
        assert daemon.stop().status == 0
        found = check_store(daemon.store, sent)
        assert by_block == found["packets_matched"]
        blocks_seen = {row["block"] for row in daemon.rows("SELECT DISTINCT block FROM {flows}")}
        assert blocks_seen == {"whole", "low"}
        print(f"\n{reloads} reloads at {sent.rate:,.0f} packets/s: {found}")


def blocks_of(**prefixes: list[str]) -> str:
    """A list of blocks."""
    return "".join(
        f'[[block]]\nname = "{name}"\nprefixes = {of}\nholder = "Example"\nclaimed_country = "ZZ"\n'
        f'confidence = "high"\nrole = "holder"\n'
        for name, of in prefixes.items()
    )


def test_a_stop_with_many_flows_writes_them_all(cabled: Wire, tmp_path: Path) -> None:
    stop_with_flows(cabled, tmp_path, 100_000)


@pytest.mark.long
def test_a_stop_with_a_million_flows_writes_them_all_in_time(cabled: Wire, tmp_path: Path) -> None:
    stop_with_flows(cabled, tmp_path, 1_000_000)


def stop_with_flows(cabled: Wire, folder: Path, flows: int) -> None:
    settings = BLOCKS | {"flow": {"active_timeout_s": 3600, "idle_timeout_s": 3600}}
    traffic = Traffic(watched_percent=100, flows=flows, malformed_every=0)
    with running(cabled.sensor, folder, TAP, settings=settings) as daemon:
        sender = cabled.start(traffic, 60)
        end = time.monotonic() + 40
        while daemon.metric("blocktap_active_flows") < flows and time.monotonic() < end:
            time.sleep(0.2)
        sender.send_signal(signal.SIGTERM)
        sent = finish(sender)
        wait_for_metrics(daemon, sent)
        live = daemon.metric("blocktap_active_flows")
        process = sensor_process(daemon)
        before = cpu_s(process)
        ended = daemon.stop()
        print(f"\nstopped with {live:,.0f} flows in {ended.seconds:.1f} s ({before:.1f} s CPU before)")
        assert live == flows
        assert ended.status == 0
        assert ended.seconds < 10
        found = check_store(daemon.store, sent)
        assert found["flows_created"] == flows
