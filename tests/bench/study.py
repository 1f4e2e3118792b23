"""What a report costs beside one GROUP BY: ``study.py [--rows N]...`` prints one table.

The store is simulated (97 days of ``model-2017``) and kept in ``build/bench``. Base and report take turns, each
in a process of its own with two threads; medians of the rounds. The base is a program that opens the store and
runs ``GROUP BY day, block, service`` over the flows once; beside it stands the query alone, without the start
of the program.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from statistics import median

from measure import Usage, run
from workloads import ROOT

SIZES = (1_000_000, 10_000_000, 100_000_000)
RATIO_MOST = 10.0
PEAK_BYTES_MOST = 6e9
JUDGED_ROWS = 100_000_000
THREADS = 2
FOLDER = ROOT / "build" / "bench"

_SIMULATE = """
import sys
from sensor.simulate import load_scenario, simulate_store
scenario = load_scenario("model-2017").model_copy(update={"flows": int(sys.argv[2])})
simulate_store(scenario, sys.argv[1])
"""
_BASE = f"""
import resource, sys, time
from sensor.store.engine.rollup import DuckDBRollups
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
with DuckDBRollups(sys.argv[1], threads={THREADS}) as engine:
    cpu, wall = used(), time.monotonic()
    engine.rollup("SELECT day, block, service, count(*) AS flows FROM flows GROUP BY day, block, service")
    print(used() - cpu, time.monotonic() - wall)
"""
_REPORT = f"""
import json, sys
from sensor.study import StudyOptions, study
found = study(sys.argv[1], StudyOptions(timezone="Asia/Pyongyang", threads={THREADS}))
json.dumps(found)
"""
COLUMNS = "{:>12} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>9} {:>10} {:>8}"
HEADINGS = (
    "flow rows", "query CPU", "query wall", "base CPU", "base wall", "report CPU", "rep. wall", "CPU ratio",
    "wall ratio", "peak MB",
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Medians of one size."""

    rows: int
    query_cpu_s: float
    query_wall_s: float
    base_cpu_s: float
    base_wall_s: float
    report_cpu_s: float
    report_wall_s: float
    peak_bytes: float

    @property
    def line(self) -> str:
        """A line of the table."""
        seconds = (
            self.query_cpu_s, self.query_wall_s, self.base_cpu_s, self.base_wall_s, self.report_cpu_s,
            self.report_wall_s,
        )  # fmt: skip
        return COLUMNS.format(
            f"{self.rows:,}",
            *(f"{value:.2f}" for value in seconds),
            f"{self.report_cpu_s / self.base_cpu_s:.1f}",
            f"{self.report_wall_s / self.base_wall_s:.1f}",
            f"{self.peak_bytes / 1e6:.0f}",
        )

    @property
    def met(self) -> bool:
        """Whether time and memory keep to their budgets."""
        return self.report_wall_s <= RATIO_MOST * self.base_wall_s and self.peak_bytes <= PEAK_BYTES_MOST


def measure(rows: int, rounds: int) -> Cost:
    """Make the store where it is not there, and measure both sides in turn, after one round to warm up."""
    store = FOLDER / f"study-{rows}"
    if not (store / "done").exists():
        subprocess.run(["rm", "-rf", str(store)], check=True)
        store.parent.mkdir(parents=True, exist_ok=True)
        _python(_SIMULATE, str(store / "store"), str(rows))
        (store / "done").touch()
    bases, reports, queries = [], [], []
    for number in range(rounds + 1):
        base, report = (_python(program, str(store / "store")) for program in (_BASE, _REPORT))
        if number:
            bases.append(base)
            reports.append(report)
            queries.append([float(word) for word in base.output.split()[-2:]])
    return Cost(
        rows,
        median(cpu for cpu, _ in queries),
        median(wall for _, wall in queries),
        median(one.cpu_s for one in bases),
        median(one.wall_s for one in bases),
        median(one.cpu_s for one in reports),
        median(one.wall_s for one in reports),
        max(one.peak_bytes for one in reports),
    )


def _python(program: str, *words: str) -> Usage:
    return run([sys.executable, "-c", program, *words])


def main() -> int:
    """Print the table; the status says whether the largest size keeps to its budget."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument(
        "--rows", type=int, action="append", help="flow rows; by default 1, 10 and 100 million"
    )
    words.add_argument("--rounds", type=int, default=3)
    asked = words.parse_args()
    print(COLUMNS.format(*HEADINGS))
    met = True
    for rows in asked.rows or SIZES:
        cost = measure(rows, asked.rounds)
        print(cost.line, flush=True)
        if rows >= JUDGED_ROWS:
            met = met and cost.met
    print(
        f"at {JUDGED_ROWS:,} rows at most {RATIO_MOST:g} times the base, within {PEAK_BYTES_MOST / 1e9:g} GB"
    )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
