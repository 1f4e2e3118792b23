"""The figures for a reader: ``report.py RESULTS.json [PAGE.md]`` prints tables, and writes the page."""

import json
import sys
from pathlib import Path
from typing import Any

Row = list[str]
SPEED_HEADINGS = [
    "workload", "packets", "rows", "net CPU, s", "packets a CPU second", "floor, s", "floors", "at most", "met",
    "peak MB",
]  # fmt: skip
PEER_HEADINGS = [
    "workload",
    "peer",
    "CPU, s",
    "sensor, s",
    "times the sensor's CPU",
    "at least",
    "met",
    "peak MB, sensor MB",
]
RATIO_HEADINGS = ["what", "figure", "at most", "met"]


def _met(result: dict[str, Any], limit: object) -> str:
    return "-" if limit is None else "yes" if result["met"] else "NO"


def _limit(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def speed_rows(results: list[dict[str, Any]]) -> list[Row]:
    """A row a workload."""
    return [
        [
            one["workload"],
            f"{one['packets']:,}",
            f"{one['rows']:,}",
            f"{one['net_cpu_s']:.2f} ± {one['net_spread'] / 2:.0%}",
            f"{one['packets_per_cpu_s']:,.0f}",
            f"{one['floor']} {one['floor_cpu_s']:.2f} ± {one['floor_spread'] / 2:.0%}",
            f"{one['ratio']:.2f}",
            _limit(one["ratio_most"]) + (f" + {one['row_s'] * 1e6:g} µs a row" if one["row_s"] else ""),
            _met(one, one["ratio_most"]),
            f"{one['peak_bytes'] / 1e6:.0f}",
        ]
        for one in results
        if one["part"] == "speed"
    ]


def _runs(peer: dict[str, Any]) -> str:
    if peer["rounds"] > 1:
        return f"± {peer['spread'] / 2:.0%}"
    part: float = peer["part_of_workload"]
    return "(one run)" if part == 1 else f"(one run of {part:g} of the packets)"


def _peer_peak(peer: dict[str, Any]) -> str:
    return f"{peer['peak_bytes'] / 1e6:.0f}" if peer["part_of_workload"] == 1 else "-"


def peer_rows(results: list[dict[str, Any]]) -> list[Row]:
    """A row a workload and peer."""
    return [
        [
            one["workload"],
            one["peer"],
            f"{one['cpu_s']:.2f} {_runs(one)}",
            f"{one['product_cpu_s']:.2f} ± {one['product_spread'] / 2:.0%}",
            f"{one['value']:.1f}",
            _limit(one["least"]),
            _met(one, one["least"]),
            f"{_peer_peak(one)}, {one['product_peak_bytes'] / 1e6:.0f}",
        ]
        for one in results
        if one["part"] == "peer"
    ]


def ratio_rows(results: list[dict[str, Any]]) -> list[Row]:
    """A row a figure with a limit."""
    return [
        [one["what"], f"{one['value']:.2f}", f"{one['most']:g}", _met(one, one["most"])]
        for one in results
        if one["part"] not in {"speed", "peer", "peer failed"}
    ]


def table(headings: list[str], rows: list[Row]) -> str:
    """Markdown that is also to be read on a terminal."""
    widths = [max(len(row[column]) for row in [headings, *rows]) for column in range(len(headings))]
    lines = [headings, ["-" * width for width in widths], *rows]
    padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def tables(figures: dict[str, Any]) -> str:
    """Every table that has a row, and who is not in it."""
    kinds = [(SPEED_HEADINGS, speed_rows), (RATIO_HEADINGS, ratio_rows), (PEER_HEADINGS, peer_rows)]
    made = [(headings, rows_of(figures["results"])) for headings, rows_of in kinds]
    parts = [table(headings, rows) for headings, rows in made if rows]
    if figures["missing_peers"]:
        parts.append(f"Not compared, because not installed: {', '.join(figures['missing_peers'])}.")
    failed = [one for one in figures["results"] if one["part"] == "peer failed"]
    parts += [f"Not compared: {one['peer']} on {one['workload']}: {one['why']}." for one in failed]
    return "\n\n".join(parts)


def page(figures: dict[str, Any]) -> str:
    """The page for the documentation."""
    machine = f"{figures['machine']}, {figures['processor']}, {figures['cores']} cores"
    small = (
        "" if figures["scale"] == 1 else f" The workloads were made {figures['scale']:g} times their size."
    )
    return f"""# Performance

This page is written by `make bench`, on {figures["date"]}, {machine}.{small}

One worker and everything on (names, DNS, countries, Parquet) unless a line says otherwise. *Net CPU* is the user and
system time of the whole process, less that of the same command on ten packets; the floor is a program in plain C that
does the least a flow counter can do; *floors* is net CPU, less what the rows may cost, in CPU of the floor. Commands
take turns after a warm-up; figures are medians of five runs or more with half the distance of the extremes beside
them. Peers are whole processes with whole processes. Those that take long ran once; the slowest on a workload of the
same kind with a part of the packets and flows, and what that took is scaled by the packets. How, and with what
options: [tests/bench](../tests/bench/README.md).

{tables(figures)}
"""


def main() -> None:
    """Print the tables, and write the page where one is named."""
    figures = json.loads(Path(sys.argv[1]).read_text())
    print(tables(figures))
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(page(figures))


if __name__ == "__main__":
    main()
