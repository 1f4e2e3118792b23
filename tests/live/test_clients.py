"""Real clients through a real tap: the store has the names that they asked for and the bytes that they sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.functional.replays import totals
from tests.live.clients import CLIENTS, stage
from tests.live.compare import Row, counted, differences, replayed, stored
from tests.live.daemon import STOP_S, Ended, running
from tests.live.tap import CLIENT, SERVER, TAP, Recorder, interface_counts, tap

WATCHED = "192.0.2.0/24"
CLOCKS_DIFFER_NS = 50_000_000
"""A kernel keeps the time for which TCP planned a segment in place of the one at which it came, up to the socket:
there each socket takes the time for itself."""


@dataclass
class Taken:
    """What a daemon and tcpdump made of all clients."""

    recording: Path
    recorded: int = 0
    received: dict[str, int] = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    ended: Ended | None = None
    failures: dict[str, BaseException] = field(default_factory=dict)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """All clients that are here, one after the other, under one daemon."""
    folder = tmp_path_factory.mktemp("clients")
    result = Taken(folder / "recording.pcap")
    settings: dict[str, dict[str, Any]] = {"rules": {"watch": [WATCHED]}}
    with tap() as made, stage(made, folder) as where:
        recorder = Recorder(made.sensor, TAP, result.recording)
        with running(made.sensor, folder, TAP, settings=settings) as daemon:
            for name, client in CLIENTS.items():
                if not client.missing():
                    try:
                        client.act(where)
                    except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001 # told by its own test
                        result.failures[name] = failure
            daemon.wait_until_quiet()
            result.ended = daemon.stop()
            result.recorded = recorder.stop()
            result.received = interface_counts(made.sensor, TAP)
            result.tables = {
                name: stored(daemon.store, name) for name in ("flows", "dns", "hosts", "accounting")
            }
    return result


@pytest.mark.parametrize("name", CLIENTS)
def test_flows_are_called_what_the_client_asked_for(taken: Taken, name: str) -> None:
    client = CLIENTS[name]
    if missing := client.missing():
        pytest.skip(f"NOT TESTED: missing {', '.join(missing)}")
    if failure := taken.failures.get(name):
        raise failure
    rows = [row for row in taken.tables["flows"] if row["application"] == client.application]
    assert {(row["inside_ip"], row["outside_ip"], row["initiator"], row["answered"]) for row in rows} == {
        (CLIENT, SERVER, "inside", True)
    }
    found = Counter((row["name"], row["name_source"]) for row in rows)
    for asked, count in Counter(client.names).items():
        flows = found[asked, client.name_source]
        # OpenVPN over UDP and over TCP are one application.
        assert flows >= 1 if client.at_least or asked is None else flows == count


def test_nothing_else_is_in_the_store(taken: Taken) -> None:
    expected = {
        (client.application, asked, client.name_source)
        for name, client in CLIENTS.items()
        for asked in client.names
        if not client.missing() and name not in taken.failures
    }
    found = {(row["application"], row["name"], row["name_source"]) for row in taken.tables["flows"]}
    assert found == expected or taken.failures


@pytest.mark.parametrize("table", ["flows", "dns", "hosts"])
def test_rows_are_those_of_the_recording(taken: Taken, table: str) -> None:
    again = replayed(taken.recording, WATCHED)[table]
    assert not differences(taken.tables[table], again, times_within_ns=CLOCKS_DIFFER_NS)
    assert again or table == "hosts"


def test_bytes_are_those_on_the_wire(taken: Taken) -> None:
    rows = [row for row in taken.tables["flows"] if row["protocol"] in (6, 17)]
    assert totals(rows) == counted(taken.recording)


def test_no_packet_is_lost(taken: Taken) -> None:
    accounts = taken.tables["accounting"]
    seen, matched, unmatched, malformed, kernel, interface = (
        sum(row[f"packets_{word}"] for row in accounts)
        for word in ("seen", "matched", "unmatched", "malformed", "dropped_kernel", "dropped_interface")
    )
    assert seen == matched + unmatched + malformed == taken.recorded == taken.received["packets"]
    assert (kernel, interface) == (0, 0)
    assert sum(row["packets_out"] + row["packets_in"] for row in taken.tables["flows"]) == matched


def test_the_daemon_ends_well(taken: Taken) -> None:
    assert taken.ended is not None
    assert taken.ended.status == 0
    assert taken.ended.seconds < STOP_S
    assert not [line for line in taken.ended.log if line.get("level") not in ("info", "warning")]
