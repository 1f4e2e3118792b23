"""A soak: ``python -m tests.trust.soak [--minutes 40]``, as root.

The real daemon on a veth in a network namespace of its own, at full load. Six hours of a daemon's life happen in 40
minutes: every timeout and interval is a ninth of what it is by default, so that as many records, flushes, segments and
compactions come of it. All the while the rules are reloaded, metrics scraped, the status asked and the log rotated.

Then: is memory flat and below its bound, are descriptors, is every frame sent in one counter, is the log quiet?
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from tests.live.daemon import Daemon
from tests.live.load import FAR, TAP, accounts, resident_bytes, stored_packets
from tests.live.namespaces import Namespace, cable
from tests.trust.compressed import COMPRESSION

ROOT = Path(__file__).resolve().parents[2]
REPLAYER = Path(__file__).with_name("replayer.c")
BENCH = ROOT / "tests" / "bench"
CAPTURES = ROOT / "tests" / "golden" / "captures"

MTU = 9_000
MEMORY_MAX = 768 << 20
RING_BYTES = 128 << 20
SAMPLE_S, SCRAPE_S, RELOAD_S, ROTATE_S = 1.0, 1.5, 10.0, 30.0
COPIES, WINDOW_S = 400, 600
BLOCKS_OF_MEANS = 20
GROWTH_ALLOWED = 0.02
"""Of the memory, within the second half: what the pools of three allocators come to while they settle."""
LOG_LINES_A_RELOAD = 3
LOG_LINES_BESIDE = 50


@dataclass
class Sample:
    """What the daemon holds at a moment."""

    seconds: float
    resident: int
    descriptors: int
    threads: int


@dataclass
class Soaked:
    """What happened, and what was measured."""

    minutes: float
    samples: list[Sample] = field(default_factory=list)
    scrapes: int = 0
    reloads: int = 0
    rotations: int = 0
    log_lines: int = 0
    events: dict[str, int] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    stored_packets: int = 0
    segments: int = 0
    exit_status: int = -1
    evicted: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Slope:
    """Growth of the memory over the second half: bytes an hour of wall time, with its interval of 95 %."""

    value: float
    low: float
    high: float
    mean: float
    grown: float


def make_capture(folder: Path) -> Path:
    """Many copies of the project's own captures, laid over each other."""
    program, target = folder / "mix", folder / "mix.pcap"
    subprocess.run(["cc", "-O2", "-o", program, BENCH / "mix.c"], check=True)
    captures = sorted(CAPTURES.glob("*.pcap"))
    words = [program, target, str(COPIES), str(WINDOW_S), *captures]
    subprocess.run(words, check=True, capture_output=True)
    return target


def settings_of(blocks: Path) -> dict[str, dict[str, Any]]:
    """The daemon's defaults, a ninth of each time."""
    return {
        "flow": {"active_timeout_s": 60 / COMPRESSION, "idle_timeout_s": 120 / COMPRESSION,
                 "close_timeout_s": 5 / COMPRESSION},
        "naming": {"answer_slack_s": 300 / COMPRESSION},
        "store": {"flush_interval_s": 60 / COMPRESSION},
        "capture": {"memory_bytes": RING_BYTES},
        "rules": {"watch": [], "blocks": [str(blocks)]},
    }  # fmt: skip


def write_blocks(path: Path, number: int) -> bool:
    """Another list each time, every tenth a bad one; whether it is good."""
    block = '[[block]]\nname = "{}"\nprefixes = {}\nholder = "Example"\nclaimed_country = "ZZ"\nconfidence = "high"\n'
    lists = [block.format("all", '["0.0.0.0/0", "::/0"]')]
    if number % 2:
        lists.append(block.format("few", f'["198.51.{number % 256}.0/24"]'))
    good = number % 10 != 9
    path.write_text("".join(lists) if good else block.format("bad", '["10.0.0.0/99"]'))
    return good


