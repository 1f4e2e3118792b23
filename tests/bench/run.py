"""The benchmark: ``run.py [--only PART]...`` measures the product and prints one table.

CPU is that of the whole process, user and system, less that of the same command on ten packets. The floor is
``floor.c``. Commands alternate, after a warm-up; medians, with their spread.
"""

import argparse
import json
import platform
import shlex
import sys
from pathlib import Path

from measure import CommandFailedError
from parts import FLOOR_RATIO_MOST, PARTS, Bench, Ratio, Result, Speed
from workloads import ROOT, Cache

COLUMNS = "{:<10} {:>10} {:>9} {:>9} {:>7} {:>10} {:>7} {:>6} {:>7} {:>6} {:>9} {:>7}"
HEADINGS = (
    "workload", "packets", "rows", "net CPU s", "spread", "floor, s", "spread", "ratio", "at most", "met",
    "peak MB", "B/flow",
)  # fmt: skip


def speed_line(result: Speed) -> str:
    """A line of the table."""
    figures = [
        result.workload,
        result.packets,
        result.rows,
        f"{result.net_cpu_s:.2f}",
        f"{result.net_spread:.0%}",
        f"{result.floor} {result.floor_cpu_s:.2f}",
        f"{result.floor_spread:.0%}",
        f"{result.ratio:.2f}",
        f"{FLOOR_RATIO_MOST:.2f}" if result.judged else "-",
        yes_no(result.met) if result.judged else "-",
        f"{result.peak_bytes / 1e6:.0f}",
        f"{result.bytes_per_flow:.0f}",
    ]
    return COLUMNS.format(*figures)


def ratio_line(result: Ratio) -> str:
    """A line below the table."""
    return f"{result.what:<40} {result.value:>8.2f}   at most {result.most:<6g} {yes_no(result.met)}"


def yes_no(met: bool) -> str:
    """Whether a budget is met, in a word."""
    return "yes" if met else "NO"


def table(results: list[Result]) -> str:
    """The figures for a reader."""
    speeds = [speed_line(result) for result in results if isinstance(result, Speed)]
    ratios = [ratio_line(result) for result in results if isinstance(result, Ratio)]
    note = "ratio = (net CPU - 1 microsecond a row) / CPU of the floor"
    return "\n".join([COLUMNS.format(*HEADINGS), *speeds, note, "", *ratios])


def main() -> int:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description="Measure speed and memory against a floor in plain C.")
    parser.add_argument("--only", action="append", choices=PARTS, help="a part; may be given again")
    parser.add_argument(
        "--cache", type=Path, default=ROOT / "build" / "bench", help="where workloads are kept"
    )
    parser.add_argument(
        "--product", default=str(ROOT / ".venv" / "bin" / "blocktap"), help="the command measured"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="shrinks the workloads, for a trial")
    parser.add_argument("--strict", action="store_true", help="exit status 1 where a budget is not met")
    words = parser.parse_args()
    bench = Bench(shlex.split(words.product), Cache(words.cache, words.scale))
    results: list[Result] = []
    for name in words.only or PARTS:
        print(f"measuring {name}", file=sys.stderr)
        try:
            results += PARTS[name](bench)
        except (CommandFailedError, ValueError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    print(table(results))
    written = words.cache / "results.json"
    figures = {
        "machine": platform.platform(),
        "scale": words.scale,
        "results": [r.as_json() for r in results],
    }
    written.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"also in {written}")
    return int(words.strict and not all(result.met for result in results))


if __name__ == "__main__":
    sys.exit(main())
