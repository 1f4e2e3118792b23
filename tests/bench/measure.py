"""Run a command, and say what it cost: CPU of the whole process, wall time, peak memory.

This file and its users stay free of numpy and other large imports: a child's peak memory starts from the
memory of the process that began it.
"""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

RUNS_LEAST = 5
RUNS_MOST = 9
SPREAD_WANTED = 0.2
PATIENCE_S = 900.0
"""No command measured takes nearly so long; one that hangs does."""


class CommandFailedError(Exception):
    """A command did not end with status 0, or not in time."""


@dataclass(frozen=True)
class Usage:
    """What one run of a command cost, and what it printed."""

    cpu_s: float
    wall_s: float
    peak_bytes: int
    output: str
    stored_bytes: int = 0
    """What its flows and DNS transactions take in its store."""


def run(command: Sequence[str], patience_s: float = PATIENCE_S) -> Usage:
    """Run a command to its end; the CPU and the peak are those of the process and all it waited for.

    One that takes longer than ``patience_s`` is killed, with all that it started.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        start = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, start_new_session=True
        )
        killer = threading.Timer(patience_s, os.killpg, (process.pid, signal.SIGKILL))
        killer.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            killer.cancel()
        wall_s = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode == -signal.SIGKILL and wall_s >= patience_s:
            raise CommandFailedError(f"{' '.join(command)}: not done after {patience_s:g} s, and killed")
        if process.returncode != 0:
            raise CommandFailedError(
                f"{' '.join(command)}: status {process.returncode}\n{errors.read()[-2_000:]}"
            )
        return Usage(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss * 1024, out.read())


def spread(values: Sequence[float]) -> float:
    """The distance of the extremes as a fraction of the median."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


@dataclass(frozen=True)
class Series:
    """The runs of one command that count."""

    runs: list[Usage]

    @property
    def cpu_s(self) -> float:
        """Median CPU seconds."""
        return median(run.cpu_s for run in self.runs)

    @property
    def wall_s(self) -> float:
        """Median wall seconds."""
        return median(run.wall_s for run in self.runs)

    @property
    def peak_bytes(self) -> float:
        """Median peak memory."""
        return median(run.peak_bytes for run in self.runs)

    @property
    def spread(self) -> float:
        """Spread of the CPU seconds."""
        return spread([run.cpu_s for run in self.runs])

    @property
    def output(self) -> str:
        """What the last run printed."""
        return self.runs[-1].output


def alternate(
    *commands: Callable[[], Usage], least: int = RUNS_LEAST, most: int = RUNS_MOST, warm_up: bool = True
) -> list[Series]:
    """Run commands in turn until the spread of each is small.

    The first round warms caches and does not count. After ``least`` rounds or more the latest of them are looked
    at; when the CPU of each command spread by less than a fifth there, they are the result. After ``most`` rounds
    all are, whatever their spread, which is reported beside every number.
    """
    for command in commands if warm_up else ():
        command()
    rounds: list[list[Usage]] = []
    while len(rounds) < most:
        rounds.append([command() for command in commands])
        latest = [Series(list(runs)) for runs in zip(*rounds[-least:], strict=True)]
        if len(rounds) >= least and all(series.spread < SPREAD_WANTED for series in latest):
            return latest
    return [Series(list(runs)) for runs in zip(*rounds, strict=True)]