class Soak:
    """One run.

    Parameters
    ----------
    daemon
        It runs.
    sender
        It sends.
    """

    def __init__(self, daemon: Daemon, sender: subprocess.Popen[str], blocks: Path, soaked: Soaked) -> None:
        self._daemon = daemon
        self._sender = sender
        self._blocks = blocks
        self._soaked = soaked
        self._began = time.monotonic()
        self._due = {self._sample: 0.0, self._scrape: 0.0, self._reload: RELOAD_S, self._rotate: ROTATE_S}
        self._every = {
            self._sample: SAMPLE_S,
            self._scrape: SCRAPE_S,
            self._reload: RELOAD_S,
            self._rotate: ROTATE_S,
        }

    def run(self) -> None:
        """Do everything in turn until the sender is done."""
        while self._sender.poll() is None:
            if self._daemon.process.poll() is not None:
                raise SystemExit("the daemon ended in the middle of the soak")
            for work, due in self._due.items():
                now = time.monotonic() - self._began
                if now >= due:
                    work()
                    self._due[work] = max(due + self._every[work], now)
            time.sleep(0.1)

    def _sample(self) -> None:
        process = self._daemon.process.pid
        self._soaked.samples.append(
            Sample(
                time.monotonic() - self._began,
                resident_bytes(process),
                len(list(Path(f"/proc/{process}/fd").iterdir())),
                len(list(Path(f"/proc/{process}/task").iterdir())),
            )
        )

    def _scrape(self) -> None:
        status, text = self._daemon.fetch("/metrics")
        assert status == 200
        assert "blocktap_packets_total" in text
        self._soaked.scrapes += 1
        if self._soaked.scrapes % 10 == 0:
            self._daemon.status()

    def _reload(self) -> None:
        good = write_blocks(self._blocks, self._soaked.reloads)
        answer = self._daemon.reload()
        assert answer["ok"] == good, answer
        self._soaked.reloads += 1

    def _rotate(self) -> None:
        """As a program that copies a log and truncates it; the daemon appends."""
        take_log(self._daemon, self._soaked)
        self._soaked.rotations += 1


def take_log(daemon: Daemon, soaked: Soaked) -> None:
    """Count what the log says, and empty it."""
    for line in daemon.log():
        event = str(line.get("event"))[:80]
        soaked.events[event] = soaked.events.get(event, 0) + 1
        soaked.log_lines += 1
    with daemon.log_path.open("r+b") as log:
        log.truncate(0)


def slope_of(samples: list[Sample]) -> Slope:
    """A line through means of the second half: neighbours among single samples are alike."""
    half = [sample for sample in samples if sample.seconds >= samples[-1].seconds / 2]
    parts = [part for part in np.array_split(np.arange(len(half)), BLOCKS_OF_MEANS) if len(part)]
    seconds = np.array([np.mean([half[place].seconds for place in part]) for part in parts])
    resident = np.array([np.mean([half[place].resident for place in part]) for part in parts])
    line = stats.linregress(seconds, resident)
    margin = stats.t.ppf(0.975, len(parts) - 2) * line.stderr
    span = float(seconds[-1] - seconds[0])
    each = 3_600.0
    return Slope(
        float(line.slope * each), float((line.slope - margin) * each), float((line.slope + margin) * each),
        float(resident.mean()), float(line.slope * span),
    )  # fmt: skip


