"""Start the core, move its batches into the store, stop it."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, Self

from sensor import _core
from sensor.errors import CaptureError
from sensor.memory import live_shares, replay_shares
from sensor.rules.model import Plan
from sensor.rules.names import NameRules, load_names

if TYPE_CHECKING:
    import pyarrow as pa

    from sensor.config import Config
    from sensor.rules.country import CountryDatabase

__all__ = [
    "Capturing",
    "InputResult",
    "InterfaceEvent",
    "Progress",
    "ReplayResult",
    "Replaying",
    "RingSettings",
    "RowSink",
    "trace",
]

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
    fragments_evicted: int
    hosts_evicted: int
    rows: dict[str, int]
    seconds: float
    stopped: bool
    inputs: tuple[InputResult, ...]


def _default_config() -> "Config":
    # Who has settings brings them; to build the checks of a file takes a while.
    from sensor.config import Config

    return Config()


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
    max_ratio
        How many times its size a packed input may unpack to, 1,000 by default; there its reading ends with an error.

    Raises
    ------
    CaptureError
        An input is missing, a folder, or no capture.
    """

    paths: list[str]
    plan: Plan
    config: "Config" = field(default_factory=_default_config)
    workers: int = 1
    names: NameRules = field(default_factory=load_names)
    max_ratio: int | None = None

    def __post_init__(self) -> None:
        database = self.config.country.database
        self._countries = _country_database(database) if database else None
        self._began = time.monotonic()
        self._stopped = False
        shares = replay_shares(self.config.memory_max, self.workers)
        options = _options(self.config, self.workers, shares.core)
        try:
            self._core = _core.Replay(
                self.paths, _rules(self.plan), _names(self.names), options, self.max_ratio
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
            yield table, _completed(self._countries, table, pa.record_batch(batch))

    def _core_batches(
        self, on_progress: Callable[[Progress], None] | None = None
    ) -> Iterator[tuple[str, _core.Batch]]:
        def tell() -> None:
            if on_progress is not None:
                on_progress(Progress(*self._core.progress()))

        return _rows_of(self._core, tell)

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

                sink.write(table, _completed(self._countries, table, pa.record_batch(batch)))
        return self._result(rows)

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


@dataclass(frozen=True)
class RingSettings:
    """What to capture and how.

    ``memory_bytes`` is for all rings together. ``retire_ms`` is how long the kernel keeps packets back to hand
    over many at once. ``filter_descriptor`` is a loaded socket filter program; the capture keeps one of its own.
    With ``rollover`` a full ring passes packets to another, and flows may lose their order.
    """

    interfaces: tuple[str, ...]
    rings_per_interface: int = 1
    memory_bytes: int = 1 << 28
    fanout: Literal["hash", "cpu", "queue"] = "hash"
    rollover: bool = False
    promiscuous: bool = True
    ignore_outgoing: bool = False
    snap_bytes: int = 0xFFFF_FFFF
    retire_ms: int = 50
    filter_descriptor: int | None = None
    timestamps: Literal["kernel", "adapter"] = "kernel"


@dataclass(frozen=True)
class InterfaceEvent:
    """Something that happened to an interface; ``reason`` says why it was ``not_reopened``."""

    interface: str
    what: Literal["down", "reopened", "not_reopened"]
    reason: str | None


@dataclass
class Capturing:
    """A live capture under way: made, it captures; `run` moves its rows until it is stopped.

    Parameters
    ----------
    rings
        The interfaces, and how packets are taken from them.
    plan
        What is watched.
    config
        Timeouts, limits, tunnels, the sensor's name.
    workers
        Threads that decode and count.
    names
        What services and protocols are called; the shipped rules by default.
    flush_interval_s
        Rows are handed on at least so often.
    queue_rows
        Rows that may wait for a slow store; the oldest are given up, and counted, beyond.

    Raises
    ------
    CaptureError
        An interface is missing or cannot be captured from, or there is no permission.
    """

    rings: RingSettings
    plan: Plan
    config: "Config" = field(default_factory=_default_config)
    workers: int = 1
    names: NameRules = field(default_factory=load_names)
    flush_interval_s: float = 1
    queue_rows: int = 2_000_000

    def __post_init__(self) -> None:
        database = self.config.country.database
        self._countries = _country_database(database) if database else None
        shares = live_shares(self.config.memory_max, self.rings.memory_bytes, self.workers)
        options = _options(self.config, self.workers, shares.core) | {
            "flush_ns": int(self.flush_interval_s * NANOSECONDS),
            "queue_rows": self.queue_rows,
            "queue_bytes": shares.queue,
            "top_flows": self.config.metrics.top_flows,
        }
        ring_options = dataclasses.asdict(self.rings) | {"interfaces": list(self.rings.interfaces)}
        try:
            self._core = _core.Live(_rules(self.plan), _names(self.names), options, ring_options)
        except (_core.InterfaceError, OSError) as error:
            raise CaptureError(str(error)) from None

    def stop(self) -> None:
        """End the capture; what was captured is still counted and comes out of `batches`."""
        self._core.stop()

    def swap(self, plan: Plan, names: NameRules) -> None:
        """Put other rules into force with the next packets. None is lost by it.

        Flows whose block keeps its name go on; others are cut.
        """
        self._core.swap(_rules(plan), _names(names))
        self.plan, self.names = plan, names

    def account(
        self,
        interface: str,
        *,
        prefiltered_packets: int = 0,
        prefiltered_bytes: int = 0,
        dropped_interface: int = 0,
    ) -> bool:
        """Add what the core cannot know to the accounting of now; False once the capture is over."""
        return self._core.account(interface, prefiltered_packets, prefiltered_bytes, dropped_interface)

    def snapshot(self) -> "_core.Snapshot":
        """Everything counted so far, over all workers; takes some milliseconds."""
        return self._core.snapshot()

    def reopen(self, interface: str) -> None:
        """Capture again from an interface that went away and has come back."""
        self._core.reopen(interface)

    def events(self) -> list[InterfaceEvent]:
        """What happened to interfaces since this was last asked."""
        return [InterfaceEvent(*event) for event in self._core.events()]

    def batches(self, on_pause: Callable[[], None] | None = None) -> Iterator[tuple[str, "pa.RecordBatch"]]:
        """Rows with their table as they come; ``on_pause`` is called a few times a second, rows or none."""
        import pyarrow as pa

        for table, batch in _rows_of(self._core, on_pause):
            yield table, _completed(self._countries, table, pa.record_batch(batch))

    def run(self, sink: RowSink, on_pause: Callable[[], None] | None = None) -> dict[str, int]:
        """Move every row into ``sink`` until the capture ends; give its counts by their names.

        Raises
        ------
        CaptureError
            A worker failed: a bug.
        """
        for table, batch in self.batches(on_pause):
            sink.write(table, batch)
        return self.result()

    def result(self) -> dict[str, int]:
        """Counts over everything, once `batches` has ended; may be called once.

        Raises
        ------
        CaptureError
            A worker failed: a bug.
        """
        try:
            counts = self._core.result()
        except RuntimeError as error:
            raise CaptureError(str(error)) from None
        del counts["inputs"]
        return counts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the core where an exception left it running, and wait for its threads."""
        self._core.stop()
        for _rows in self.batches():
            pass


def trace(
    paths: list[str],
    plan: Plan,
    config: "Config",
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
        options = _options(config, 1, replay_shares(config.memory_max).core)
        return _core.trace(paths, _rules(plan), _names(names), options, wanted)
    except _core.InputError as error:
        raise CaptureError(str(error)) from None


def _rows_of(
    core: "_core.Replay | _core.Live", on_pause: Callable[[], None] | None
) -> Iterator[tuple[str, _core.Batch]]:
    """Rows with their table until there are no more; ``on_pause`` is called a few times a second."""
    while True:
        try:
            rows = core.next(POLL_S)
        except StopIteration:
            return
        if on_pause is not None:
            on_pause()
        if rows is not None:
            yield rows


def _completed(countries: "CountryDatabase | None", table: str, batch: "pa.RecordBatch") -> "pa.RecordBatch":
    """Fill in what the core leaves to a geographic database."""
    if countries is None or table != "flows":
        return batch
    return countries.fill_in(batch)


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


def _options(config: "Config", workers: int, memory_bytes: int) -> dict[str, object]:
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
        "hosts": config.hosts.enabled,
        "memory_bytes": memory_bytes,
    }


def _country_database(path: Path) -> "CountryDatabase":
    # Few have one, and it brings all of pyarrow.
    from sensor.rules.country import CountryDatabase

    return CountryDatabase(path)
