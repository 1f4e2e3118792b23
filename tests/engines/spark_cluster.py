"""A Spark cluster on this machine: a master and workers as processes of their own, on the loopback address."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pytest

START_S = 120.0


def need_spark() -> None:
    """Skip where Spark or its Java is not installed."""
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("no Java (Debian: apt install default-jre-headless)")


@dataclass
class Cluster:
    """A context manager; ``address`` is the master's once it is entered."""

    folder: Path
    workers: int = 2
    memory: str = "2g"
    address: str = ""
    _master: subprocess.Popen[bytes] | None = None
    _workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        try:
            self._master = self._start("master", "org.apache.spark.deploy.master.Master", "--port", "0")
            self.address = self._wait_for("master", r"Starting Spark master at (spark://\S+)")
            for number in range(self.workers):
                name = f"worker-{number}"
                self._workers.append(
                    self._start(
                        name, "org.apache.spark.deploy.worker.Worker", "--cores", "1", "--memory", self.memory,
                        "--work-dir", str(self.folder / name), self.address,
                    )
                )  # fmt: skip
            for number in range(self.workers):
                self._wait_for(f"worker-{number}", r"(Successfully registered) with master")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """Of the master and the workers; executors are children of these."""
        return [process.pid for process in [*filter(None, [self._master]), *self._workers]]

    @property
    def settings(self) -> dict[str, str]:
        """What a driver beside it is told."""
        return {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.executor.memory": self.memory,
            "spark.executor.cores": "1",
        }

    def kill_worker(self, number: int) -> int:
        """End a worker and its executors at once, as a machine that fails; return how many processes died."""
        worker = psutil.Process(self._workers[number].pid)
        dying = [worker, *worker.children(recursive=True)]
        for process in dying:
            process.send_signal(signal.SIGKILL)
        self._workers[number].wait()
        return len(dying)

    def close(self) -> None:
        """End every process."""
        for process in [*self._workers, *filter(None, [self._master])]:
            try:
                started = psutil.Process(process.pid)
                for one in [*started.children(recursive=True), started]:
                    one.kill()
            except psutil.NoSuchProcess:
                pass
            process.wait()

    def _start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        from pyspark.find_spark_home import _find_spark_home

        environment = {
            **os.environ,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self.folder / f"{name}.local"),
            "SPARK_DAEMON_MEMORY": "256m",
        }
        program = Path(_find_spark_home()) / "bin" / "spark-class"
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [program, words[0], "--host", "127.0.0.1", "--webui-port", "0", *words[1:]],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def _wait_for(self, name: str, pattern: str) -> str:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            found = re.search(pattern, (self.folder / f"{name}.log").read_text(errors="replace"))
            if found:
                return found[1]
            time.sleep(0.1)
        raise AssertionError(
            f"{name} did not start:\n" + (self.folder / f"{name}.log").read_text(errors="replace")
        )
