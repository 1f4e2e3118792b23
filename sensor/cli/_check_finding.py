"""One thing that is wrong or will be, and what mends it."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "hint"]


@dataclass(frozen=True)
class Finding:
    """What is wrong, and about what.

    Attributes
    ----------
    level
        ``error``: nothing, or not what is meant, would be captured. ``warning``: something would be lost or
        measured wrongly. ``hint``: it could be better.
    about
        The interface, or the part of the machine.
    mends
        Commands to type or settings to write, any of which mends it.
    """

    level: Level
    about: str
    text: str
    mends: tuple[str, ...] = ()


def error(about: str, text: str, *mends: str) -> Finding:
    """A capture would fail."""
    return Finding("error", about, text, mends)


def warning(about: str, text: str, *mends: str) -> Finding:
    """A capture would lose something, or measure it wrongly."""
    return Finding("warning", about, text, mends)


def hint(about: str, text: str, *mends: str) -> Finding:
    """A capture could be better."""
    return Finding("hint", about, text, mends)
