"""Holding a rate, so that a collector's buffers are not overrun."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Pace"]

BURST_S = 0.005
"""Work of so long is let through at once: shorter pauses than that are not kept by a busy machine."""


class Pace:
    """Pauses so that no more than a rate goes through, time lost before never made up.

    Parameters
    ----------
    per_second
        Records a second; None is as fast as it goes.
    """

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._sleep = sleep
        self._due = clock()

    def spend(self, records: int) -> None:
        """Account for records sent, and wait until the next may go."""
        if self._per_second is None:
            return
        now = self._clock()
        # A pause that was not used is no credit for a burst.
        self._due = max(self._due, now) + records / self._per_second
        if self._due - now > BURST_S:
            self._sleep(self._due - now)