def judge(soaked: Soaked, slope: Slope) -> dict[str, bool]:
    """What must hold."""
    found = soaked.accounts
    seen = found["packets_matched"] + found["packets_unmatched"] + found["packets_malformed"]
    lost = found["packets_dropped_kernel"] + found["packets_dropped_interface"]
    half = soaked.samples[len(soaked.samples) // 2 :]
    descriptors = [sample.descriptors for sample in half]
    most_lines = soaked.reloads * LOG_LINES_A_RELOAD + LOG_LINES_BESIDE
    return {
        "memory flat": bool(slope.low <= 0 or slope.grown <= GROWTH_ALLOWED * slope.mean),
        "memory below the bound": max(sample.resident for sample in soaked.samples) < MEMORY_MAX,
        "descriptors flat": max(descriptors[len(descriptors) // 2 :])
        <= max(descriptors[: len(descriptors) // 2]) + 2,
        "identity exact": soaked.sent["sent"] == seen + lost and found["packets_seen"] == seen,
        "matched packets all stored": soaked.stored_packets
        == found["packets_matched"] - found["packets_dropped_store"],
        "log quiet": soaked.log_lines <= most_lines,
        "ended well": soaked.exit_status == 0,
    }


def soak(minutes: float, rate: int, folder: Path) -> Soaked:
    """Run it; the folder is for the store and everything else."""
    soaked = Soaked(minutes)
    capture = make_capture(folder)
    program = folder / "replayer"
    subprocess.run(["cc", "-O2", "-o", program, REPLAYER], check=True)
    blocks = folder / "blocks.toml"
    write_blocks(blocks, 0)
    with Namespace("soaked") as sensor, Namespace("soaking") as sending:
        cable((sensor, TAP), (sending, FAR), mtu=MTU)
        daemon = Daemon(
            sensor, folder, (TAP,), settings_of(blocks), program=("-m", "tests.trust.compressed"),
            top_settings={"memory_max": MEMORY_MAX},
        )  # fmt: skip
        try:
            daemon.start()
            words = (program, FAR, capture, str(minutes * 60), str(rate), str(MTU + 14))
            sender = sending.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            Soak(daemon, sender, blocks, soaked).run()
            out, errors = sender.communicate()
            if sender.returncode:
                raise SystemExit(errors)
            soaked.sent = json.loads(out)
            # What lies in the rings is read before the end is asked for.
            daemon.wait_until_quiet(quiet_s=2, patience_s=60)
            evicted = daemon.metrics().get("blocktap_evicted_total", {})
            soaked.evicted = {dict(labels)["what"]: value for labels, value in evicted.items()}
            take_log(daemon, soaked)
            soaked.exit_status = daemon.stop().status
            take_log(daemon, soaked)
        finally:
            daemon.close()
    soaked.accounts = accounts(daemon.store)
    soaked.stored_packets = stored_packets(daemon.store)
    soaked.segments = len(list(daemon.store.glob("*/day=*/*.parquet")))
    return soaked


def table_of(soaked: Soaked, slope: Slope, verdicts: dict[str, bool]) -> str:
    """The figures, as Markdown."""
    mib = 1 << 20
    found, samples = soaked.accounts, soaked.samples
    lost = found["packets_dropped_kernel"] + found["packets_dropped_interface"]
    rows = [
        ("wall time; of a daemon's life", f"{soaked.minutes:g} min; {soaked.minutes * COMPRESSION / 60:.1f} h"),
        ("packets sent", f"{soaked.sent['sent']:,} ({soaked.sent['sent'] / soaked.sent['seconds']:,.0f} a second)"),
        ("matched, unmatched, malformed", ", ".join(f"{found[f'packets_{fate}']:,}" for fate in
                                                    ("matched", "unmatched", "malformed"))),
        ("dropped by the kernel", f"{lost:,} ({lost / soaked.sent['sent']:.2%})"),
        ("flows; segments left", f"{found['flows_created']:,}; {soaked.segments:,}"),
        ("evicted", ", ".join(f"{int(value):,} {what}" for what, value in sorted(soaked.evicted.items()))),
        ("reloads, scrapes, log rotations", f"{soaked.reloads:,}, {soaked.scrapes:,}, {soaked.rotations:,}"),
        ("memory: mean of the second half, peak, bound",
         f"{slope.mean / mib:.0f}, {max(one.resident for one in samples) / mib:.0f}, {MEMORY_MAX / mib:.0f} MiB"),
        ("memory's slope over the second half, MiB an hour",
         f"{slope.value / mib:+.1f} ({slope.low / mib:+.1f} to {slope.high / mib:+.1f})"),
        ("descriptors, first and last", f"{samples[0].descriptors}, {samples[-1].descriptors}"),
        ("log lines", f"{soaked.log_lines:,}"),
        *((what, "yes" if holds else "**no**") for what, holds in verdicts.items()),
    ]  # fmt: skip
    return "\n".join(["| what | |", "| --- | --- |", *(f"| {what} | {value} |" for what, value in rows)])


def main() -> None:
    """Soak, print a table and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--rate", type=int, default=0, help="packets a second; 0 is all that go")
    parser.add_argument("--json", type=Path, help="where the figures go as well")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="blocktap-soak-") as folder:
        soaked = soak(words.minutes, words.rate, Path(folder))
    slope = slope_of(soaked.samples)
    verdicts = judge(soaked, slope)
    print(table_of(soaked, slope, verdicts))
    if words.json:
        words.json.write_text(
            json.dumps(asdict(soaked) | {"slope": asdict(slope), "holds": verdicts}, indent=1)
        )
    if not all(verdicts.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
