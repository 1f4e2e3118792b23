"""The benchmark: ``run.py [--only PART]...`` measures the product and prints its tables.

CPU is that of the whole process, user and system, less that of the same command on ten packets. The floor is
``floor.c``. Commands alternate, after a warm-up; medians, with their spread.
"""

import argparse
import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from budgets import BUDGETS, NAMES_RATIO_MOST
from measure import CommandFailedError
from parts import Bench, Ratio, Result, names, prefixes, speed, workers
from peers import PeerFailure, PeerRatio, missing_peers, peers
from report import tables
from start import start
from workloads import ROOT, Cache

PARTS: dict[str, Callable[[Bench], Sequence[Result | Ratio | PeerRatio | PeerFailure]]] = {
    **{workload: partial(speed, workload=workload) for workload in BUDGETS},
    **{f"names-{workload}": partial(names, workload=workload) for workload in NAMES_RATIO_MOST},
    "prefixes": prefixes,
    "workers": workers,
    "start": start,
    "peers": peers,
}


def processor() -> str:
    """What the machine calls its processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def main() -> int:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(
        description="Measure speed and memory against a floor in plain C, and peers."
    )
    parser.add_argument("--only", action="append", choices=PARTS, help="a part; may be given again")
    parser.add_argument(
        "--cache", type=Path, default=ROOT / "build" / "bench", help="where workloads are kept"
    )
    parser.add_argument(
        "--peers", type=Path, default=ROOT / "build" / "peers", help="where peers are installed"
    )
    parser.add_argument(
        "--product", default=str(ROOT / ".venv" / "bin" / "blocktap"), help="the command measured"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="shrinks the workloads, for a trial")
    parser.add_argument("--strict", action="store_true", help="exit status 1 where a budget is not met")
    words = parser.parse_args()
    bench = Bench(shlex.split(words.product), Cache(words.cache, words.scale), words.peers)
    results: list[Result | Ratio | PeerRatio | PeerFailure] = []
    for name in words.only or PARTS:
        print(f"measuring {name}", file=sys.stderr)
        try:
            results += PARTS[name](bench)
        except (CommandFailedError, ValueError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.platform(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "scale": words.scale,
        "missing_peers": missing_peers(words.peers) if not words.only or "peers" in words.only else [],
        "results": [result.as_json() for result in results],
    }
    print(tables(figures))
    written = words.cache / "results.json"
    written.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"\nalso in {written}")
    return int(words.strict and not all(result.met for result in results))


if __name__ == "__main__":
    sys.exit(main())
