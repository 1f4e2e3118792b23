"""A real ``blocktap run`` in a network namespace, with settings, sockets and store of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sensor.daemon.ask import ask
from tests.live.namespaces import Namespace, wait_for

ROOT = Path(__file__).resolve().parents[2]
METRICS = "127.0.0.1:9477"
"""In the namespace, which is the test's own."""

STOP_S = 10
EVERYTHING = ("0.0.0.0/0", "::/0")

Table = Mapping[str, Any]


@dataclass
class Ended:
    """How a daemon ended."""

    status: int
    seconds: float
    log: list[dict[str, Any]]


@dataclass
class Daemon:
    """One that runs; `start` makes it, `running` also ends it."""

    namespace: Namespace
    folder: Path
    interfaces: tuple[str, ...]
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    program: tuple[str, ...] = ("-m", "sensor")
    top_settings: Table = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = self.folder / "store"
        self.config = self.folder / "blocktap.toml"
        self.log_path = self.folder / "log.jsonl"
        # A socket's path may have 107 bytes; a test's folder may have more.
        self._short = Path(tempfile.mkdtemp(prefix="blocktap-"))
        self.control = self._short / "control.sock"
        self._ended: Ended | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self._ended = None
        write_settings(self.config, self._whole_settings(), self.top_settings)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with self.log_path.open("ab") as log:
            self.process = self.namespace.start(
                sys.executable, *self.program, "run", "--config", self.config, *self.options,
                stdout=log, stderr=log, env=environment, cwd=self.folder,
            )  # fmt: skip
        try:
            wait_for("the sensor is ready", lambda: self.ready() or self.process.poll() is not None)
        except BaseException:
            self.close()
            raise
        if self.process.poll() is not None:
            pytest.fail(f"blocktap run ended at once:\n{self.log_path.read_text()}")

    def ready(self) -> bool:
        """Whether /-/ready says so."""
        try:
            return self.fetch("/-/ready")[0] == 200
        except OSError:
            return False

    def fetch(self, path: str) -> tuple[int, str]:
        """Status and text of a page of the metrics server."""
        with self.namespace.entered():
            try:
                with urllib.request.urlopen(f"http://{METRICS}{path}", timeout=10) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

    def metrics(self) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
        """All samples: name, then sorted labels, then value."""
        found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        for family in text_string_to_metric_families(self.fetch("/metrics")[1]):
            for sample in family.samples:
                found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
        return found

    def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of a name that have these labels."""
        wanted = set(labels.items())
        samples = self.metrics().get(name, {})
        return sum(value for found, value in samples.items() if wanted <= set(found))

    def request(self, name: str, **more: Any) -> dict[str, Any]:
        """Ask over the control socket."""
        return ask(self.control, {"request": name, **more}, timeout_s=20)

    def status(self) -> dict[str, Any]:
        """What it says of itself."""
        answer = self.request("status")
        assert answer["ok"], answer
        return answer

    def reload(self) -> dict[str, Any]:
        """Have the rules read again; the answer, good or bad."""
        return self.request("reload")

    def seen(self) -> int:
        """Packets seen so far, over all interfaces."""
        counts = self.status()["snapshot"]["interfaces"].values()
        return sum(one["packets_seen"] for one in counts)

    def wait_until_quiet(self, *, quiet_s: float = 0.6, patience_s: float = 30) -> int:
        """Wait until no more packets come; how many have been seen."""
        last, since, end = self.seen(), time.monotonic(), time.monotonic() + patience_s
        while time.monotonic() - since < quiet_s:
            assert time.monotonic() < end, "packets do not cease"
            time.sleep(0.1)
            now = self.seen()
            if now != last:
                last, since = now, time.monotonic()
        return last

    def log(self) -> list[dict[str, Any]]:
        """The lines of the log so far; what is no JSON is an event of its own."""
        return [_event(line) for line in self.log_path.read_text().splitlines()]

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log with that event."""
        return [line for line in self.log() if line.get("event") == event]

    def wait_for_event(self, event: str, count: int = 1, *, patience_s: float = 20) -> None:
        """Wait until the log has an event so many times."""
        wait_for(f"the log says {event!r}", lambda: len(self.events(event)) >= count, patience_s=patience_s)

    def stop(self, with_signal: int = signal.SIGTERM) -> Ended:
        """End it and wait: its exit status, how long it took, its log."""
        if self._ended is None:
            began = time.monotonic()
            if self.process.poll() is None:
                self.process.send_signal(with_signal)
            status = self.process.wait(STOP_S + 10)
            self._ended = Ended(status, time.monotonic() - began, self.log())
        return self._ended

    def kill(self) -> None:
        """End it as a crash does."""
        self.stop(signal.SIGKILL)

    def close(self) -> None:
        """End it whatever it does, and remove what lies outside the test's folder."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self._short, ignore_errors=True)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the store; tables are the folders of segments, as ``{flows}`` in the words."""
        return query(self.store, sql)

    def _whole_settings(self) -> dict[str, Table]:
        own: dict[str, dict[str, Any]] = {
            "capture": {"interfaces": list(self.interfaces)},
            "store": {"path": str(self.store), "sensor": "live", "min_free_bytes": 0},
            "rules": {"watch": list(EVERYTHING)},
            "process": {"control_socket": str(self.control)},
            "log": {"format": "json"},
            "metrics": {"listen": METRICS},
        }
        for table, values in self.settings.items():
            own[table] = own.get(table, {}) | values
        self.control = Path(own["process"]["control_socket"])
        return own


@contextmanager
def running(
    namespace: Namespace,
    folder: Path,
    *interfaces: str,
    settings: dict[str, dict[str, Any]] | None = None,
    options: Sequence[str] = (),
) -> Iterator[Daemon]:
    """A daemon that is ready; ended when the test has not ended it.

    Parameters
    ----------
    namespace
        Where its interfaces are.
    folder
        For its settings, log and store.
    settings
        Tables of the settings file; everything is watched unless they say otherwise.
    options
        More words for the command line, as ``--workers 2``.
    """
    daemon = Daemon(namespace, folder, interfaces, settings or {}, tuple(options))
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.close()


def write_settings(path: Path, tables: Mapping[str, Table], top: Table | None = None) -> None:
    """Write settings; text, numbers, truths and lists of them look in TOML as they do in JSON."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in (top or {}).items()]
    for table, values in tables.items():
        lines.append(f"[{table}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    path.write_text("\n".join(lines) + "\n")


def query(store: Path, sql: str) -> list[dict[str, Any]]:
    """Rows of a store; ``{flows}`` and so on in the words are its tables, times nanoseconds since 1970."""
    tables = {
        name: f"read_parquet('{store}/{name}/*/*.parquet', hive_partitioning = false)"
        for name in ("flows", "dns", "hosts", "accounting")
    }
    connection = duckdb.connect()
    try:
        answer = connection.sql(sql.format(**tables)).to_arrow_table()
        # The interpreter's own time ends at microseconds.
        columns = [
            column.cast(pa.timestamp("ns")).cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
            for column in answer.columns
        ]
        return pa.table(columns, names=answer.column_names).to_pylist()
    finally:
        connection.close()


def _event(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {"event": line}
