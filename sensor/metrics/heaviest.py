"""Which of the heavy flows are told: the heaviest at each scrape, and for ten minutes those that were."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sensor._core import FlowKey, HeavyFlow

LISTED_S: Final = 600.0
"""A flow that was among the heaviest is told for so long."""


class Heaviest:
    """The list of heavy flows.

    Parameters
    ----------
    size
        How many of those alive are told; 0 tells none.
    clock
        Seconds that never go back.
    """

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._until: dict[FlowKey, float] = {}

    def choose(self, flows: "list[HeavyFlow]") -> "list[HeavyFlow]":
        """Of the flows that the core has an eye on, those that are told now."""
        now = self._clock()
        alive = [flow for flow in flows if flow[2]]
        alive.sort(key=_bytes, reverse=True)
        for key, _, _ in alive[: self._size]:
            self._until[key] = now + LISTED_S
        self._until = {key: until for key, until in self._until.items() if until > now}
        return [flow for flow in flows if flow[0] in self._until]


def _bytes(flow: "HeavyFlow") -> int:
    _, (_, _, bytes_out, bytes_in), _ = flow
    return bytes_out + bytes_in
