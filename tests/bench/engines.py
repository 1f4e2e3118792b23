"""One report by DuckDB, Spark and ClickHouse: ``engines.py [--rows N | --store DIR] [ENGINE...]`` prints one table.

The same files on the same two cores: DuckDB and ClickHouse with two threads inside the process, Spark on a cluster
of a master and two workers of one core each, which are processes of their own and whose memory and time count. The
report of each engine is held to the first one's, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench"
ENGINES = ("duckdb", "clickhouse", "spark")
WORKER_MEMORY = "4g"
SETTINGS = {
    "duckdb": {},
    "clickhouse": {"max_threads": "2", "max_bytes_before_external_group_by": "2000000000"},
    "spark": {"spark.driver.memory": "3g", "spark.executor.memory": "3g"},
}
_SIMULATE = """
import sys
from sensor.simulate import load_scenario, simulate_store
scenario = load_scenario("model-2017").model_copy(update={"flows": int(sys.argv[2])})
simulate_store(scenario, sys.argv[1])
"""
_REPORT = """
import json, sys
from sensor.study import StudyOptions, study
words = json.loads(sys.argv[2])
found = study(sys.argv[1], StudyOptions(timezone="Asia/Pyongyang", threads=2, **words))
print(json.dumps(found))
"""
_COLUMNS = "{:<11} {:>12} {:>9} {:>9} {:>11} {:>9}  {}"
_STEP_S = 0.2


@dataclass(frozen=True)
class Cost:
    """What one report cost, with every process that worked for it."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    digest: str


class Sampler(threading.Thread):
    """Watches trees of processes: the CPU of each that ever was, and the peak of their memory together."""

    def __init__(self, roots: list[int]) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._roots = roots
        self._cpu_s: dict[int, float] = {}
        self._ended = threading.Event()

    @property
    def cpu_s(self) -> float:
        return sum(self._cpu_s.values())

    def run(self) -> None:
        while not self._ended.wait(_STEP_S):
            self._look()

    def end(self) -> None:
        self._look()
        self._ended.set()
        self.join()

    def _look(self) -> None:
        used = 0
        for root in self._roots:
            try:
                for process in (psutil.Process(root), *psutil.Process(root).children(recursive=True)):
                    times = process.cpu_times()
                    self._cpu_s[process.pid] = times.user + times.system
                    used += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        self.peak_bytes = max(self.peak_bytes, used)


def report(engine: str, store: Path) -> Cost:
    """Run a report to its end."""
    with ExitStack() as stack:
        words: dict[str, object] = {"engine": engine, "engine_settings": SETTINGS[engine]}
        roots = []
        if engine == "spark":
            sys.path.insert(0, str(ROOT))
            from tests.engines.spark_cluster import Cluster

            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=FOLDER)))
            cluster = stack.enter_context(Cluster(folder, memory=WORKER_MEMORY))
            words |= {
                "engine_address": cluster.address,
                "engine_settings": {**cluster.settings, **SETTINGS["spark"]},
            }
            roots = cluster.pids
        output = stack.enter_context(tempfile.TemporaryFile())
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-c", _REPORT, str(store), json.dumps(words)],
            stdin=subprocess.DEVNULL, stdout=output, cwd=ROOT,
        )  # fmt: skip
        sampler = Sampler([process.pid, *roots])
        sampler.start()
        # Its times are lost when it is waited for: the last look at them comes first.
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(_STEP_S)
        wall_s = time.monotonic() - start
        sampler.end()
        if process.wait():
            raise SystemExit(f"{engine} gave no report")
        output.seek(0)
        return Cost(wall_s, sampler.cpu_s, sampler.peak_bytes, hashlib.sha256(output.read()).hexdigest())


def make_store(rows: int) -> Path:
    """The store of `study.py`; made where it is not there."""
    folder = FOLDER / f"study-{rows}"
    if not (folder / "done").exists():
        subprocess.run(["rm", "-rf", str(folder)], check=True)
        folder.mkdir(parents=True)
        subprocess.run([sys.executable, "-c", _SIMULATE, folder / "store", str(rows)], check=True, cwd=ROOT)
        (folder / "done").touch()
    return folder / "store"


def main() -> int:
    """Print the table; the status says whether every engine gave the same report."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--rows", type=int, default=100_000_000, help="flow rows of a simulated store")
    words.add_argument("--store", type=Path, help="a store that is there, with so many rows")
    words.add_argument("engines", nargs="*", default=ENGINES, metavar="ENGINE")
    asked = words.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    store = asked.store.absolute() if asked.store else make_store(asked.rows)
    print(_COLUMNS.format("engine", "flow rows", "wall s", "CPU s", "CPU us/row", "peak MB", "report"))
    first = ""
    same = True
    for engine in asked.engines:
        cost = report(engine, store)
        first = first or cost.digest
        same = same and cost.digest == first
        print(
            _COLUMNS.format(
                engine, f"{asked.rows:,}", f"{cost.wall_s:.1f}", f"{cost.cpu_s:.1f}",
                f"{cost.cpu_s / asked.rows * 1e6:.2f}", f"{cost.peak_bytes / 1e6:.0f}", cost.digest[:16],
            ),
            flush=True,
        )  # fmt: skip
    print("the reports are the same" if same else "the reports differ")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
