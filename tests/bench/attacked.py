"""What attacks come to: ``attacked.py [--only KIND] [--scale FRACTION]`` prints a table.

Each attack is replayed into a store by one worker within a bound on its memory, and compared with a load that is none:
copies of the project's own captures, or ordinary DNS transactions where the attack is made of DNS. CPU is that of the
whole process, the least of two runs, less what a capture of a few packets takes; throughput is packets in a second of
it. This file stays free of large imports: see `measure`.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import Usage, run
from workloads import HERE, ROOT, first_packets

MEMORY_MAX = 512 << 20
PIECES = 60
NORMAL, TRANSACTIONS = "normal", "transactions"
NORMAL_COPIES, NORMAL_WINDOW_S = 1_200, 600
BASELINE_PACKETS = 10
WATCHED = ("10.0.0.0/8", "2001:db8:0:1::/64")
EVERYTHING = ("0.0.0.0/0", "::/0")
ATTACKS = (
    "syn-flood", "collisions", "fragments", "late-firsts", "half-hellos", "names", "dns-answers", "dns-aliases",
    "dns-labels", "forged", "deep", "jumbo", "clock-jumps", "clock-steps", "one-moment",
)  # fmt: skip
A_THIRD = 1 / 3


@dataclass(frozen=True)
class Outcome:
    """A replay: what it cost beyond its start, its summary, and what its store has of the honest part."""

    cpu_s: float
    peak_bytes: int
    summary: dict[str, object]
    honest: dict[str, int]

    @property
    def packets(self) -> int:
        """Packets in the capture."""
        return int(str(self.summary["packets"]))

    @property
    def rate(self) -> float:
        """Packets a second of CPU."""
        return self.packets / self.cpu_s

    @property
    def byte_rate(self) -> float:
        """Bytes on the wire a second of CPU."""
        return int(str(self.summary["bytes"])) / self.cpu_s


def make(kind: str, target: Path, scale: float) -> None:
    """Write the capture."""
    if kind == NORMAL:
        program = target.with_name("mix")
        subprocess.run(["cc", "-O2", "-o", program, HERE / "mix.c"], check=True)
        copies = str(max(1, int(NORMAL_COPIES * scale)))
        captures = sorted((ROOT / "tests" / "golden" / "captures").glob("*.pcap"))
        words = [program, target, copies, str(NORMAL_WINDOW_S), *captures]
        subprocess.run(words, check=True, capture_output=True)
        return
    subprocess.run([sys.executable, HERE / "attacks.py", kind, target, "--scale", str(scale)], check=True)


def replay(capture: Path, store: Path, watched: tuple[str, ...]) -> Usage:
    """Replay into a store."""
    shutil.rmtree(store, ignore_errors=True)
    watch = [word for prefix in watched for word in ("--watch", prefix)]
    words = [sys.executable, "-m", "sensor", "replay", str(capture), "--store", str(store), "--workers", "1"]
    return run([*words, "--json", "--memory-max", str(MEMORY_MAX), *watch])


def outcome_of(kind: str, folder: Path, scale: float, runs: int) -> Outcome:
    """Make a capture, replay it and look at what came of it."""
    capture, store, start = folder / "attack.pcap", folder / "store", folder / "start.pcap"
    watched = EVERYTHING if kind == NORMAL else WATCHED
    make(kind, capture, scale)
    start.write_bytes(first_packets(capture, BASELINE_PACKETS))
    least = min(replay(start, store, watched).cpu_s for _ in range(2))
    used = min((replay(capture, store, watched) for _ in range(runs)), key=lambda used: used.cpu_s)
    looked = "{}"
    if kind != NORMAL:
        words = [sys.executable, HERE / "honest.py", store, str(PIECES)]
        looked = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    capture.unlink()
    shutil.rmtree(store)
    return Outcome(
        max(used.cpu_s - least, 1e-3), used.peak_bytes, json.loads(used.output), json.loads(looked)
    )


def verdicts(outcome: Outcome, normal: Outcome) -> dict[str, bool]:
    """What must hold."""
    honest, summary = outcome.honest, outcome.summary
    fates = sum(int(str(summary[fate])) for fate in ("matched", "unmatched", "malformed"))
    larger = outcome.byte_rate / outcome.rate > normal.byte_rate / normal.rate
    ratios = [outcome.rate / normal.rate, outcome.byte_rate / normal.byte_rate if larger else 0]
    return {
        "bound": outcome.peak_bytes < MEMORY_MAX,
        "identity": fates == outcome.packets,
        "counts": honest["exact"] == honest["flows"],
        "names": honest["named"] == honest["flows"],
        "throughput": max(ratios) >= A_THIRD,
    }


def line_of(kind: str, outcome: Outcome, normal: Outcome) -> str:
    """A row of the table."""
    honest = outcome.honest
    evicted = outcome.summary["evicted"]
    assert isinstance(evicted, dict)
    gone = ", ".join(f"{count:,} {what}" for what, count in evicted.items() if count) or "nothing"
    cells = (
        kind,
        f"{outcome.packets:,}",
        f"{outcome.peak_bytes / (1 << 20):.0f}",
        gone,
        f"{honest['exact']:,} of {honest['flows']:,}",
        f"{honest['named']:,}",
        f"{honest['answered']:,} of {honest['queries']:,}",
        f"{outcome.rate / 1e6:.2f}",
        f"{outcome.rate / normal.rate:.2f}",
        f"{outcome.byte_rate / normal.byte_rate:.2f}",
    )
    return f"| {' | '.join(cells)} |"


HEAD = """\
| attack | packets | peak, MiB | evicted | honest flows exact | with their name | honest DNS whole \
| M packets a CPU second | of normal: packets | of normal: bytes |
| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"""


def main() -> None:
    """Run the attacks; status 1 where something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=ATTACKS, nargs="+", default=ATTACKS, metavar="KIND")
    parser.add_argument("--scale", type=float, default=1.0, help="of attacks; the honest part stays")
    parser.add_argument("--runs", type=int, default=2, help="of each; the one with the least CPU counts")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench" / "attacks")
    words = parser.parse_args()
    words.folder.mkdir(parents=True, exist_ok=True)
    failed = []
    with tempfile.TemporaryDirectory(dir=words.folder) as folder:
        place = Path(folder)
        normal = outcome_of(NORMAL, place, words.scale, words.runs)
        transactions = outcome_of(TRANSACTIONS, place, words.scale, words.runs)
        print(f"Bound: {MEMORY_MAX >> 20} MiB.")
        for what, load in (("Normal", normal), ("DNS transactions", transactions)):
            print(f"{what}: {load.rate / 1e6:.2f} M packets a CPU second, {load.peak_bytes >> 20} MiB.")
        print(f"\n{HEAD}")
        for kind in words.only:
            usual = transactions if kind.startswith("dns-") else normal
            outcome = outcome_of(kind, place, words.scale, words.runs)
            print(line_of(kind, outcome, usual), flush=True)
            failed += [f"{kind}: {what}" for what, holds in verdicts(outcome, usual).items() if not holds]
    if failed:
        sys.exit("does not hold: " + ", ".join(failed))


if __name__ == "__main__":
    main()
