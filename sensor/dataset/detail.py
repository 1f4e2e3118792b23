"""The levels of detail on which use is told, and the words that stand where something is not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

OTHER = "(other)"
"""There is a value, and it is not told."""
RARE = "(rare)"
"""There is a name, and it is not told."""
ANY = "(any)"
"""Not told, nor whether there is a value at all."""
MARKS = (OTHER, RARE, ANY)

COLUMNS = (
    "block", "service", "organisation", "category", "application", "country", "site", "name",
)  # fmt: skip
"""What a flow was, besides its day."""
NAMES = ("site", "name")


class Stretch(Enum):
    """Of how much time a cell tells."""

    DAY = "day"
    WEEK = "week"
    """Seven days, counted from the first of the period."""
    PERIOD = "period"


@dataclass(frozen=True)
class Level:
    """One level of detail.

    Attributes
    ----------
    stretch
        Time that a cell covers.
    says
        What a cell of it tells, in words.
    kept
        Columns that are told.
    marked
        Columns of which is told whether there is a value.
    takes_in
        A group that is too small takes in the smallest cells within it.
    """

    stretch: Stretch
    says: str
    kept: tuple[str, ...]
    marked: tuple[str, ...] = ()
    takes_in: bool = False

    def word(self, column: str, value: str | None) -> str | None:
        """What stands in a column of a cell."""
        if column in self.kept:
            return value
        if column not in self.marked:
            return ANY
        return None if value is None else RARE if column in NAMES else OTHER


_SERVICE = ("service", "organisation", "category", "application")
_BLOCK = ("block", *_SERVICE)
_NO_SITE = "no name and no site"

LEVELS = (
    Level(Stretch.DAY, "block, service, application, country and name", COLUMNS),
    Level(
        Stretch.DAY, "the same, the name brought down to its site", (*_BLOCK, "country", "site"), ("name",)
    ),
    Level(Stretch.DAY, f"the same, {_NO_SITE}", (*_BLOCK, "country"), NAMES),
    Level(
        Stretch.WEEK, "block, service, application, country and site", (*_BLOCK, "country", "site"), ("name",)
    ),
    Level(Stretch.WEEK, f"the same, {_NO_SITE}", (*_BLOCK, "country"), NAMES),
    Level(
        Stretch.PERIOD, f"block, service, application and country, {_NO_SITE}", (*_BLOCK, "country"), NAMES
    ),
    Level(Stretch.PERIOD, "the same without the block", (*_SERVICE, "country"), NAMES, takes_in=True),
    Level(Stretch.PERIOD, "the same without the country", _SERVICE, NAMES, takes_in=True),
    Level(Stretch.PERIOD, "category and application", ("category", "application"), ("service", *NAMES)),
    Level(Stretch.PERIOD, "nothing but the period", (), takes_in=True),
)
"""The first one on which a flow's group is large enough is its own."""
