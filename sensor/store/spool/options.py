"""What a writer to object storage may be told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

MOST_BYTES = 4 << 30
PATIENCE_S = 300.0


class ShipEvents(Protocol):
    """Who wants to hear how shipping goes; called from a thread of its own."""

    def away(self, reason: str, spool: Path) -> None:
        """The storage takes nothing from now on; segments wait in the spool."""

    def back(self) -> None:
        """It takes segments again."""


class Quiet:
    """Nobody wants to hear it; see `ShipEvents`."""

    def away(self, reason: str, spool: Path) -> None:
        """See `ShipEvents`."""

    def back(self) -> None:
        """See `ShipEvents`."""


@dataclass(frozen=True)
class SpoolOptions:
    """Where segments wait for a storage that is away, and how many.

    Attributes
    ----------
    folder
        Holds the spools; see `sensor.store.place.state.default_folder`.
    most_bytes
        A spool takes no more than this.
    patience_s
        So long a replay waits for a storage that is away, from the last time that it answered.
    events
        Told how it goes.
    """

    folder: Path | None = None
    most_bytes: int = MOST_BYTES
    patience_s: float = PATIENCE_S
    events: ShipEvents = field(default_factory=Quiet)


@dataclass(frozen=True)
class SpoolState:
    """What waits, what was shipped, and how often shipping failed; ``away`` says why it does at present."""

    segments: int = 0
    bytes: int = 0
    shipped: int = 0
    failures: int = 0
    away: str | None = None
