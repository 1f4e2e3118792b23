"""Calibration: how often the study's intervals hold what a scenario planted. ``make calibrate`` runs it.

Every seed is a world of its own: the scenario's parameters stay, and everything that comes of chance is drawn
anew. An interval is right where it holds the parameter, not the share that came of chance.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sensor.simulate import load_scenario, planted, simulate_store
from sensor.study import StudyOptions, study

LEAST_HELD = 87
LEAST_MEAN = 93.0
LEAST_EXACT = 95
MOST_FALSE = 11
"""All of 100 seeds."""
_DIMENSIONS = (("categories", "category"), ("applications", "application"), ("countries", "country"))


@dataclass
class Tally:
    """What came of some seeds of a scenario.

    Attributes
    ----------
    held
        For each planted number, how many intervals held it.
    values, truth
        The estimates of each number, and what was planted.
    exact
        For each planted onset, in how many seeds its day was told exactly.
    false_onsets
        Seeds with an onset that was not planted, with its series.
    """

    seeds: int = 0
    held: Counter[str] = field(default_factory=Counter)
    values: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    truth: dict[str, float] = field(default_factory=dict)
    exact: Counter[str] = field(default_factory=Counter)
    false_onsets: dict[int, list[str]] = field(default_factory=dict)

    def add(self, seed: int, found: dict[str, Any], expected: dict[str, Any]) -> None:
        """Compare one study with what was planted."""
        self.seeds += 1
        for name, interval, truth in _numbers(found, expected):
            self.truth[name] = truth
            self.held[name] += _holds(interval, truth)
            if interval and interval["value"] is not None:
                self.values[name].append(interval["value"])
        false = []
        for onset in found["onsets"]:
            words = {onset["series"], *onset["same_as"]}
            mine = [one for one in expected["onsets"] if words & set(_words(one))]
            if not mine:
                false.append(f"{onset['kind']} {onset['series']}")
            for one in mine:
                self.exact[_words(one)[0]] += one["onset_day"] == onset["onset_day"]
        for one in expected["onsets"]:
            self.exact[_words(one)[0]] += 0
        if false:
            self.false_onsets[seed] = false

    @property
    def mean(self) -> float:
        """Intervals that held their number, of 100."""
        return 100 * sum(self.held[name] for name in self.truth) / max(self.seeds * len(self.truth), 1)


def _words(onset: dict[str, Any]) -> list[str]:
    return [onset[kind] for kind in ("service", "application", "category") if onset[kind]]


def _holds(interval: dict[str, Any] | None, truth: float) -> bool:
    return bool(interval and interval["low"] is not None and interval["low"] <= truth <= interval["high"])


def _numbers(
    found: dict[str, Any], expected: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any] | None, float]]:
    """Each planted number with the study's interval for it."""
    shares = {one["service"]: one["share_flows"] for one in found["services"]}
    for one in expected["services"]:
        yield f"service {one['service']}", shares.get(one["service"]), one["share_flows"]
    for section, key in _DIMENSIONS:
        shares = {one[key]: one["share_flows"] for one in found[section]}
        for word, truth in expected[section].items():
            yield f"{key} {word}", shares.get(word), truth
    blocks = {one["block"]: one for one in found["blocks"]}
    for block, truths in expected["blocks"].items():
        for key, truth in truths.items():
            yield f"block {block}, {key}", blocks.get(block, {}).get(key), truth
    daily = found["population"]["inside_addresses_per_day"]
    yield (
        "inside addresses a day",
        {**daily, "value": daily["median"]},
        expected["population"]["addresses_per_day"],
    )
    unseen = next((one for one in found["population"]["estimates"] if one["method"] == "Chao2"), None)
    yield "inside addresses", unseen, expected["population"]["addresses"]


