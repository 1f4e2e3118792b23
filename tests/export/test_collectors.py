"""Totals at a collector are those of the store; failures are told."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.export.collectors import HOST, data_records, decode, free_port, keeping, nfcapd
from tests.export.rows import row, store_of, totals

ROWS = [row(number) for number in range(3000)]
OTHER_ENTERPRISE = 999


def export(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "sensor", "export", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_of(tmp_path_factory.mktemp("export") / "store", ROWS)


def told(ended: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_nfdump_has_the_totals_of_the_store(store: Path) -> None:
    with nfcapd() as collector:
        said = told(export("--store", str(store), "--to", f"{HOST}:{collector.port}", "--json"))
        words = collector.stop()
        assert "Sequence Errors: 0, Bad Packets: 0" in words
        assert collector.totals() == totals(ROWS)
        assert (said["records"], said["packets"], said["bytes"]) == tuple(totals(ROWS).values())
        assert said["left_out"] == 0


def test_nfdump_has_the_rows_of_the_store(store: Path) -> None:
    with nfcapd() as collector:
        told(export("--store", str(store), "--to", f"{HOST}:{collector.port}", "--json"))
        collector.stop()
        expected = sorted(
            (one["inside_ip"], one["outside_ip"], one["packets_out"], one["bytes_out"], one["packets_in"],
             one["bytes_in"])
            if one["initiator"] != "outside"
            else (one["outside_ip"], one["inside_ip"], one["packets_in"], one["bytes_in"], one["packets_out"],
                  one["bytes_out"])
            for one in ROWS
        )  # fmt: skip
        found = sorted(
            (source, target, int(packets), int(octets), int(back_packets), int(back_octets))
            for source, target, _, _, _, packets, octets, back_packets, back_octets, _ in collector.rows()
        )
        assert found == expected


def test_over_tcp_nothing_is_lost(store: Path) -> None:
    with keeping("tcp") as collector:
        said = told(
            export("--store", str(store), "--to", f"{HOST}:{collector.port}", "--transport", "tcp", "--json")
        )
        collector.wait_for(len(ROWS))
    records = decode(collector.stream)
    assert len(records) == said["records"] == len(ROWS)
    packets = sum(one["packetDeltaCount"] + one["reversePacketDeltaCount"] for one in records)
    octets = sum(one["octetDeltaCount"] + one["reverseOctetDeltaCount"] for one in records)
    assert {"flows": len(records), "packets": packets, "bytes": octets} == totals(ROWS)


def test_nfdump_reads_what_goes_over_tcp(store: Path) -> None:
    # It listens to UDP alone, so each message of the stream is handed on to it as a datagram.
    with keeping("tcp") as collector:
        told(
            export("--store", str(store), "--to", f"{HOST}:{collector.port}", "--transport", "tcp", "--json")
        )
        collector.wait_for(len(ROWS))
    with nfcapd() as reader, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        for message in collector.messages:
            way.sendto(message, (HOST, reader.port))
        reader.stop()
        assert reader.totals() == totals(ROWS)


def test_a_stream_describes_its_own_elements(store: Path) -> None:
    with keeping("tcp") as collector:
        told(
            export("--store", str(store), "--to", f"{HOST}:{collector.port}", "--transport", "tcp", "--json")
        )
        collector.wait_for(len(ROWS))
    sequences = [int.from_bytes(one[8:12], "big") for one in collector.messages if data_records(one)]
    assert b"community_id" in collector.stream
    # The descriptions are records too.
    assert sequences[0] == 16


def test_days_and_blocks_are_chosen(store: Path) -> None:
    with keeping("tcp") as collector:
        words = ("--from", "2017-05-18", "--to-day", "2017-05-18", "--block", "satnet", "--transport", "tcp")
        said = told(export("--store", str(store), "--to", f"{HOST}:{collector.port}", *words, "--json"))
    chosen = [one for number, one in enumerate(ROWS) if number % 3 == 1 and one["block"] == "satnet"]
    assert said["records"] == len(chosen)
    assert said["bytes"] == totals(chosen)["bytes"]


def test_the_enterprise_is_a_setting(store: Path) -> None:
    with keeping("tcp") as collector:
        words = ("--enterprise", str(OTHER_ENTERPRISE), "--transport", "tcp")
        told(export("--store", str(store), "--to", f"{HOST}:{collector.port}", *words, "--json"))
        collector.wait_for(len(ROWS))
    records = {one["flowId"]: one for one in decode(collector.stream, OTHER_ENTERPRISE)}
    assert all(records[one["flow_id"]]["block"] == one["block"] for one in ROWS)


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (("--to", f"{HOST}:PORT"), 1, "refuses"),
        (("--to", f"{HOST}:PORT", "--transport", "tcp"), 1, "refuses"),
        (("--to", "no-such-host.invalid:4739"), 1, "'no-such-host.invalid' is unknown"),
        (("--to", HOST), 2, "write host:port"),
        (("--to", "::1:4739"), 2, "in brackets"),
        (("--to", f"{HOST}:4739", "--mtu", "100"), 2, "an MTU of 100"),
        (("--to", f"{HOST}:4739", "--from", "May"), 2, "is no day"),
    ],
)
def test_failures_are_told(store: Path, words: tuple[str, ...], status: int, reason: str) -> None:
    port = str(free_port(socket.SOCK_STREAM))
    ended = export("--store", str(store), *(word.replace("PORT", port) for word in words))
    assert (ended.returncode, reason in ended.stderr) == (status, True), ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_store_is_told_before_a_collector_is_asked(tmp_path: Path) -> None:
    ended = export("--store", str(tmp_path), "--to", "no-such-host.invalid:1")
    assert ended.returncode == 1
    assert "is no store" in ended.stderr
