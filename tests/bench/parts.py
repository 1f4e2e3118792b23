"""The parts of the benchmark: each measures the product against something and judges it by a budget."""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from budgets import (
    BUDGETS,
    FLOW_BYTES_MOST,
    NAMES_RATIO_MOST,
    PREFIXES_RATIO_MOST,
    ROW_BYTES_MOST,
    WORKERS_CPU_MOST,
    WORKERS_WALL_MOST,
)
from measure import Series, Usage, alternate, run
from workloads import Cache

WATCH_ALL = ("--watch", "0.0.0.0/0", "--watch", "::/0")
WATCH_FEW = ("--watch", "10.0.0.0/8")


@dataclass(frozen=True)
class Bench:
    """The product's command, and where the workloads and the peers are.

    ``python`` is the interpreter that the product runs on; the one that runs this by default.
    """

    product: list[str]
    cache: Cache
    peers: Path = Path("build/peers")
    python: str | None = None

    def replay(self, capture: Path, *options: str, discard: bool = False) -> Usage:
        """Replay a capture into a store of its own, which is removed afterwards, or into none."""
        folder = tempfile.mkdtemp(prefix="store-", dir=self.cache.folder)
        store = "none" if discard else f"{folder}/store"
        try:
            usage = run([*self.product, "replay", str(capture), "--store", store, "--json", *options])
            segments = (file for table in ("flows", "dns") for file in Path(store, table).rglob("*.parquet"))
            return replace(usage, stored_bytes=sum(file.stat().st_size for file in segments))
        finally:
            shutil.rmtree(folder)

    def counting(self) -> tuple[str, ...]:
        """Options for a replay that counts and does not name."""
        settings = self.cache.folder / "counting.toml"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text("[naming]\nenabled = false\n", encoding="utf-8")
        return ("--config", str(settings))

    def floor(self, mode: str, capture: Path) -> Usage:
        """Run the floor program; its CPU is what it says itself."""
        usage = run([str(self.cache.program("floor")), mode, str(capture)])
        return Usage(json.loads(usage.output)["cpu_s"], usage.wall_s, usage.peak_bytes, usage.output)

    def fixed(self, replay: Callable[[Path], Usage], workload: str) -> Usage:
        """What a replay costs before its packets: the median of three of ten packets."""
        runs = [replay(self.cache.baseline(workload)) for _ in range(3)]
        return Usage(
            median(one.cpu_s for one in runs), median(one.wall_s for one in runs),
            int(median(one.peak_bytes for one in runs)), runs[-1].output,
        )  # fmt: skip


@dataclass(frozen=True)
class Speed:
    """The product against the floor on one workload."""

    workload: str
    floor: str
    packets: int
    rows: int
    net_cpu_s: float
    net_spread: float
    floor_cpu_s: float
    floor_spread: float
    rounds: int
    wall_s: float
    peak_bytes: int
    bytes_per_flow: float

    @property
    def ratio(self) -> float:
        """Net CPU without what the rows may cost, in floors."""
        return (self.net_cpu_s - self.rows * BUDGETS[self.workload].row_s) / self.floor_cpu_s

    @property
    def ratio_most(self) -> float | None:
        """Most of that; None where the workload is only measured."""
        return BUDGETS[self.workload].floors

    @property
    def packets_per_cpu_s(self) -> float:
        """Packets a second of net CPU."""
        return self.packets / max(self.net_cpu_s, 1e-9)

    @property
    def met(self) -> bool:
        """Whether the budget of CPU is met, where there is one."""
        return self.ratio_most is None or self.ratio <= self.ratio_most

    def as_json(self) -> dict[str, Any]:
        """All of it, for the file of results."""
        return {
            "part": "speed",
            **asdict(self),
            "row_s": BUDGETS[self.workload].row_s,
            "packets_per_cpu_s": self.packets_per_cpu_s,
            "ratio": self.ratio,
            "ratio_most": self.ratio_most,
            "met": self.met,
        }


@dataclass(frozen=True)
class Ratio:
    """One figure and the most that it may be."""

    part: str
    what: str
    value: float
    most: float
    detail: dict[str, float]

    @property
    def met(self) -> bool:
        """Whether the budget is met."""
        return self.value <= self.most

    def as_json(self) -> dict[str, Any]:
        """All of it, for the file of results."""
        return {**asdict(self), "met": self.met}


Result = Speed | Ratio


def check_counts(replayed: dict[str, Any], packets: int) -> None:
    """Refuse to compare runs that did not see the same packets."""
    outcomes = sum(replayed[key] for key in ("matched", "unmatched", "malformed"))
    if replayed["packets"] != packets or outcomes != packets:
        raise ValueError(
            f"floor saw {packets} packets, the replay {replayed['packets']}, with {outcomes} outcomes"
        )