def run_seed(
    scenario: str, flows: int, folder: str | None, seed: int
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Simulate and study one seed; return it with what was found and what was planted."""
    world = load_scenario(scenario).model_copy(update={"flows": flows, "seed": seed})
    with tempfile.TemporaryDirectory(dir=folder, prefix="blocktap-calibrate-") as store:
        path = Path(store) / "store"
        simulate_store(world, path)
        found = study(path, StudyOptions(timezone=world.timezone, threads=1))
        shutil.rmtree(path)
    return seed, found, planted(world)


def calibrate(
    scenario: str,
    flows: int,
    seeds: Sequence[int],
    *,
    processes: int = 1,
    folder: str | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Tally:
    """Run the seeds of a scenario.

    Parameters
    ----------
    scenario
        Name of a shipped one.
    flows
        Flow records of each seed.
    seeds
        Which.
    processes
        How many at once; 1 stays in this process.
    folder
        Where the stores are made, and removed again.
    on_progress
        Called with the number of seeds that are done.
    """
    tally = Tally()
    run = partial(run_seed, scenario, flows, folder)
    if processes == 1:
        for seed in seeds:
            tally.add(*run(seed))
        return tally
    # A fork would copy the locks of threads that are not copied with them.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for number, result in enumerate(pool.map(run, seeds), 1):
            tally.add(*result)
            if on_progress is not None:
                on_progress(number)
    return tally


def markdown(model: Tally, null: Tally, flows: tuple[int, int]) -> str:
    """The table for the documentation."""
    names = sorted(model.truth, key=lambda name: (model.held[name], name))
    spread = Counter(model.held[name] for name in names)
    exact = ", ".join(f"{name}: {count}" for name, count in sorted(model.exact.items()))
    table = [
        (
            f"intervals that hold their number, mean over {len(names)} numbers",
            f"{model.mean:.1f} %",
            f"at least {LEAST_MEAN:g} %",
        ),
        ("the number held least often", f"{model.held[names[0]]} ({names[0]})", f"at least {LEAST_HELD}"),
        ("day of the planted onset exact", exact or "none", f"at least {LEAST_EXACT}"),
        ("seeds of `model-2017` with an onset that was not planted", f"{len(model.false_onsets)}", ""),
        ("seeds of `null` with any onset", f"{len(null.false_onsets)}", f"at most {MOST_FALSE}"),
    ]
    numbers = [
        (
            name,
            f"{model.truth[name]:.4g}",
            f"{sum(model.values[name]) / max(len(model.values[name]), 1):.4g}",
            f"{model.held[name]}",
        )
        for name in names
    ]
    return "\n".join(
        [
            "# Calibration",
            "",
            "How often the study's intervals hold the parameters that a scenario planted (not the shares that came of",
            "chance), and how often it finds an onset where there is one and where there is none. Made by",
            "`make calibrate`.",
            "",
            f"Run on {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores ({platform.machine()}, Python",
            f"{platform.python_version()}): {model.seeds} seeds of `model-2017` with {flows[0]:,} flow records",
            f"each, and {null.seeds} of `null` with {flows[1]:,}.",
            "",
            *_rows(("what", "found", "must be"), table),
            "",
            "How many numbers were held how often:",
            "",
            *_rows(("held in", "numbers"), [(f"{held}", f"{spread[held]}") for held in sorted(spread)]),
            "",
            "Each number, the least often held first:",
            "",
            *_rows(("number", "planted", "mean of the estimates", "held"), numbers),
            "",
        ]
    )


def _rows(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(headings)} |",
        "|---" * len(headings) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def is_met(model: Tally, null: Tally) -> bool:
    """Whether 100 seeds keep to what is demanded."""
    return (
        min(model.held[name] for name in model.truth) >= LEAST_HELD
        and model.mean >= LEAST_MEAN
        and min(model.exact.values(), default=0) >= LEAST_EXACT
        and len(null.false_onsets) <= MOST_FALSE
    )


def main() -> int:
    """Run the calibration and print its tables."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--seeds", type=int, default=100)
    words.add_argument("--first-seed", type=int, default=1)
    words.add_argument("--flows", type=int, default=200_000)
    words.add_argument("--null-flows", type=int, default=200_000)
    words.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    words.add_argument("--folder", default="/dev/shm" if Path("/dev/shm").is_dir() else None)
    words.add_argument("--markdown", type=Path, help="write the tables there too")
    asked = words.parse_args()
    # One thread of matrices each: the processes are as many as the cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)

    def run_all(scenario: str, flows: int) -> Tally:
        return calibrate(
            scenario,
            flows,
            seeds,
            processes=asked.processes,
            folder=asked.folder,
            on_progress=lambda done: print(f"{scenario}: {done} of {len(seeds)}", file=sys.stderr),
        )

    model, null = run_all("model-2017", asked.flows), run_all("null", asked.null_flows)
    text = markdown(model, null, (asked.flows, asked.null_flows))
    print(text)
    if asked.markdown:
        asked.markdown.write_text(text, encoding="utf-8")
    return 0 if is_met(model, null) else 1


if __name__ == "__main__":
    raise SystemExit(main())
