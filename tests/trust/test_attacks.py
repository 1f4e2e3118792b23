"""The attacks of the bench at a small size: memory stays bounded, honest counts exact, counters add up."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "tests" / "bench"
MEMORY_MAX = 256 << 20
PIECES = 60
SCALE = 0.05
WATCHED = ("--watch", "10.0.0.0/8", "--watch", "2001:db8:0:1::/64")
ATTACKS = (
    "syn-flood", "fragments", "half-hellos", "dns-answers", "dns-aliases", "forged", "clock-jumps",
    *(pytest.param(kind, marks=pytest.mark.long) for kind in (
        "collisions", "late-firsts", "names", "dns-labels", "deep", "jumbo", "clock-steps", "one-moment",
    )),
)  # fmt: skip
CROWDED = {"syn-flood", "collisions", "fragments", "dns-answers", "one-moment"}
"""Attacks with more flows than there is room for."""


@dataclass(frozen=True)
class Attacked:
    """A replay of an attack: its summary, its peak memory, its store, and what that has of the honest part."""

    summary: dict[str, Any]
    peak_bytes: int
    store: Path
    honest: dict[str, int]

    def one(self, sql: str) -> tuple[Any, ...]:
        """One row of what the store says."""
        tables = {
            name: f"read_parquet('{self.store}/{name}/*/*.parquet', hive_partitioning = false)"
            for name in ("flows", "dns", "accounting")
        }
        found = duckdb.connect().execute(sql.format(**tables)).fetchone()
        assert found is not None
        return tuple(found)


def attacked(kind: str, folder: Path, *, workers: int = 1, memory_max: int = MEMORY_MAX) -> Attacked:
    """Make an attack and replay it."""
    capture, store = folder / "attack.pcap", folder / f"store-{workers}"
    if not capture.exists():
        words = [sys.executable, BENCH / "attacks.py", kind, capture, "--scale", str(SCALE)]
        subprocess.run(words, check=True)
    # A program of its own, whose memory begins small, measures the replay.
    words = [
        sys.executable, "-c", MEASURE, str(BENCH), sys.executable, "-m", "sensor", "replay", str(capture), "--json",
        "--store", str(store), "--workers", str(workers), "--memory-max", str(memory_max), *WATCHED,
    ]  # fmt: skip
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT)
    told = json.loads(done.stdout)
    looked = subprocess.run(
        [sys.executable, BENCH / "honest.py", store, str(PIECES)], check=True, capture_output=True, text=True
    )
    return Attacked(json.loads(told["output"]), told["peak"], store, json.loads(looked.stdout))


MEASURE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from measure import run
used = run(sys.argv[2:])
print(json.dumps({"peak": used.peak_bytes, "output": used.output}))
"""


@pytest.fixture(params=ATTACKS)
def attack(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Attacked]:
    return request.param, attacked(request.param, tmp_path)


def check_counts(found: Attacked) -> None:
    """Every packet, every flow and every eviction is somewhere, once."""
    summary = found.summary
    assert summary["packets"] == summary["matched"] + summary["unmatched"] + summary["malformed"]
    (packets, evicted) = found.one(
        "SELECT sum(packets_out + packets_in), count(*) FILTER (end_reason = 'evicted') FROM {flows}"
    )
    assert packets == summary["matched"]
    assert evicted == summary["evicted"]["flows"]
    created, expired, gone, names = found.one(
        "SELECT sum(flows_created), sum(flows_expired), sum(flows_evicted), sum(names_evicted) FROM {accounting}"
    )
    assert created == expired + gone == summary["flows"]
    assert (gone, names) == (summary["evicted"]["flows"], summary["evicted"]["names"])


def check_honest(found: Attacked) -> None:
    """The attack has not changed a single honest number."""
    honest = found.honest
    assert honest["exact"] == honest["flows"]
    assert honest["named"] == honest["flows"]
    assert honest["answered"] == honest["queries"]


def test_attacks_are_bounded_and_honest_counts_exact(attack: tuple[str, Attacked]) -> None:
    kind, found = attack
    assert found.peak_bytes < MEMORY_MAX
    check_counts(found)
    check_honest(found)
    if kind in CROWDED:
        assert found.summary["evicted"]["flows"] > 10_000
    # Silent for as long as the attack went on, and not one of them was given up for it.
    if not kind.startswith("clock-"):
        assert found.honest["whole"] == found.honest["flows"]


def test_more_workers_share_the_room(tmp_path: Path) -> None:
    found = attacked("syn-flood", tmp_path, workers=3)
    assert found.peak_bytes < MEMORY_MAX
    assert found.summary["evicted"]["flows"] > 10_000
    check_counts(found)
    check_honest(found)


def test_with_room_for_all_the_rows_are_the_same_for_any_workers(tmp_path: Path) -> None:
    sums = []
    for workers in (1, 3):
        found = attacked("names", tmp_path, workers=workers, memory_max=2 << 30)
        assert found.summary["evicted"]["flows"] == 0
        sums.append(found.one("SELECT count(*), sum(hash(flows)) FROM {flows} AS flows"))
    assert sums[0] == sums[1]
