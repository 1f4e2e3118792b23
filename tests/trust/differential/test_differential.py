"""Random valid packets, built by scapy, through the sensor and through dpkt: the same flows of the same bytes."""

import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

from tests.functional.replays import identity, replay
from tests.trust.differential.independent import Seen, innermost
from tests.trust.differential.packets import TUNNELS, random_frame

FEW, MANY = 1_500, 100_000
MOST_TOLD = 5

ICMP_PROTOCOLS = (1, 58)
_PCAP = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, 1)
_START_S = 1_491_004_800


def test_same_flows_as_an_independent_decoder(tmp_path: Path) -> None:
    random = Random(1)
    agree(tmp_path, [random_frame(random) for _ in range(FEW)])


@pytest.mark.long
def test_same_flows_of_a_hundred_thousand_packets(tmp_path: Path) -> None:
    agree(tmp_path, [frame for part in _built(MANY, parts=4) for frame in part])


def test_packets_are_as_various_as_meant() -> None:
    random = Random(7)
    seen = [innermost(random_frame(random)) for _ in range(600)]
    words = {packet.tunnel for packet in seen}
    assert words >= {None, "ipip", "6in4", *TUNNELS} - {"ip"}
    assert {packet.protocol for packet in seen} >= {1, 6, 17, 58, 89, 132}


def agree(folder: Path, frames: list[bytes]) -> None:
    """Put frames through both; fail where they differ, with the frames."""
    capture = folder / "random.pcap"
    with capture.open("wb") as file:
        file.write(_PCAP)
        for number, frame in enumerate(frames):
            file.write(
                struct.pack("<IIII", _START_S + number // 1000, number % 1000, len(frame), len(frame)) + frame
            )
    replayed = replay(capture, workers=2)
    assert identity(replayed.result)
    assert (replayed.result.packets, replayed.result.matched) == (len(frames), len(frames))
    by_sensor = Counter(_seen(row) for row in replayed.flows)
    expected = [innermost(frame) for frame in frames]
    by_dpkt = Counter(expected)
    missing = by_dpkt - by_sensor
    told = [(seen, frame.hex()) for seen, frame in zip(expected, frames, strict=True) if seen in missing]
    assert not missing, _tell(told[:MOST_TOLD], by_sensor - by_dpkt)
    assert by_sensor == by_dpkt


def _seen(row: dict[str, object]) -> Seen:
    """A flow row of one packet as the other decoder would say it."""
    assert row["packets_out"] + row["packets_in"] == 1, row
    ports = (0, 0) if row["protocol"] in ICMP_PROTOCOLS else (row["inside_port"], row["outside_port"])
    first, second = sorted([(row["inside_ip"], ports[0]), (row["outside_ip"], ports[1])])
    return Seen(row["protocol"], (first, second), row["bytes_out"] + row["bytes_in"], row["tunnel"])


def _tell(told: Iterable[tuple[Seen, str]], unexpected: Counter[Seen]) -> str:
    return "\n".join([
        *(f"dpkt: {seen}\nframe: {frame}" for seen, frame in told),
        *(f"sensor alone: {seen}" for seen in list(unexpected)[:MOST_TOLD]),
    ])  # fmt: skip


def _built(count: int, parts: int) -> Iterable[list[bytes]]:
    """Frames from seeds of their own, built by processes side by side: building is slower than replaying."""
    program = (
        "import sys; from random import Random; from tests.trust.differential.packets import random_frame\n"
        "random = Random(int(sys.argv[1]))\n"
        "for _ in range(int(sys.argv[2])): print(random_frame(random).hex())"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(part + 100), str(count // parts)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for part in range(parts)
    ]
    for process in running:
        output, _ = process.communicate()
        assert process.returncode == 0
        yield [bytes.fromhex(line) for line in output.split()]