def speed(bench: Bench, workload: str) -> list[Result]:
    """One worker with everything on against the floor; on many flows, also the memory of a flow and of a row.

    Everything is watched and the floor counts flows; where hardly anything is watched, it only looks up.
    """
    capture = bench.cache.workload(workload)
    watch, mode = WATCH_FEW if workload == "unwatched" else WATCH_ALL, BUDGETS[workload].floor
    replay = partial(_replay_on_one_worker, bench, watch)
    fixed = bench.fixed(replay, workload)
    product, floor = alternate(partial(replay, capture), partial(bench.floor, mode, capture))
    said = json.loads(product.output)
    check_counts(said, json.loads(floor.output)["packets"])
    result = Speed(
        workload=workload,
        floor=mode,
        packets=said["packets"],
        rows=said["records"] + said["dns"],
        net_cpu_s=product.cpu_s - fixed.cpu_s,
        net_spread=product.spread,
        floor_cpu_s=floor.cpu_s,
        floor_spread=floor.spread,
        rounds=len(product.runs),
        wall_s=product.wall_s,
        peak_bytes=int(product.peak_bytes),
        bytes_per_flow=(product.peak_bytes - fixed.peak_bytes) / max(1, said["flows"]),
    )
    if workload != "small-udp":
        return [result]
    detail = {"flows": said["flows"], "peak_bytes": product.peak_bytes, "fixed_peak_bytes": fixed.peak_bytes}
    memory = Ratio("memory", "bytes a live flow, small-udp", result.bytes_per_flow, FLOW_BYTES_MOST, detail)
    stored = product.runs[-1].stored_bytes
    row_bytes = stored / max(1, result.rows)
    disk = Ratio(
        "disk", "bytes a row on disk, small-udp", row_bytes, ROW_BYTES_MOST, {"stored_bytes": stored}
    )
    return [result, memory, disk]


def _replay_on_one_worker(bench: Bench, options: tuple[str, ...], capture: Path) -> Usage:
    return bench.replay(capture, "--workers", "1", *options)


def prefixes(bench: Bench) -> list[Result]:
    """A million prefixes against three that watch the same traffic."""
    many = 1_000_000
    capture = bench.cache.workload("small-udp")
    lists = [bench.cache.prefixes(count) for count in (3, many)]
    replays = [
        partial(_replay_on_one_worker, bench, ("--blocks", str(path), *bench.counting())) for path in lists
    ]
    fixed = [bench.fixed(replay, "small-udp") for replay in replays]
    series = alternate(*(partial(replay, capture) for replay in replays))
    matched = [json.loads(one.output)["matched"] for one in series]
    if matched[0] != matched[1]:
        raise ValueError(f"the lists do not watch the same traffic: {matched} packets")
    few_s, many_s = (one.cpu_s - base.cpu_s for one, base in zip(series, fixed, strict=True))
    detail = {"net_cpu_s_3": few_s, "net_cpu_s_million": many_s, "load_cpu_s_million": fixed[1].cpu_s}
    detail |= spreads(series)
    return [
        Ratio("prefixes", "net CPU, 1,000,000 prefixes to 3", many_s / few_s, PREFIXES_RATIO_MOST, detail)
    ]


def names(bench: Bench, workload: str) -> list[Result]:
    """Naming on against naming off."""
    capture = bench.cache.workload(workload)
    options = [WATCH_ALL, (*WATCH_ALL, *bench.counting())]
    replays = [partial(_replay_on_one_worker, bench, one) for one in options]
    fixed = [bench.fixed(replay, workload) for replay in replays]
    series = alternate(*(partial(replay, capture) for replay in replays))
    on_s, off_s = (one.cpu_s - base.cpu_s for one, base in zip(series, fixed, strict=True))
    detail = {"net_cpu_s_on": on_s, "net_cpu_s_off": off_s} | spreads(series)
    what, most = f"net CPU, names on to off, {workload}", NAMES_RATIO_MOST[workload]
    return [Ratio("names", what, on_s / off_s, most, detail)]


def workers(bench: Bench) -> list[Result]:
    """Two workers against one, with a store that discards."""
    capture = bench.cache.workload("small-udp")
    series = alternate(*(partial(_replay_discarding, bench, number, capture) for number in ("1", "2")))
    one, two = series
    detail = {"wall_s_1": one.wall_s, "wall_s_2": two.wall_s, "cpu_s_1": one.cpu_s, "cpu_s_2": two.cpu_s}
    detail |= spreads(series)
    return [
        Ratio("workers", "wall time, 2 workers to 1", two.wall_s / one.wall_s, WORKERS_WALL_MOST, detail),
        Ratio("workers", "CPU, 2 workers to 1", two.cpu_s / one.cpu_s, WORKERS_CPU_MOST, detail),
    ]


def _replay_discarding(bench: Bench, number: str, capture: Path) -> Usage:
    return bench.replay(capture, "--workers", number, *WATCH_ALL, discard=True)


def spreads(series: list[Series]) -> dict[str, float]:
    """The spread of each series, by its place."""
    return {f"spread_{place}": one.spread for place, one in enumerate(series)}
