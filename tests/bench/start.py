"""The part that measures the start: help, and a replay of ten packets, beside the imports that they need."""

import sys
from functools import partial

from budgets import HELP_RATIO_MOST, REPLAY_RATIO_MOST
from measure import Usage, alternate, run
from parts import WATCH_ALL, Bench, Ratio, spreads

ROUNDS = 15


def start(bench: Bench) -> list[Ratio]:
    """CPU and wall time of both, as multiples of a Python that imports and ends."""
    ten_packets = bench.cache.baseline("mix")
    return [
        *_ratios("--help", bench, partial(run, [*bench.product, "--help"]), "typer, rich", HELP_RATIO_MOST),
        *_ratios(
            "a replay of 10 packets", bench, partial(bench.replay, ten_packets, *WATCH_ALL),
            "typer, rich, pyarrow.parquet", REPLAY_RATIO_MOST,
        ),
    ]  # fmt: skip


def _ratios(what: str, bench: Bench, product: "partial[Usage]", modules: str, most: float) -> list[Ratio]:
    imports = partial(run, [bench.python or sys.executable, "-c", f"import {modules}"])
    ours, floor = alternate(product, imports, least=ROUNDS, most=ROUNDS)
    detail = {
        "cpu_s": ours.cpu_s,
        "wall_s": ours.wall_s,
        "imports_cpu_s": floor.cpu_s,
        "imports_wall_s": floor.wall_s,
    }
    detail |= spreads([ours, floor])
    return [
        Ratio("start", f"CPU, {what} to imports", ours.cpu_s / floor.cpu_s, most, detail),
        Ratio("start", f"wall time, {what} to imports", ours.wall_s / floor.wall_s, most, detail),
    ]
