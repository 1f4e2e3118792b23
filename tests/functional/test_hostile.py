"""Malformed captures, and inputs that crashed other programs: all packets are counted, nothing falls over."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functional.replays import identity, packets_of, replay
from tests.functional.truth import captures_of

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT.parent / "shared" / "captures" / "hostile"
TRUTH = captures_of(FOLDER)

MOST_MEMORY = 400 << 20

FEWER_PACKETS = {
    # The only packet claims 65,536 bytes in a block that has none of them: no whole packet.
    "pcpp--crash-pcapng-epb-unbounded-length.pcapng": 0,
}


@pytest.fixture(scope="module")
def captures(shared_captures: Path) -> list[str]:
    return [str(shared_captures / "hostile" / name) for name in sorted(TRUTH)]


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_every_packet_is_counted_once(name: str) -> None:
    replayed = replay(FOLDER / name, workers=2)
    result = replayed.result
    assert result.packets == FEWER_PACKETS.get(name, TRUTH[name]["file"]["packets"])
    assert identity(result)
    assert packets_of(replayed.flows) == result.matched
    assert sum(one.packets for one in result.inputs) == result.packets


def test_the_command_survives_each(captures: list[str]) -> None:
    script = Path(__file__).with_name("hostile_run.py")
    ended = subprocess.run(
        [sys.executable, script, *captures],
        check=False, capture_output=True, text=True, timeout=120, cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    outcome = json.loads(ended.stdout)
    assert set(outcome["statuses"].values()) <= {0, 1}
    assert len(outcome["statuses"]) == len(TRUTH)
    assert "Traceback" not in ended.stderr
    assert "panicked" not in ended.stderr
    assert outcome["peak_bytes"] < MOST_MEMORY


def test_all_of_them_as_one_stream(captures: list[str]) -> None:
    one_by_one = sum(FEWER_PACKETS.get(name, truth["file"]["packets"]) for name, truth in TRUTH.items())
    merged = replay(*captures, workers=2)
    assert merged.result.packets == one_by_one
    assert identity(merged.result)
    assert packets_of(merged.flows) == merged.result.matched
