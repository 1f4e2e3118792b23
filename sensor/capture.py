"""Start the core, move its batches into the store, stop it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from sensor import _core
from sensor.config import Config
from sensor.errors import CaptureError
from sensor.rules.model import Plan
from sensor.rules.names import NameRules, load_names

if TYPE_CHECKING:
    import pyarrow as pa

    from sensor.rules.country import CountryDatabase

__all__ = ["InputResult", "Progress", "ReplayResult", "Replaying", "RowSink", "trace"]

POLL_S = 0.2
NANOSECONDS = 1_000_000_000


class RowSink(Protocol):
    """What takes rows: a store's writer, or something that counts them."""

    def write(self, table: str, batch: "pa.RecordBatch") -> None:
        """Take rows of a table."""


@dataclass(frozen=True)
class Progress:
    """How far a replay is. ``bytes_total`` is None where the length of the input is not known."""

    packets: int
    bytes: int
    bytes_read: int
    bytes_total: int | None


@dataclass(frozen=True)
class InputResult:
    """What was read of one input: whole packets, and why reading stopped if not at its end."""

    path: str
    format: str
    packets: int
    warning: str | None
    error: str | None


@dataclass(frozen=True)
class ReplayResult:
    """What a replay came to; bytes are those on the wire."""

    packets: int
    bytes: int
    matched: int
    unmatched: int
    malformed: int
    truncated: int
    duplicates: int
    flows: int
    evicted: int
    named: int
    names_evicted: int
    rows: dict[str, int]
    seconds: float
    stopped: bool
    inputs: tuple[InputResult, ...]


@dataclass
class Replaying:
    """A replay under way: made, it has opened every input; `run` moves its rows until the input ends.

    Parameters
    ----------
    paths
        Captures, ``-`` for standard input; merged by timestamp.
    plan
        What is watched.
    config
        Timeouts, limits, tunnels, the sensor's name.
    workers
        Threads that decode and count.
    names
        What services and protocols are called; the shipped rules by default.

    Raises
    ------
    CaptureError
        An input is missing, a folder, or no capture.
    """

    paths: list[str]
    plan: Plan
    config: Config = field(default_factory=Config)
    workers: int = 1
    names: NameRules = field(default_factory=load_names)

    def __post_init__(self) -> None:
        database = self.config.country.database
        self._countries = _country_database(database) if database else None
        self._began = time.monotonic()
        self._stopped = False
        try:
            self._core = _core.Replay(
                self.paths, _rules(self.plan), _names(self.names), _options(self.config, self.workers)
            )
        except _core.InputError as error:
            raise CaptureError(str(error)) from None

    def stop(self) -> None:
        """End the input early; what was read is still counted and written."""
        self._stopped = True
        self._core.stop()

    def batches(
        self, on_progress: Callable[[Progress], None] | None = None
    ) -> Iterator[tuple[str, "pa.RecordBatch"]]:
        """Rows with their table as they come; ``on_progress`` is called a few times a second."""
        import pyarrow as pa

        for table, batch in self._core_batches(on_progress):
            yield table, self._complete(table, pa.record_batch(batch))

    def _core_batches(
        self, on_progress: Callable[[Progress], None] | None = None
    ) -> Iterator[tuple[str, _core.Batch]]:
        while True:
            try:
                rows = self._core.next(POLL_S)
            except StopIteration:
                return
            if on_progress is not None:
                on_progress(Progress(*self._core.progress()))
            if rows is not None:
                yield rows

    def run(
        self, sink: RowSink | None, on_progress: Callable[[Progress], None] | None = None
    ) -> ReplayResult:
        """Move every row into ``sink`` (None discards them) and say what it came to."""
        rows = {"flows": 0, "dns": 0, "hosts": 0, "accounting": 0}
        for table, batch in self._core_batches(on_progress):
            rows[table] += len(batch)
            if sink is not None:
                # Only rows that somebody wants are worth the import.
                import pyarrow as pa

                sink.write(table, self._complete(table, pa.record_batch(batch)))
        return self._result(rows)

    def _complete(self, table: str, batch: "pa.RecordBatch") -> "pa.RecordBatch":
        """Fill in what the core leaves to a geographic database."""
        if self._countries is None or table != "flows":
            return batch
        return self._countries.fill_in(batch)

    def _result(self, rows: dict[str, int]) -> ReplayResult:
        result = self._core.result()
        inputs = tuple(InputResult(**one) for one in result.pop("inputs"))
        seconds = time.monotonic() - self._began
        return ReplayResult(**result, rows=rows, seconds=seconds, stopped=self._stopped, inputs=inputs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop the core where an exception left it running, and wait for its threads.

        Who interrupts does not wait: the input may be a pipe through which nothing comes.
        """
        self._core.stop()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            return
        for _rows in self._core_batches():
            pass


def trace(
    paths: list[str],
    plan: Plan,
    config: Config,
    names: NameRules,
    wanted: "_core.Wanted",
) -> "_core.Traced":
    """Tell packet by packet what the stages saw of some flows, as a replay with one worker sees them.

    Raises
    ------
    CaptureError
        An input is missing, a folder, or no capture.
    """
    try:
        return _core.trace(paths, _rules(plan), _names(names), _options(config, 1), wanted)
    except _core.InputError as error:
        raise CaptureError(str(error)) from None


def _rules(plan: Plan) -> _core.Rules:
    return _core.Rules(
        [block.name for block in plan.blocks],
        plan.addresses,
        plan.lengths,
        plan.block_indices,
        plan.valid_from_ns,
        plan.valid_until_ns,
    )


def _names(names: NameRules) -> _core.Names:
    return _core.Names(
        [(one.service, one.organisation, one.category) for one in names.catalogue.services],
        list(names.catalogue.suffixes),
        names.resolvers,
        names.application_categories,
    )


def _options(config: Config, workers: int) -> dict[str, object]:
    flow = config.flow
    return {
        "sensor": config.store.sensor,
        "workers": workers,
        "tunnels": list(config.decode.tunnels),
        "idle_ns": int(flow.idle_timeout_s * NANOSECONDS),
        "active_ns": int(flow.active_timeout_s * NANOSECONDS),
        "close_ns": int(flow.close_timeout_s * NANOSECONDS),
        "max_flows": flow.max_flows,
        "duplicate_ns": config.duplicates.window_ms * 1_000_000,
        "drop_duplicates": config.duplicates.action == "drop",
        "naming": config.naming.enabled,
        "join_slack_ns": int(config.naming.answer_slack_s * NANOSECONDS),
        "countries": config.country.enabled and config.country.database is None,
    }


def _country_database(path: Path) -> "CountryDatabase":
    # Few have one, and it brings all of pyarrow.
    from sensor.rules.country import CountryDatabase

    return CountryDatabase(path)
