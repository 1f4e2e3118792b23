"""What a running sensor tells of itself: to Prometheus, and to whoever asks over the control socket."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sensor.metrics import Drop, FlushTimes, RuleState, StoreState

if TYPE_CHECKING:
    from sensor._core import Snapshot
    from sensor.capture import Capturing
    from sensor.daemon.links import Links
    from sensor.daemon.mover import Mover, StoreLog
    from sensor.daemon.rulebook import RuleBook

__all__ = ["Telling"]


class Telling:
    """The source of the metrics, and of the answers to ``status``."""

    def __init__(
        self, capturing: Capturing, rulebook: RuleBook, mover: Mover, store_log: StoreLog, links: Links
    ) -> None:
        self._capturing = capturing
        self._rulebook = rulebook
        self._mover = mover
        self._store_log = store_log
        self._links = links
        self._began_at = time.time()
        self.begun = False
        """Whether the start is over."""

    def not_ready(self) -> str | None:
        """Why the sensor is not ready, or None."""
        if not self.begun:
            return "it starts"
        if not self._mover.alive:
            return "rows are no longer taken"
        return None

    def snapshot(self) -> Snapshot:
        """What the core has counted so far."""
        return self._capturing.snapshot()

    def drops(self) -> Sequence[Drop]:
        """Nothing besides what the core has counted: all losses are accounted there."""
        return ()

    def store(self) -> StoreState:
        """The state of the store."""
        return self._mover.state()

    def rules(self) -> RuleState:
        """The state of the rules."""
        return self._rulebook.state()

    def flushes(self) -> FlushTimes:
        """How long flushes took."""
        return self._store_log.flushes

    def status(self) -> dict[str, Any]:
        """Everything a live view shows; counters go on from the start of the sensor."""
        rules, store = self._rulebook.state(), self._mover.state()
        return {
            "time": time.time(),
            "began": self._began_at,
            "snapshot": self._capturing.snapshot(),
            "names": self._mover.names.newest(),
            "links_down": self._links.down,
            "store": {"rows": store.rows, "bytes": store.bytes,
                      "failure": self._mover.store_failure},
            "rules": {"successful": rules.last_reload_successful, "since": rules.last_success_timestamp_s,
                      "counts": dict(rules.counts)},
        }  # fmt: skip
