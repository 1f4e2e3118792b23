"""What the exporter asks of the rest of the sensor."""

import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from sensor._core import Snapshot

FLUSH_BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histogram of flushes."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Packets lost or left out on an interface since the start; ``reason`` as in the metric's labels."""

    interface: str
    reason: str
    packets: int


@dataclass(frozen=True, slots=True)
class Spooled:
    """What waits on this machine for object storage, what was shipped since the start, and failures to."""

    segments: int
    bytes: int
    shipped: int
    failures: int


@dataclass(frozen=True, slots=True)
class StoreState:
    """The store: rows written since the start by table, and its size where it is known.

    ``spooled`` is there where it lies on object storage.
    """

    rows: Mapping[str, int]
    bytes: int | None = None
    spooled: Spooled | None = None


@dataclass(frozen=True, slots=True)
class RuleState:
    """The rules in use: whether the last reload succeeded, when one last did, and how many of each kind."""

    last_reload_successful: bool
    last_success_timestamp_s: float
    counts: Mapping[str, int]


class FlushTimes:
    """How long flushes took, as a histogram. Any thread may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = [0] * (len(FLUSH_BUCKETS_S) + 1)
        self._sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Add one flush."""
        with self._lock:
            self._counts[bisect_left(FLUSH_BUCKETS_S, seconds)] += 1
            self._sum_s += seconds

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """Cumulative counts by their upper bound, and the sum of all times."""
        with self._lock:
            counts, sum_s = list(self._counts), self._sum_s
        bounds = [*(str(bound) for bound in FLUSH_BUCKETS_S), "+Inf"]
        cumulative = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip(bounds, counts, strict=True):
            cumulative += count
            buckets.append((bound, cumulative))
        return buckets, sum_s


class MetricsSource(Protocol):
    """What is asked at every scrape, from the server's own thread."""

    def snapshot(self) -> "Snapshot":
        """What the core has counted so far."""

    def drops(self) -> Sequence[Drop]:
        """What was lost or left out so far besides what the core counts itself."""

    def store(self) -> StoreState:
        """The state of the store."""

    def rules(self) -> RuleState:
        """The state of the rules."""

    def flushes(self) -> FlushTimes:
        """How long flushes took."""
