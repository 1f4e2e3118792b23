"""What never reached the core or the store: asked for, accounted, and told when it begins and ends."""

from __future__ import annotations

import socket
import time
from collections import deque
from typing import TYPE_CHECKING

from sensor.daemon.logs import Episode, logger
from sensor.interface import Meter

if TYPE_CHECKING:
    from sensor._core import Snapshot
    from sensor.capture import Capturing
    from sensor.prefilter import Prefilter

__all__ = ["Losses"]

SETTLE_S = 0.05
LOOKS_LATE = 5
"""A busy sensor captures what the kernel has counted only some looks later."""

_KINDS = {
    "packets_dropped_kernel": ("kernel drops", "no room in the ring"),
    "packets_dropped_interface": ("interface drops", "the adapter or its driver lost packets"),
    "packets_dropped_store": ("store drops", "the store took rows too slowly"),
}


class Unsure:
    """What an interface says it dropped, less what was captured all the same.

    Linux counts a frame as dropped that no protocol wanted, and forgets that a capture took it where it had a
    VLAN tag: on a link with two tags, or with PPPoE or MPLS behind one, that is every frame.
    """

    def __init__(self) -> None:
        self._dropped = 0
        self._lost = 0

    def lost(self, newly_dropped: int, captured: int) -> int:
        """What is lost and was not given yet.

        Parameters
        ----------
        newly_dropped
            Frames, since this was last asked.
        captured
            All frames of that kind that were captured up to a little later. What came in that time may hide as
            many that are lost, until the link is quieter.
        """
        self._dropped += newly_dropped
        lost = max(0, self._dropped - captured - self._lost)
        self._lost += lost
        return lost


class Losses:
    """Feeds the accounting with what Python alone can see, and the log with all losses.

    `look` is to be called every few seconds.
    """

    def __init__(
        self, capturing: Capturing, interfaces: tuple[str, ...], prefilter: Prefilter | None
    ) -> None:
        self._capturing = capturing
        self._interfaces = interfaces
        self._prefilter = prefilter
        self._meters = {name: Meter(name) for name in interfaces}
        self._filtered: dict[int, tuple[int, int]] = {}
        self._names: dict[int, str] = {}
        self._totals: dict[tuple[str, str], int] = {}
        self._episodes = {
            (name, kind): Episode(words, interface=name, hint=hint)
            for name in interfaces
            for kind, (words, hint) in _KINDS.items()
        }
        self._merged: set[str] = set()
        self._unsure = {name: Unsure() for name in interfaces}
        self._held = {name: deque([0] * LOOKS_LATE) for name in interfaces}

    def look(self, *, last: bool = False) -> Snapshot:
        """Account what was lost since the last look, and give what the core has counted.

        Drops of which it is not sure yet whether they were captured are told some looks later, or with the last.
        """
        filtered = self._newly_filtered()
        counted = {name: meter.since() for name, meter in self._meters.items()}
        dropped = {name: self._due(name, counters.dropped, last=last) for name, counters in counted.items()}
        if last and any(dropped.values()):
            # What the kernel has counted by now is on its way to the core for so long.
            time.sleep(SETTLE_S + 2 * self._capturing.rings.retire_ms / 1000)
        snapshot = self._capturing.snapshot()
        accounted = False
        for name, counters in counted.items():
            unhandled = snapshot["interfaces"][name]["frames_unhandled"]
            lost = counters.lost - counters.dropped + self._unsure[name].lost(dropped[name], unhandled)
            packets, size = filtered.get(name, (0, 0))
            if lost or packets:
                accounted |= self._capturing.account(
                    name, prefiltered_packets=packets, prefiltered_bytes=size, dropped_interface=lost
                )
        if accounted:
            snapshot = self._capturing.snapshot()
        for (name, kind), episode in self._episodes.items():
            total = int(snapshot["interfaces"][name][kind])  # type: ignore[literal-required]
            episode.add(total - self._totals.get((name, kind), 0))
            self._totals[name, kind] = total
        for name in self._interfaces:
            if snapshot["interfaces"][name]["frames_merged"] and name not in self._merged:
                self._merged.add(name)
                logger(interface=name).warning(
                    "frames are longer than the link's: merged on arrival, counted as what they are",
                    mend='set capture.gro = "off" and capture.lro = "off" to see them as sent',
                )
        return snapshot

    def close(self) -> None:
        """Tell of losses that have not ended."""
        for episode in self._episodes.values():
            episode.close()

    def _due(self, name: str, newly_dropped: int, *, last: bool) -> int:
        held = self._held[name]
        held.append(newly_dropped)
        if not last:
            return held.popleft()
        due = sum(held)
        held.clear()
        return due

    def _newly_filtered(self) -> dict[str, tuple[int, int]]:
        """Packets and bytes that the prefilter turned away since the last look, by interface."""
        if self._prefilter is None:
            return {}
        for name in self._interfaces:
            # One that comes back has another number; what was counted under the old one stays its own.
            try:
                self._names[socket.if_nametoindex(name)] = name
            except OSError:
                continue  # it is away
        found: dict[str, tuple[int, int]] = {}
        for number, count in self._prefilter.counts().items():
            if number not in self._names:
                continue
            name = self._names[number]
            before = self._filtered.get(number, (0, 0))
            now = (count.packets_filtered, count.bytes_filtered)
            self._filtered[number] = now
            packets, size = found.get(name, (0, 0))
            found[name] = (packets + now[0] - before[0], size + now[1] - before[1])
        return found
